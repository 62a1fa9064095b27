//! What the simulated shops and customers ask for. Requests are built once, with a place in them for
//! what differs, and copied into a buffer that each connection keeps.

use super::http;
use memchr::memmem::{self, Finder};
use std::sync::Arc;

/// A `transID`.
pub(super) type TransId = [u8; 18];

/// One thing that somebody wants of the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `GET /healthz`: the empty handler.
    Health,
    /// `POST /api/s2s` with a new reference.
    Create,
    /// `GET /api/authurl/s2s/{transID}`.
    Status,
    /// A payment, its challenge opened and passed, its webhook received.
    Life,
}

impl Kind {
    /// Its place in a list of figures.
    pub(super) const fn place(self) -> usize {
        match self {
            Self::Health => 0,
            Self::Create => 1,
            Self::Status => 2,
            Self::Life => 3,
        }
    }
}

/// What ten requests are when shops and customers do what they usually do: most ask how a payment
/// stands, some make one, a few pay one to its end.
const MIXED: [Kind; 10] = {
    use Kind::{Create, Life, Status};
    [Status, Status, Create, Status, Status, Life, Status, Create, Status, Status]
};

/// What a group of clients does, over and over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// One thing only.
    Only(Kind),
    /// Seven questions, two payments that are created, one that is paid to its end.
    Mixed,
}

/// Where a unit of work stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Its only request, or its first.
    First,
    /// The customer opens the challenge.
    OpenChallenge,
    /// The customer answers it.
    AnswerChallenge,
}

/// What follows an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The unit is done, as far as the client has a part in it.
    Done,
    /// Its next request.
    Request(Step),
    /// There was no room for a new payment.
    TurnedAway,
    /// It was not answered as it should be.
    Wrong,
}

/// A terminal that takes payments.
#[derive(Clone, Debug)]
pub(super) struct Till {
    /// `terNO`
    pub(super) number: i64,
    /// Its public key.
    pub(super) public_key: String,
}

impl Till {
    /// The demo shop's.
    pub(super) fn demo() -> Self {
        let public_key = crate::demo_data::PUBLIC_KEY.to_owned();
        Self { number: crate::demo_data::TERMINAL.0, public_key }
    }
}

/// A request with a place for what differs.
#[derive(Debug)]
struct Template {
    bytes: Vec<u8>,
    slot: usize,
}

impl Template {
    fn new(bytes: Vec<u8>, slot: &[u8]) -> Self {
        let slot = memmem::find(&bytes, slot).unwrap_or(0);
        Self { bytes, slot }
    }

    fn write(&self, out: &mut Vec<u8>, value: &[u8]) {
        out.clear();
        out.extend_from_slice(&self.bytes);
        let end = self.slot.saturating_add(value.len());
        if let Some(slot) = out.get_mut(self.slot..end) {
            slot.copy_from_slice(value);
        }
    }
}

/// Digits of the number in a reference.
const DIGITS: usize = 12;

/// The requests of a group of clients.
#[derive(Debug)]
pub(super) struct Requests {
    work: Work,
    health: Vec<u8>,
    /// One for each terminal, served in turn.
    creates: Vec<Template>,
    status: Template,
    open: Template,
    answer: Template,
    /// Payments that are asked about, in turn.
    known: Arc<[TransId]>,
    begun: u64,
    trans_id: Finder<'static>,
}

const NO_ID: TransId = *b"000000000000000000";

impl Requests {
    /// `series` is in every reference, and must be another one each time on the same database.
    /// `hook`: where webhooks of these payments go. `known`: payments to ask about.
    pub(super) fn new(
        work: Work,
        series: u32,
        tills: &[Till],
        hook: &str,
        known: Arc<[TransId]>,
    ) -> Self {
        let zero = format!("{:0DIGITS$}", 0);
        let reference = format!("BENCH-{series:06}-{zero}");
        let create = |till: &Till| {
            let request = http::create_payment_at(till, http::CHALLENGED, &reference, hook);
            let before = reference.len().saturating_sub(DIGITS);
            let mut template = Template::new(request, reference.as_bytes());
            template.slot = template.slot.saturating_add(before);
            template
        };
        let id = String::from_utf8_lossy(&NO_ID);
        let page = format!("/api/authurl/{id}");
        let form = "application/x-www-form-urlencoded";
        Self {
            work,
            health: http::get("/healthz"),
            creates: tills.iter().map(create).collect(),
            status: Template::new(http::get(&format!("/api/authurl/s2s/{id}")), &NO_ID),
            open: Template::new(http::get(&page), &NO_ID),
            answer: Template::new(http::post(&page, form, "otp=123456"), &NO_ID),
            known,
            begun: 0,
            trans_id: Finder::new(TRANS_ID),
        }
    }

    /// Writes the first request of the next unit of work.
    pub(super) fn begin(&mut self, out: &mut Vec<u8>) -> Kind {
        let number = self.begun;
        self.begun = self.begun.saturating_add(1);
        let place = usize::try_from(number).unwrap_or(0);
        let kind = match self.work {
            Work::Only(kind) => kind,
            Work::Mixed => around(&MIXED, place).copied().unwrap_or(Kind::Status),
        };
        match kind {
            Kind::Health => {
                out.clear();
                out.extend_from_slice(&self.health);
            }
            Kind::Create | Kind::Life => {
                if let Some(template) = around(&self.creates, place) {
                    template.write(out, &digits(number));
                }
            }
            Kind::Status => {
                self.status.write(out, around(&self.known, place).unwrap_or(&NO_ID));
            }
        }
        kind
    }

