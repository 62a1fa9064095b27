//! A call to a bank: its intent is committed before its first byte leaves, and only the bank's
//! word ends it. A crash, a time-out and a lost answer take the same way: the bank is asked by our
//! own reference; a call that it does not know is reversed before it counts as failed, because it
//! may still be under way; nothing is guessed.

use crate::method::CustomerStep;
use crate::outcome::{BankFacts, DeclineReason, Lookup, Outcome};
use crate::schedule;
use crate::terminal::{LateApproval, WhenUnknown};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A call that was intended and committed before its first byte left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sending {
    /// Our reference at the bank, unique per call; lookups ask by it.
    pub our_reference: String,
    /// When the intent was committed.
    pub sent_at: Timestamp,
}

/// A call whose outcome is not known. Only the bank's answer resolves it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unknown {
    /// Our reference at the bank.
    pub our_reference: String,
    /// When the intent was committed.
    pub sent_at: Timestamp,
    /// How often the bank was asked.
    pub lookups: u32,
    /// When the bank first said that it has no such reference; one such answer is not believed.
    pub not_found_since: Option<Timestamp>,
    /// The bank refused to reverse it, so it is not asked to again.
    #[serde(default)]
    pub stands: bool,
}

/// Why a call is being undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// The bank does not know it; it may still be under way.
    NotFound,
    /// The bank has not said for long what became of it, and the terminal does not wait.
    StillUnknown,
    /// The merchant does not want the money that is held.
    Voided,
    /// The bank took another amount than it was asked for.
    WrongAmount,
    /// It was paid after the payment had ended, and the terminal does not take it any more.
    TooLate,
}

/// The reversal of a call. It is repeated under its one reference until the bank confirms it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reversing {
    /// Our reference of the reversal.
    pub our_reference: String,
    /// Our reference of the call that is undone.
    pub original: String,
    /// When the intent of the call that is undone was committed.
    pub sent_at: Timestamp,
    /// When the intent of the reversal was committed.
    pub since: Timestamp,
    /// How often the bank was asked for it.
    pub tries: u32,
    /// Why.
    pub because: Because,
}

/// Where a call stands while only the bank can end it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum Call {
    /// On its way, as far as we know.
    Sending(Sending),
    /// Made, without an answer that counts.
    Unknown(Unknown),
    /// Being undone.
    Reversing(Reversing),
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The bank did it.
    Approved(BankFacts),
    /// The bank refused; nothing moved.
    Declined(DeclineReason, BankFacts),
    /// It provably never left.
    NotSent,
    /// It is undone, and will have no effect should it still arrive.
    Reversed(Because),
}

/// What follows from a bank's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The call is over.
    Settled(Settled),
    /// It is not.
    Waits {
        /// Where it stands now.
        call: Call,
        /// When the bank is spoken to again.
        due_at: Timestamp,
    },
}

/// What the bank said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// To the call itself.
    Outcome(Outcome),
    /// To a lookup of it.
    Lookup(Lookup),
    /// To its reversal.
    Reversal(Outcome),
}

/// What a lookup's answer is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How long the bank may take to register a call.
    pub patience: Duration,
    /// What the terminal wants done with an outcome that stays unknown.
    pub when_unknown: WhenUnknown,
    /// When the bank was asked. Its answer is as old as the question, however late it is heard;
    /// none when it was asked just now.
    pub asked_at: Option<Timestamp>,
    /// What the terminal wants done with an order that was paid after its payment had ended.
    pub late_approval: LateApproval,
    /// How long the customer may take, from the payment's creation on.
    pub customer_time: Duration,
}

impl Word {
    /// What the customer has to do at the bank, where the bank says so.
    pub const fn step(&self) -> Option<&CustomerStep> {
        match self {
            Self::Outcome(Outcome::Pending(step))
            | Self::Lookup(Lookup::Found(Outcome::Pending(step))) => step.as_ref(),
            Self::Outcome(_) | Self::Lookup(_) | Self::Reversal(_) => None,
        }
    }

