//! The page's `order_status` and `status` (contract, section 3).

use crate::payment::State;
use crate::terminal::Mode;

/// A status as merchants see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderStatus {
    /// `order_status`, as text.
    pub code: &'static str,
    /// `status`.
    pub text: &'static str,
    /// Whether it is decided, so that the customer goes on to `return_url`.
    pub decided: bool,
}

const fn waiting(code: &'static str, text: &'static str) -> OrderStatus {
    OrderStatus { code, text, decided: false }
}

const fn decided(code: &'static str, text: &'static str) -> OrderStatus {
    OrderStatus { code, text, decided: true }
}

/// Waiting for the customer or the bank.
pub const PENDING: OrderStatus = waiting("0", "Pending");
/// Test terminal, the customer is in the challenge.
pub const TEST_CHALLENGE: OrderStatus = waiting("27", "Test 3DS Authentication");

impl OrderStatus {
    /// How a state shows on a terminal of this mode.
    pub const fn of(state: &State, mode: Mode) -> Self {
        match (state, mode) {
            (
                State::Waiting { .. }
                | State::Sending(_)
                | State::Unknown(_)
                | State::Reversing(_)
                | State::Presented(_),
                _,
            )
            | (State::Challenged { .. }, Mode::Live) => PENDING,
            (State::Challenged { .. }, Mode::Test) => TEST_CHALLENGE,
            (State::Approved { taken, .. }, _) if taken.refunding_minor > 0 => {
                decided("8", "Refund Pending")
            }
            (State::Approved { taken, .. }, _) if taken.refunded_minor > 0 => {
                if taken.refunded_minor < taken.captured_minor {
                    decided("12", "Partial Refund")
                } else {
                    decided("3", "Refunded")
                }
            }
            // Held money counts as approved: the customer has paid as far as they can.
            (
                State::Authorised(_)
                | State::Capturing { .. }
                | State::Voiding { .. }
                | State::Approved { .. },
                Mode::Live,
            ) => decided("1", "Approved"),
            (
                State::Authorised(_)
                | State::Capturing { .. }
                | State::Voiding { .. }
                | State::Approved { .. },
                Mode::Test,
            ) => decided("25", "Test Approved"),
            (State::Reversed { .. }, _) => decided("7", "Reversed"),
            (State::Declined { .. }, Mode::Live) => decided("2", "Declined"),
            (State::Declined { .. }, Mode::Test) => decided("26", "Test Declined"),
            (State::Expired { .. }, _) => decided("22", "Expired"),
            (State::Cancelled { .. }, _) => decided("23", "Cancelled"),
            (State::Failed { .. }, _) => decided("24", "Failed"),
        }
    }
}
