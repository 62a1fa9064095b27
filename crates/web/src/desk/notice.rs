//! What a page says after something was done. The address has a code and never the words, so that
//! nobody can make a page say something.

/// A line above the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Whether it tells of trouble.
    pub is_error: bool,
    /// The words.
    pub text: String,
}

/// Codes and their words.
const NOTICES: &[(&str, &str)] = &[
    ("saved", "Saved."),
    ("terminal-added", "The terminal is there. Copy its keys now."),
    ("approval-requested", "Approval was asked for. The operator will look at it."),
    ("refund-requested", "The refund was accepted and is on its way to the bank."),
    ("captured", "The money was taken."),
    ("voided", "The held money was released."),
    ("asked-bank", "The bank was asked. The payment below says where it stands."),
    ("noted", "The note was added."),
    ("view-saved", "The view was saved."),
    ("view-removed", "The view was removed."),
    ("endpoint-removed", "The endpoint was removed. What it was sent stays in the log."),
    ("endpoint-on", "The endpoint is on."),
    ("endpoint-off", "The endpoint is off."),
    ("resent", "The webhook is sent again."),
    ("replayed", "The webhooks are sent again."),
    ("invited", "The invitation is on its way."),
    ("role-changed", "The role was changed."),
    ("user-removed", "They have no access any more."),
    ("token-ended", "The token opens nothing any more."),
    ("signed-out", "You are signed out."),
    ("sessions-ended", "All other sessions have ended."),
    ("password-changed", "Your password was changed. Other sessions have ended."),
    ("approved", "Approved."),
    ("refused", "Refused. The merchant sees your reason."),
    ("suspended", "Suspended: no terminal of theirs takes payments."),
    ("reactivated", "Active again: their terminals take payments."),
    ("in-review", "Back in review: none of their terminals can be approved until they are."),
    ("terminal-on", "The terminal is on."),
    ("terminal-off", "The terminal is off and takes no payments."),
    ("bank-asked", "The bank was asked. What it said stands below."),
    ("bank-silent", "The bank has not answered yet. Its answer is recorded when it comes."),
    ("resolved", "Your finding was recorded."),
];

impl Notice {
    /// By its code.
    pub fn of(code: &str) -> Option<Self> {
        let found = NOTICES.iter().find(|(known, _)| *known == code);
        found.map(|(_, text)| Self { is_error: false, text: (*text).to_owned() })
    }

    /// Something that went wrong.
    pub fn error(text: impl Into<String>) -> Self {
        Self { is_error: true, text: text.into() }
    }
}