    /// What the bank says it took, in minor units, where it took something and says how much.
    pub const fn taken_minor(&self) -> Option<i64> {
        match self {
            Self::Outcome(Outcome::Approved(bank))
            | Self::Lookup(Lookup::Found(Outcome::Approved(bank))) => bank.amount_minor,
            Self::Outcome(_) | Self::Lookup(_) | Self::Reversal(_) => None,
        }
    }
}

impl Sending {
    /// When the bank is asked about a call whose answer nobody recorded.
    pub fn asked_at(&self) -> Timestamp {
        self.sent_at.plus(schedule::SENDING_IS_ASKED_AFTER)
    }
}

impl Call {
    /// A call that is intended now.
    pub const fn sending(our_reference: String, now: Timestamp) -> Self {
        Self::Sending(Sending { our_reference, sent_at: now })
    }

    /// A reversal of `original` that is intended now.
    pub const fn reversing(
        our_reference: String,
        original: String,
        because: Because,
        now: Timestamp,
    ) -> Self {
        Self::Reversing(Reversing {
            our_reference,
            original,
            sent_at: now,
            since: now,
            tries: 0,
            because,
        })
    }

    /// Our reference of what the bank is asked for or about: the call, or its reversal.
    pub fn our_reference(&self) -> &str {
        match self {
            Self::Sending(Sending { our_reference, .. })
            | Self::Unknown(Unknown { our_reference, .. })
            | Self::Reversing(Reversing { our_reference, .. }) => our_reference,
        }
    }

    /// When the intent of the call was committed.
    pub const fn sent_at(&self) -> Timestamp {
        match self {
            Self::Sending(Sending { sent_at, .. })
            | Self::Unknown(Unknown { sent_at, .. })
            | Self::Reversing(Reversing { sent_at, .. }) => *sent_at,
        }
    }

    /// What follows from the bank's word. None when it says nothing to where the call stands.
    /// `reversal` is our reference for a reversal that may follow.
    pub fn record(
        self,
        word: Word,
        rules: Rules,
        reversal: String,
        now: Timestamp,
    ) -> Option<Step> {
        match word {
            Word::Outcome(outcome) => self.record_outcome(outcome, now),
            Word::Lookup(lookup) => self.record_lookup(lookup, rules, reversal, now),
            Word::Reversal(outcome) => self.record_reversal(outcome, now),
        }
    }

    /// The bank answered the call itself, or did not. None while the call is being undone: an
    /// answer that comes so late changes nothing any more.
    fn record_outcome(self, outcome: Outcome, now: Timestamp) -> Option<Step> {
        let unknown = self.unknown()?;
        Some(match outcome {
            Outcome::Approved(bank) => Step::Settled(Settled::Approved(bank)),
            Outcome::Declined(reason, bank) => Step::Settled(Settled::Declined(reason, bank)),
            Outcome::NotSent(_) => Step::Settled(Settled::NotSent),
            Outcome::Pending(_) | Outcome::Unknown(_) => {
                ask_later(Unknown { not_found_since: None, ..unknown }, now)
            }
        })
    }

