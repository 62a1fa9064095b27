//! The sandbox bank's failure switches: what goes wrong when it is a process of its own, and for
//! how many calls. Set and cleared over `/faults`, while the bank runs.

use super::protocol::Operation;
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A fault as it is asked for and told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fault {
    #[serde(rename = "fault")]
    name: FaultName,
    /// For calls of this kind; none for all.
    #[serde(default)]
    kind: Option<Operation>,
    /// For so many calls; none until the faults are cleared.
    #[serde(default)]
    count: Option<u32>,
    /// How long, in milliseconds.
    #[serde(default)]
    ms: Option<u64>,
    /// Which HTTP status.
    #[serde(default)]
    status: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FaultName {
    Slow,
    LoseRequest,
    LoseAnswer,
    StatusBefore,
    StatusAfter,
    Garbage,
    HalfJson,
    Html,
    RegisterLate,
    Down,
}

/// What a fault does to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Done at once, answered this much later.
    Slow(Duration),
    /// Not done; silence for this long, then hung up.
    LoseRequest(Duration),
    /// Done; silence for this long, then hung up.
    LoseAnswer(Duration),
    /// Not done; this HTTP status.
    StatusBefore(u16),
    /// Done; this HTTP status.
    StatusAfter(u16),
    /// Done; bytes that are no JSON.
    Garbage,
    /// Done; the first half of the answer, as if it were the whole.
    HalfJson,
    /// Done; a page for people.
    Html,
    /// Hung up at once, and done this much later.
    RegisterLate(Duration),
    /// The bank does not listen for this long.
    Down(Duration),
}

/// Why a fault cannot be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FaultError {
    #[error("slow, register_late and down need `ms`, from 1 to 3600000")]
    Time,
    #[error("status_before and status_after need `status`: 500, 502, 503 or 504")]
    Status,
    #[error("`count` must be at least 1; leave it out for \"until cleared\"")]
    Count,
    #[error("down is for the whole bank: leave `kind` and `count` out")]
    Down,
}

impl Fault {
    pub(super) fn effect(&self) -> Result<Effect, FaultError> {
        if self.count == Some(0) {
            return Err(FaultError::Count);
        }
        let time = || {
            let ms = self.ms.filter(|ms| (1..=3_600_000).contains(ms)).ok_or(FaultError::Time)?;
            Ok(Duration::from_millis(ms))
        };
        let silence = || if self.ms.is_none() { Ok(Duration::ZERO) } else { time() };
        let status = || {
            self.status
                .filter(|status| matches!(status, 500 | 502 | 503 | 504))
                .ok_or(FaultError::Status)
        };
        Ok(match self.name {
            FaultName::Slow => Effect::Slow(time()?),
            FaultName::LoseRequest => Effect::LoseRequest(silence()?),
            FaultName::LoseAnswer => Effect::LoseAnswer(silence()?),
            FaultName::StatusBefore => Effect::StatusBefore(status()?),
            FaultName::StatusAfter => Effect::StatusAfter(status()?),
            FaultName::Garbage => Effect::Garbage,
            FaultName::HalfJson => Effect::HalfJson,
            FaultName::Html => Effect::Html,
            FaultName::RegisterLate => Effect::RegisterLate(time()?),
            FaultName::Down if self.kind.is_some() || self.count.is_some() => {
                return Err(FaultError::Down);
            }
            FaultName::Down => Effect::Down(time()?),
        })
    }
}

/// The faults that are set, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    pub(super) fn add(&self, fault: Fault) {
        self.with(|faults| faults.push(fault));
    }

    pub(super) fn clear(&self) {
        self.with(Vec::clear);
    }

    pub(super) fn list(&self) -> Vec<Fault> {
        self.with(|faults| faults.clone())
    }

    /// What happens to a call of this kind that has just arrived: the oldest fault that is for it.
    pub(super) fn strike(&self, operation: Operation) -> Option<Effect> {
        self.with(|faults| {
            let fits = |fault: &&mut Fault| fault.kind.is_none_or(|kind| kind == operation);
            let fault = faults.iter_mut().find(fits)?;
            let effect = fault.effect().ok();
            fault.count = fault.count.map(|count| count.saturating_sub(1));
            faults.retain(|fault| fault.count != Some(0));
            effect
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Vec<Fault>) -> T) -> T {
        // A list of faults has no state between two words that a panic could leave broken.
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Result<Effect, String> {
        let fault: Fault = serde_json::from_str(text).map_err(|error| error.to_string())?;
        fault.effect().map_err(|error| error.to_string())
    }

    #[test]
    fn faults_are_read_strictly() {
        let seconds = Duration::from_secs;
        for (text, effect) in [
            (r#"{"fault":"slow","ms":2000}"#, Effect::Slow(seconds(2))),
            (r#"{"fault":"lose_request","count":1}"#, Effect::LoseRequest(Duration::ZERO)),
            (r#"{"fault":"lose_answer","ms":9000}"#, Effect::LoseAnswer(seconds(9))),
            (r#"{"fault":"status_before","status":503}"#, Effect::StatusBefore(503)),
            (r#"{"fault":"status_after","status":502}"#, Effect::StatusAfter(502)),
            (r#"{"fault":"half_json","kind":"refund"}"#, Effect::HalfJson),
            (r#"{"fault":"register_late","ms":1000}"#, Effect::RegisterLate(seconds(1))),
            (r#"{"fault":"down","ms":1000}"#, Effect::Down(seconds(1))),
        ] {
            assert_eq!(fault(text), Ok(effect), "{text}");
        }
        for (text, why) in [
            (r#"{"fault":"slow"}"#, "need `ms`"),
            (r#"{"fault":"lose_answer","ms":0}"#, "need `ms`"),
            (r#"{"fault":"status_after","status":404}"#, "need `status`"),
            (r#"{"fault":"garbage","count":0}"#, "at least 1"),
            (r#"{"fault":"down","ms":1,"kind":"refund"}"#, "whole bank"),
            (r#"{"fault":"down","ms":1,"count":1}"#, "whole bank"),
            (r#"{"fault":"fire"}"#, "unknown variant `fire`"),
            (r#"{"fault":"html","kind":"dispute"}"#, "unknown variant `dispute`"),
            (r#"{"fault":"html","times":1}"#, "unknown field `times`"),
        ] {
            let refused = fault(text).unwrap_err();
            assert!(refused.contains(why), "{text}: {refused}");
        }
    }

    #[test]
    fn a_fault_strikes_its_kind_as_often_as_it_says() {
        let faults = Faults::default();
        let set = |text: &str| faults.add(serde_json::from_str(text).unwrap());
        set(r#"{"fault":"html","kind":"refund","count":2}"#);
        set(r#"{"fault":"garbage","count":1}"#);
        set(r#"{"fault":"status_after","status":500,"kind":"refund"}"#);
        let refund = || faults.strike(Operation::Refund);
        assert_eq!((refund(), refund()), (Some(Effect::Html), Some(Effect::Html)));
        assert_eq!(faults.strike(Operation::Lookup), Some(Effect::Garbage));
        assert_eq!(faults.strike(Operation::Lookup), None);
        for _more in 0..9 {
            assert_eq!(refund(), Some(Effect::StatusAfter(500)));
        }
        assert_eq!(faults.list().len(), 1);
        faults.clear();
        assert_eq!((refund(), faults.list()), (None, Vec::new()));
    }
}