    /// Writes a later request of a unit about this payment.
    pub(super) fn go_on(&self, step: Step, id: &TransId, out: &mut Vec<u8>) {
        match step {
            Step::First => {}
            Step::OpenChallenge => self.open.write(out, id),
            Step::AnswerChallenge => self.answer.write(out, id),
        }
    }

    /// Judges an answer; `id` is set when it names a payment.
    pub(super) fn judge(
        &self,
        (kind, step): (Kind, Step),
        status: u16,
        body: &[u8],
        id: &mut TransId,
    ) -> Next {
        let right = if step == Step::AnswerChallenge { 303 } else { 200 };
        let asks_for_room = step == Step::First && matches!(kind, Kind::Create | Kind::Life);
        if status == 503 && asks_for_room {
            return Next::TurnedAway;
        }
        if status != right {
            return Next::Wrong;
        }
        match (kind, step) {
            (Kind::Create | Kind::Life, Step::First) => {
                let Some(found) = self.find_trans_id(body) else { return Next::Wrong };
                *id = found;
                if kind == Kind::Create { Next::Done } else { Next::Request(Step::OpenChallenge) }
            }
            (_, Step::OpenChallenge) => Next::Request(Step::AnswerChallenge),
            (Kind::Health | Kind::Status, Step::First) | (_, Step::AnswerChallenge) => Next::Done,
        }
    }

    /// The payment that an answer or a webhook names.
    pub(super) fn find_trans_id(&self, body: &[u8]) -> Option<TransId> {
        let from = self.trans_id.find(body)?.saturating_add(TRANS_ID.len());
        body.get(from..)?.first_chunk().copied()
    }
}

const TRANS_ID: &[u8] = b"\"transID\":\"";

fn around<T>(list: &[T], place: usize) -> Option<&T> {
    list.get(place.checked_rem(list.len())?)
}

/// Decimal digits, without allocating.
fn digits(mut number: u64) -> [u8; DIGITS] {
    let mut text = [b'0'; DIGITS];
    for digit in text.iter_mut().rev() {
        let last = u8::try_from(number % 10).unwrap_or(0);
        *digit = b'0'.saturating_add(last);
        number /= 10;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requests(work: Work) -> Requests {
        let tills: Vec<Till> = ["key of the first", "key of the second"]
            .iter()
            .zip(41..)
            .map(|(key, number)| Till { number, public_key: (*key).to_owned() })
            .collect();
        let known: Arc<[TransId]> = vec![*b"417823250426141606"].into();
        Requests::new(work, 7, &tills, "http://127.0.0.1:1/hook", known)
    }

    #[test]
    fn references_differ_and_terminals_take_turns() {
        let mut requests = requests(Work::Only(Kind::Create));
        let mut out = Vec::new();
        for number in 0..200_u64 {
            assert_eq!(requests.begin(&mut out), Kind::Create);
            let text = String::from_utf8(out.clone()).unwrap();
            let reference = format!("\"reference\":\"BENCH-000007-{number:012}\"");
            assert!(text.contains(&reference), "{text}");
            let key = if number % 2 == 0 { "key of the first" } else { "key of the second" };
            assert!(text.contains(key), "{text}");
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
            serde_json::from_str::<serde_json::Value>(body).unwrap();
        }
        let room = out.capacity();
        requests.begin(&mut out);
        assert_eq!(out.capacity(), room, "nothing is allocated for the next one");
    }

    #[test]
    fn the_mix_is_seven_questions_two_payments_and_a_life() {
        let mut requests = requests(Work::Mixed);
        let mut counted = [0; 4];
        let mut out = Vec::new();
        for _request in 0..100 {
            counted[requests.begin(&mut out).place()] += 1;
        }
        assert_eq!(counted, [0, 20, 70, 10]);
    }

    #[test]
    fn a_life_goes_its_way_and_wrong_answers_end_it() {
        let requests = requests(Work::Only(Kind::Life));
        let mut id = NO_ID;
        let body = br#"{"transID":"417823250426141606","order_status":"18"}"#;
        let mut judge =
            |step, status, body: &[u8]| requests.judge((Kind::Life, step), status, body, &mut id);
        assert_eq!(judge(Step::First, 200, b"{}"), Next::Wrong);
        assert_eq!(judge(Step::First, 503, body), Next::TurnedAway);
        assert_eq!(judge(Step::OpenChallenge, 503, body), Next::Wrong);
        assert_eq!(judge(Step::First, 200, body), Next::Request(Step::OpenChallenge));
        assert_eq!(judge(Step::OpenChallenge, 200, b""), Next::Request(Step::AnswerChallenge));
        assert_eq!(judge(Step::AnswerChallenge, 200, b""), Next::Wrong);
        assert_eq!(judge(Step::AnswerChallenge, 303, b""), Next::Done);
        assert_eq!(&id, b"417823250426141606");
        let mut out = Vec::new();
        requests.go_on(Step::OpenChallenge, &id, &mut out);
        assert!(out.starts_with(b"GET /api/authurl/417823250426141606 HTTP/1.1\r\n"));
    }
}