    /// The bank answered a lookup. "Not found" is believed only when the bank said so twice, at
    /// least its patience apart and that long after the send; then the call is reversed under
    /// `reversal`, for it may still arrive. None while it is being undone already.
    fn record_lookup(
        self,
        lookup: Lookup,
        rules: Rules,
        reversal: String,
        now: Timestamp,
    ) -> Option<Step> {
        let unknown = self.unknown()?;
        let lookups = unknown.lookups.saturating_add(1);
        let missing_since = match lookup {
            Lookup::Found(Outcome::Approved(bank)) => {
                return Some(Step::Settled(Settled::Approved(bank)));
            }
            Lookup::Found(Outcome::Declined(reason, bank)) => {
                return Some(Step::Settled(Settled::Declined(reason, bank)));
            }
            Lookup::Found(Outcome::Pending(_) | Outcome::NotSent(_) | Outcome::Unknown(_)) => None,
            Lookup::Unavailable(_) => unknown.not_found_since,
            Lookup::NotFound => {
                let asked_at = rules.asked_at.unwrap_or(now);
                let late = |since: Timestamp| asked_at >= since.plus(rules.patience);
                if unknown.not_found_since.is_some_and(late) && late(unknown.sent_at) {
                    return Some(undo(unknown, reversal, Because::NotFound, now));
                }
                unknown.not_found_since.or(Some(asked_at))
            }
        };
        let given_up = rules.when_unknown == WhenUnknown::Reverse
            && !unknown.stands
            && now >= unknown.sent_at.plus(schedule::UNKNOWN_IS_REVERSED_AFTER);
        if given_up {
            return Some(undo(unknown, reversal, Because::StillUnknown, now));
        }
        Some(ask_later(Unknown { lookups, not_found_since: missing_since, ..unknown }, now))
    }

    /// The bank answered the reversal, or did not. None when nothing is being undone.
    fn record_reversal(self, outcome: Outcome, now: Timestamp) -> Option<Step> {
        let Self::Reversing(reversing) = self else { return None };
        Some(match outcome {
            Outcome::Approved(_) => Step::Settled(Settled::Reversed(reversing.because)),
            Outcome::Declined(reason, bank) if reversing.because == Because::Voided => {
                Step::Settled(Settled::Declined(reason, bank))
            }
            Outcome::Declined(..) => ask_later(
                Unknown {
                    our_reference: reversing.original,
                    sent_at: reversing.sent_at,
                    lookups: 0,
                    not_found_since: None,
                    stands: true,
                },
                now,
            ),
            Outcome::NotSent(_) | Outcome::Pending(_) | Outcome::Unknown(_) => {
                let tries = reversing.tries.saturating_add(1);
                Step::Waits {
                    due_at: now.plus(schedule::until_lookup(tries)),
                    call: Self::Reversing(Reversing { tries, ..reversing }),
                }
            }
        })
    }

    /// Undoes the call under this reference. None when it is being undone already.
    pub fn undo(self, reversal: String, because: Because, now: Timestamp) -> Option<Step> {
        self.unknown().map(|unknown| undo(unknown, reversal, because, now))
    }

    /// What is known of a call that is not being undone.
    fn unknown(self) -> Option<Unknown> {
        match self {
            Self::Sending(Sending { our_reference, sent_at }) => Some(Unknown {
                our_reference,
                sent_at,
                lookups: 0,
                not_found_since: None,
                stands: false,
            }),
            Self::Unknown(unknown) => Some(unknown),
            Self::Reversing(_) => None,
        }
    }
}

fn ask_later(unknown: Unknown, now: Timestamp) -> Step {
    let due_at = now.plus(schedule::until_lookup(unknown.lookups));
    Step::Waits { call: Call::Unknown(unknown), due_at }
}

