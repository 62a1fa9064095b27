//! What the desks' pages need beside payments: people who are signed in, an endpoint, the log of what
//! merchants' servers called, and a second merchant without a payment, whose lists must not be
//! looked for among the first one's.

use super::filler::{Filled, ObligingBank};
use crate::clock::SystemClock;
use crate::config;
use crate::random::{SystemSource, hexadecimal};
use crate::wire::{self, Filling};
use domain::api_call::ApiCall;
use domain::delivery::DeliveryFilter;
use domain::event_type::EventPattern;
use domain::id::{EndpointNumber, MerchantId, PaymentId, TerminalNumber};
use domain::payment::Payment;
use domain::secret::SecretText;
use domain::summary::Day;
use domain::terminal::{Mode, Settings};
use domain::text::WebAddress;
use domain::user::{Email, Role};
use engine::changeset::{Changeset, DeskChange};
use engine::endpoint::AddEndpoint;
use engine::password::code_at;
use engine::ports::{PaymentsAsked, Store};
use engine::sign_in::SignIn;
use engine::terminal::AddTerminal;
use engine::user::{Accept, Invite};
use engine::{Actor, Gateway};
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

/// Calls that are written at once.
const CALLS_AT_ONCE: u64 = 1_000;
/// Between two calls, back from now: the payments' own pace.
const BETWEEN_CALLS: Duration = Duration::from_millis(100);
/// Of so many calls one was refused.
const REFUSED_OF: u64 = 50;

/// The secrets of the session cookies of those who look.
#[derive(Debug)]
pub(super) struct People {
    /// The owner of the merchant whose payments were filled in.
    pub(super) owner: String,
    /// The owner of the merchant who has none.
    pub(super) newcomer: String,
    /// Works in the office.
    pub(super) operator: String,
}

/// What there is to look at.
#[derive(Debug)]
pub(super) struct DeskData {
    pub(super) people: People,
    pub(super) merchant: MerchantId,
    /// The merchant without a payment.
    pub(super) small: MerchantId,
    pub(super) terminal: TerminalNumber,
    pub(super) endpoint: EndpointNumber,
    /// The number of the merchant's owner.
    pub(super) user: String,
    /// The newest one.
    pub(super) payment: Payment,
    /// The newest one's id.
    pub(super) webhook: String,
    /// A payment in the middle of all.
    pub(super) middle: String,
}

impl DeskData {
    /// The day of the newest payment.
    pub(super) fn day(&self) -> String {
        Day::of(self.payment.created_at).text()
    }
}

fn words(error: impl Display) -> String {
    error.to_string()
}

/// Adds all of it to a database that is filled and that no process serves.
pub(super) async fn add(
    settings: &config::Settings,
    filled: &Filled,
    calls: u64,
    progress: &impl Fn(&str),
) -> Result<DeskData, String> {
    let opened = wire::open_for_filling(settings, Arc::new(SystemClock), Arc::new(ObligingBank));
    let opened = opened.await.map_err(|failure| {
        failure.text().unwrap_or("the database could not be opened").to_owned()
    })?;
    let Filling { gateway, store, closed } = opened;
    progress(&format!("writing a log of {calls} calls, and adding people …"));
    let data = add_all(&gateway, filled).await?;
    log_calls(&*store, filled, data.merchant, calls).await?;
    drop((gateway, store));
    closed.await?;
    Ok(data)
}

