//! The page between a form that moves money and the move: it says exactly what will happen, and
//! works without a script.

use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use crate::desk::route::Outcome;
use crate::desk::shell::{Shell, desk_page};
use crate::desk::visit::Visit;
use askama::Template;
use domain::payment::Payment;
use http::StatusCode;

/// What is to be confirmed.
#[derive(Template)]
#[template(path = "portal/confirm.html")]
pub(super) struct Confirm {
    pub(super) shell: Shell,
    pub(super) back: String,
    pub(super) payment: String,
    pub(super) heading: String,
    pub(super) text: String,
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) action: String,
    /// What was typed, to be sent again.
    pub(super) fields: Vec<(&'static str, String)>,
    pub(super) button: String,
    pub(super) is_danger: bool,
    pub(super) needs_password: bool,
    /// What is wrong with the password.
    pub(super) error: String,
}

impl Confirm {
    /// About this payment, with the form to be sent to its page's address and this.
    pub(super) fn new(visit: &Visit, payment: &Payment, (heading, to): (String, &str)) -> Self {
        let back = super::href(visit, payment);
        Self {
            shell: Shell::of(visit, &heading),
            action: format!("{back}{to}"),
            payment: payment.id.to_string(),
            back,
            heading,
            text: String::new(),
            facts: Vec::new(),
            fields: Vec::new(),
            button: String::new(),
            is_danger: false,
            needs_password: false,
            error: String::new(),
        }
    }

    /// Shows it.
    #[expect(clippy::unnecessary_wraps, reason = "a handler ends with it")]
    pub(super) fn show(&self, visit: &Visit) -> Outcome {
        let right = self.error.is_empty();
        let status = if right { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        Ok(desk_page(&visit.app, status, self))
    }
}