/// The reversal is due at once; its intent is what this step commits.
fn undo(unknown: Unknown, our_reference: String, because: Because, now: Timestamp) -> Step {
    let reversing = Reversing {
        our_reference,
        original: unknown.our_reference,
        sent_at: unknown.sent_at,
        since: now,
        tries: 0,
        because,
    };
    Step::Waits { call: Call::Reversing(reversing), due_at: now }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_mins(1);
    const RULES: Rules = Rules {
        patience: PATIENCE,
        when_unknown: WhenUnknown::Wait,
        asked_at: None,
        late_approval: LateApproval::Accept,
        customer_time: Duration::from_mins(15),
    };

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(1_745_676_966_000_657).plus(Duration::from_secs(seconds))
    }

    fn waits(step: Option<Step>) -> Call {
        match step {
            Some(Step::Waits { call, .. }) => call,
            other => panic!("{other:?}"),
        }
    }

    fn lookup(call: Call, lookup: Lookup, rules: Rules, seconds: u64) -> Option<Step> {
        call.record_lookup(lookup, rules, "undo".to_owned(), at(seconds))
    }

    #[test]
    fn not_found_is_believed_late_and_then_reversed() {
        let call = Call::sending("ref".to_owned(), at(0));
        let once = waits(lookup(call, Lookup::NotFound, RULES, 10));
        let soon = waits(lookup(once.clone(), Lookup::NotFound, RULES, 69));
        assert!(matches!(soon, Call::Unknown(_)), "{soon:?}");
        let undone = waits(lookup(once, Lookup::NotFound, RULES, 70));
        let Call::Reversing(reversing) = &undone else { panic!("{undone:?}") };
        assert_eq!((reversing.original.as_str(), reversing.because), ("ref", Because::NotFound));
        let lost = Outcome::Unknown("reset".to_owned());
        let again = waits(undone.clone().record_reversal(lost, at(71)));
        assert!(matches!(&again, Call::Reversing(Reversing { tries: 1, .. })), "{again:?}");
        let done = again.record_reversal(Outcome::Approved(BankFacts::default()), at(80));
        assert_eq!(done, Some(Step::Settled(Settled::Reversed(Because::NotFound))));
        assert_eq!(
            undone.record_outcome(Outcome::Approved(BankFacts::default()), at(71)),
            None,
            "an answer that comes while the call is undone changes nothing"
        );
    }

    #[test]
    fn an_answer_is_as_old_as_its_question() {
        let call = Call::sending("ref".to_owned(), at(0));
        let once = waits(lookup(call, Lookup::NotFound, RULES, 10));
        // Asked again soon, heard by a machine that slept meanwhile.
        let asked_soon = Rules { asked_at: Some(at(30)), ..RULES };
        let slept = waits(lookup(once, Lookup::NotFound, asked_soon, 300));
        assert!(matches!(slept, Call::Unknown(_)), "{slept:?}");
        let asked_late = Rules { asked_at: Some(at(70)), ..RULES };
        let undone = waits(lookup(slept, Lookup::NotFound, asked_late, 301));
        assert!(matches!(undone, Call::Reversing(_)), "{undone:?}");
    }

    #[test]
    fn an_answer_in_between_starts_the_count_again() {
        let call = Call::sending("ref".to_owned(), at(0));
        let once = waits(lookup(call, Lookup::NotFound, RULES, 10));
        let pending = Lookup::Found(Outcome::Pending(None));
        let known = waits(lookup(once, pending, RULES, 20));
        let missing = waits(lookup(known, Lookup::NotFound, RULES, 90));
        assert!(matches!(missing, Call::Unknown(_)), "{missing:?}");
    }

    #[test]
    fn what_stays_unknown_is_reversed_only_where_the_terminal_says_so() {
        let down = || Lookup::Unavailable("down".to_owned());
        let call = Call::sending("ref".to_owned(), at(0));
        let late = 30 * 60;
        assert!(matches!(waits(lookup(call.clone(), down(), RULES, late)), Call::Unknown(_)));
        let rules = Rules { when_unknown: WhenUnknown::Reverse, ..RULES };
        let early = waits(lookup(call.clone(), down(), rules, late - 1));
        assert!(matches!(early, Call::Unknown(_)));
        let undone = waits(lookup(call, down(), rules, late));
        let no = Outcome::Declined(DeclineReason::Refused, BankFacts::default());
        let stands = waits(undone.record_reversal(no, at(late)));
        assert!(matches!(&stands, Call::Unknown(Unknown { stands: true, .. })));
        let still = waits(lookup(stands, down(), rules, late + 5));
        assert!(matches!(still, Call::Unknown(_)), "it is not asked again: {still:?}");
    }

    #[test]
    fn a_refused_void_is_over() {
        let call = Call::reversing("v".to_owned(), "ref".to_owned(), Because::Voided, at(0));
        let no = Outcome::Declined(DeclineReason::Refused, BankFacts::default());
        let step = call.record_reversal(no, at(1));
        assert!(matches!(step, Some(Step::Settled(Settled::Declined(..)))), "{step:?}");
    }
}
