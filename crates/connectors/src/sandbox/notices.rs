//! What the served bank tells a gateway of its own accord, by HTTP and signed by Standard Webhooks:
//! how it is sent, and how a gateway judges it.

use super::SandboxBank;
use super::protocol::{JSON, NoticeBody};
use crate::dialer::{DialerError, DialerSettings, GuardedDialer};
use crate::standard_webhooks::{self, Secret};
use domain::bank_message::MessageId;
use domain::destination::Destinations;
use domain::payment::payment_of_reference;
use domain::redaction::Redacted;
use domain::terminal::Mode;
use engine::ports::{
    BankNotice, Clock, Connector as _, Dialer as _, InboundMessage, Judgement, Noticed, Post,
    PostResult, Random, RefusedMessage,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// How long after a notice that was not taken it is sent again.
const GAPS: [Duration; 4] = [
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(15),
];
/// Notices on their way at once. Others wait, and are dropped when too many do: a lookup tells the
/// same.
const TOGETHER: usize = 64;

const FORM: &str = "a message is JSON: {\"our_reference\": \"…\"}";

/// A gateway that hears of what the served bank decides.
#[derive(Debug)]
pub struct NoticeReceiver {
    url: String,
    secret: Secret,
    dialer: GuardedDialer,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl NoticeReceiver {
    /// The gateway behind this address (`http://127.0.0.1:9003/inbound/sandbox`), with the secret
    /// that both know.
    pub fn new(
        url: String,
        secret: Secret,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, DialerError> {
        // The address is the operator's own, and near as a rule.
        let destinations = Destinations { allow_private: true, ..Destinations::default() };
        let settings = DialerSettings { destinations, ..DialerSettings::default() };
        Ok(Self { url, secret, dialer: GuardedDialer::new(&settings)?, clock, random })
    }

    /// Sends a notice until it is taken, a few times.
    async fn tell(&self, notice: BankNotice) {
        let BankNotice { our_reference } = notice;
        let mut id = [0; 16];
        self.random.fill(&mut id);
        let id = format!("msg_{:032x}", u128::from_be_bytes(id));
        let body = match serde_json::to_string(&NoticeBody {
            our_reference: Some((&*our_reference).into()),
        }) {
            Ok(body) => body,
            Err(error) => {
                tracing::error!(our_reference, %error, "a notice was not written");
                return;
            }
        };
        let mut gaps = GAPS.into_iter();
        loop {
            let signed = self.secret.headers(&id, self.clock.now(), body.as_bytes());
            let mut headers = vec![("content-type", JSON.to_owned())];
            headers.extend(signed);
            let post = Post {
                webhook_id: &id,
                url: &self.url,
                headers: &headers,
                body: &body,
                mode: Mode::Test,
            };
            let why = match self.dialer.post(post).await {
                PostResult::Answered { status: 200..=299, .. } => {
                    tracing::debug!(our_reference, id, "the gateway took a notice");
                    return;
                }
                PostResult::Answered { status, .. } => format!("answered {status}"),
                PostResult::Failed(why) => why,
            };
            let Some(gap) = gaps.next() else {
                tracing::warn!(our_reference, why, "the gateway did not take a notice");
                return;
            };
            tracing::debug!(our_reference, why, "a notice is sent again");
            self.clock.sleep(gap).await;
        }
    }
}

/// Tells the gateway of whatever the bank decides. Does not end by itself; what is on its way is
/// dropped with it.
pub async fn send_notices(bank: Arc<SandboxBank>, receiver: NoticeReceiver) {
    let receiver = Arc::new(receiver);
    let mut sending = JoinSet::new();
    loop {
        if sending.len() >= TOGETHER {
            let _sent = sending.join_next().await;
        }
        while sending.try_join_next().is_some() {}
        let notice = bank.next_notice().await;
        let receiver = Arc::clone(&receiver);
        sending.spawn(async move { receiver.tell(notice).await });
    }
}

/// Whether a message is from the bank that knows this secret, and what it is about.
pub(super) fn judge(secret: &Secret, message: InboundMessage<'_>) -> Judgement {
    let secrets = std::slice::from_ref(secret);
    let InboundMessage { headers, body, received_at } = message;
    match standard_webhooks::verify(secrets, headers, body, received_at) {
        Err(why) => Judgement::Refused(RefusedMessage::NotGenuine(why.to_string())),
        Ok(id) => match read(id, body) {
            Ok(noticed) => Judgement::Noticed(noticed),
            Err(why) => Judgement::Refused(RefusedMessage::Unreadable(why)),
        },
    }
}

fn read(id: &str, body: &[u8]) -> Result<Noticed, String> {
    let message = MessageId::parse(id).map_err(|error| error.to_string())?;
    // A database's text has no NUL.
    let text = str::from_utf8(body).ok().filter(|text| !text.contains('\0'));
    let text = text.ok_or_else(|| FORM.to_owned())?;
    let notice: NoticeBody<'_> = serde_json::from_str(text).map_err(|_hidden| FORM.to_owned())?;
    let our_reference = notice.our_reference.map(std::borrow::Cow::into_owned);
    // What has not the form of our references is none, and stays in the body alone.
    let our_reference = our_reference.filter(|text| payment_of_reference(text).is_some());
    Ok(Noticed { message, our_reference, redacted: Redacted::of(text) })
}
