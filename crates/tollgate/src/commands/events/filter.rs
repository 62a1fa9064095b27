//! Which deliveries a command is about: the flags that its list and its replay share.

use crate::commands::balance::DAY;
use crate::commands::payment::trans_id;
use crate::commands::{merchant, terminal};
use crate::failure::Failure;
use clap::Args;
use domain::delivery::{DeliveryFilter, DeliveryState};
use domain::event_type::EventType;
use domain::id::{EndpointNumber, MerchantId, PaymentId, TerminalNumber};
use domain::time::Timestamp;
use engine::{Actor, Gateway};

/// What is not named does not matter.
#[derive(Debug, Args)]
pub(super) struct Filter {
    /// Only of this terminal's payments
    #[arg(long, value_name = "NUMBER")]
    terminal: Option<i64>,

    /// Only this merchant's
    #[arg(long, value_name = "NUMBER")]
    merchant: Option<i64>,

    /// Only to this endpoint
    #[arg(long, value_name = "NUMBER")]
    endpoint: Option<i64>,

    /// Only of this type; `tollgate trigger --list` lists them
    #[arg(long = "type", value_name = "TYPE", value_parser = event_type)]
    event_type: Option<EventType>,

    /// Only of this payment
    #[arg(long, value_name = "TRANS_ID", value_parser = trans_id)]
    payment: Option<PaymentId>,

    /// Written from this day (UTC) or moment on, as 2026-01-31 or 2026-01-31T09:00:00Z
    #[arg(long, value_name = "TIME", value_parser = from)]
    from: Option<Timestamp>,

    /// Written up to and with this day (UTC), or before this moment
    #[arg(long, value_name = "TIME", value_parser = until)]
    until: Option<Timestamp>,
}

/// An event type by its name.
pub(in crate::commands) fn event_type(name: &str) -> Result<EventType, String> {
    let unknown = || "`tollgate trigger --list` lists the event types".to_owned();
    EventType::parse(name).map_err(|_unknown| unknown())
}

const TIME_FORM: &str = "a day is written as 2026-01-31, a moment as 2026-01-31T09:00:00Z";

/// The beginning of a day, or a moment.
pub(in crate::commands) fn from(text: &str) -> Result<Timestamp, String> {
    let moment = Timestamp::of_day(text).or_else(|| Timestamp::of_rfc3339(text));
    moment.ok_or_else(|| TIME_FORM.to_owned())
}

/// The end of a day, or a moment.
pub(in crate::commands) fn until(text: &str) -> Result<Timestamp, String> {
    Timestamp::of_day(text).map_or_else(|| from(text), |day| Ok(day.plus(DAY)))
}

impl Filter {
    /// Whether it lets everything through.
    pub(super) fn is_empty(&self) -> bool {
        self.with_state(None) == DeliveryFilter::default()
    }

    /// What the engine is asked for.
    pub(super) fn with_state(&self, state: Option<DeliveryState>) -> DeliveryFilter {
        DeliveryFilter {
            merchant: self.merchant.map(MerchantId),
            terminal: self.terminal.map(TerminalNumber),
            endpoint: self.endpoint.map(EndpointNumber),
            payment: self.payment,
            state,
            event_type: self.event_type,
            from: self.from,
            until: self.until,
        }
    }

    /// A number that nothing has is a mistake, and no empty list. An endpoint may have been removed
    /// and still stand in the log.
    pub(super) async fn check(&self, gateway: &Gateway) -> Result<(), Failure> {
        if let Some(number) = self.merchant {
            let merchants = gateway.merchants(Actor::Operator).await?;
            if !merchants.iter().any(|merchant| merchant.id.0 == number) {
                return Err(merchant::unknown(number));
            }
        }
        if let Some(number) = self.terminal {
            let found = gateway.terminal(Actor::Operator, TerminalNumber(number)).await?;
            found.ok_or_else(|| terminal::unknown(number))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_taken_whole() {
        let midnight = Timestamp::of_day("2026-01-31").unwrap();
        assert_eq!(from("2026-01-31"), Ok(midnight));
        assert_eq!(until("2026-01-31"), Ok(Timestamp::of_day("2026-02-01").unwrap()));
        for at in [from("2026-01-31T00:00:00Z"), until("2026-01-31T00:00:00Z")] {
            assert_eq!(at, Ok(midnight));
        }
        for wrong in ["yesterday", "2026-02-30", "2026-01-31T09:00"] {
            assert!(from(wrong).is_err() && until(wrong).is_err(), "{wrong}");
        }
    }
}
