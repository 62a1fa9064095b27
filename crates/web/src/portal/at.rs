//! A moment on a page: exact, and by script also how long ago.

use super::words::moment;
use domain::time::Timestamp;

/// A moment, for `<time datetime>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct At {
    /// For machines.
    pub(super) iso: String,
    /// For people.
    pub(super) text: String,
}

impl At {
    pub(super) fn of(at: Timestamp) -> Self {
        Self { iso: at.to_rfc3339(), text: moment(at) }
    }
}