async fn add_all(gateway: &Gateway, filled: &Filled) -> Result<DeskData, String> {
    let actor = Actor::Operator;
    let asked = PaymentsAsked { limit: 1, ..PaymentsAsked::default() };
    let newest = gateway.newest_payments(actor, asked).await.map_err(words)?;
    let payment = newest.into_iter().next().ok_or("there is no payment to look at")?;
    let filter = DeliveryFilter { payment: Some(payment.id), ..DeliveryFilter::default() };
    let told = gateway.deliveries(actor, filter, None, 1).await.map_err(words)?;
    let told = told.deliveries.first().ok_or("there is no webhook to look at")?;
    let webhook = told.id.to_string();
    let small = gateway.add_merchant(actor, "Corner Shop").await.map_err(words)?.id;
    let till = AddTerminal {
        number: None,
        merchant: small,
        name: "Till".to_owned(),
        mode: Mode::Test,
        settings: Settings::for_all_methods(),
        public_key: None,
    };
    gateway.add_terminal(actor, till).await.map_err(words)?;
    let endpoint = AddEndpoint {
        merchant: payment.merchant,
        terminal: None,
        mode: Mode::Test,
        url: WebAddress::parse("https://shop.example/endpoint").map_err(words)?,
        events: vec![EventPattern::everything()],
        description: String::new(),
    };
    let endpoint = gateway.add_endpoint(actor, endpoint).await.map_err(words)?.number;
    let (user, owner) = sign_in(gateway, Some(payment.merchant), "owner@shop.example").await?;
    let (_, newcomer) = sign_in(gateway, Some(small), "owner@corner.example").await?;
    let (_, operator) = sign_in(gateway, None, "operator@gateway.example").await?;
    let middle = filled.known.get(filled.known.len() / 2).copied().unwrap_or_default();
    Ok(DeskData {
        people: People { owner, newcomer, operator },
        merchant: payment.merchant,
        small,
        terminal: payment.terminal,
        endpoint,
        user,
        payment,
        webhook,
        middle: String::from_utf8_lossy(&middle).into_owned(),
    })
}

/// Somebody's number and the secret of their session.
async fn sign_in(
    gateway: &Gateway,
    merchant: Option<MerchantId>,
    email: &str,
) -> Result<(String, String), String> {
    let email = Email::parse(email).map_err(words)?;
    let role = if merchant.is_some() { Role::Owner } else { Role::Operator };
    let name = "Somebody Who Looks".to_owned();
    let invite = Invite { merchant, email: email.clone(), name: name.clone(), role };
    let invited = gateway.invite(Actor::Operator, Role::Operator, invite).await.map_err(words)?;
    let secret = gateway.totp_secret(&invited.user).map_err(words)?;
    let code = code_at(&secret, gateway.clock().now()).ok_or("there is no one-time code")?;
    let password = hexadecimal::<16>(&SystemSource::new());
    let accept = Accept { name, password: SecretText::new(password.clone()), code };
    let (user, recovery) =
        gateway.accept_invitation(invited.secret.reveal(), accept).await.map_err(words)?;
    // The code of this half minute is used up.
    let sign_in = SignIn {
        email,
        password: SecretText::new(password),
        code: recovery.into_iter().next().ok_or("there is no recovery code")?,
        caller: None,
        agent: "tollgate bench".to_owned(),
    };
    let done = gateway.sign_in(sign_in).await.map_err(words)?;
    Ok((user.id.to_string(), done.secret.reveal().to_owned()))
}

/// So many calls of the merchant's servers, one every tenth of a second until now.
async fn log_calls(
    store: &dyn Store,
    filled: &Filled,
    merchant: MerchantId,
    calls: u64,
) -> Result<(), String> {
    let now = engine::ports::Clock::now(&SystemClock);
    let known: Vec<PaymentId> =
        filled.known.iter().filter_map(|id| std::str::from_utf8(id).ok()?.parse().ok()).collect();
    let call = |number: u64| {
        let ago = u32::try_from(calls.saturating_sub(number)).unwrap_or(u32::MAX);
        let place = usize::try_from(number).unwrap_or(0);
        let till = place.checked_rem(filled.tills.len()).and_then(|at| filled.tills.get(at));
        let is_refused = number.is_multiple_of(REFUSED_OF);
        ApiCall {
            merchant,
            at: now.minus(BETWEEN_CALLS.saturating_mul(ago)),
            number: i64::try_from(number).unwrap_or(i64::MAX),
            terminal: TerminalNumber(till.map_or(0, |till| till.number)),
            action: if number.is_multiple_of(3) { "show_status" } else { "create_payment" },
            status: if is_refused { 422 } else { 200 },
            error: is_refused.then(|| "1010 bill_amt".to_owned()),
            request_id: format!("{number:032x}"),
            caller: Some("192.0.2.7".to_owned()),
            took: Duration::from_millis(3),
            payment: place.checked_rem(known.len()).and_then(|at| known.get(at)).copied(),
        }
    };
    let mut from = 0;
    while from < calls {
        let until = from.saturating_add(CALLS_AT_ONCE).min(calls);
        let change = DeskChange::Calls((from..until).map(call).collect());
        store.commit(Changeset::desk("log_calls", change, None)).await.map_err(words)?;
        from = until;
    }
    Ok(())
}
