//! What went wrong, as a page that says what to do.

use super::shell::{Shell, desk_page};
use super::visit::Visit;
use crate::app::App;
use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use askama::Template;
use axum::response::Response;
use engine::error::Fault;
use http::StatusCode;

/// Why there is no page.
#[derive(Debug)]
pub enum Trouble {
    /// There is no such thing, or not for this visitor.
    NotFound,
    /// The visitor's role may not do that.
    Forbidden,
    /// A field of the form has not the right form; forms that are shown again say it beside the
    /// field.
    Field(&'static str, String),
    /// What was asked for is refused; the words say why and what to do.
    Refused(StatusCode, String),
    /// Our fault.
    Fault(Fault),
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

#[derive(Template)]
#[template(path = "desk/trouble.html")]
struct TroublePage {
    shell: Shell,
    heading: &'static str,
    text: String,
}

#[derive(Template)]
#[template(path = "desk/bare_trouble.html")]
struct BareTroublePage {
    shell: super::shell::Bare,
    heading: &'static str,
    text: String,
}

impl Trouble {
    /// Status, heading and words.
    fn told(self) -> (StatusCode, &'static str, String) {
        match self {
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "There is nothing here",
                "It does not exist, or it is not yours. Check the address, or search for it."
                    .to_owned(),
            ),
            Self::Forbidden => (
                StatusCode::FORBIDDEN,
                "Your role may not do that",
                "Ask an owner or admin of your team for another role.".to_owned(),
            ),
            Self::Field(name, text) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "That did not work",
                format!("{name}: {text}. Go back and correct it; nothing was changed."),
            ),
            Self::Refused(status, text) => (status, "That did not work", text),
            Self::Fault(fault) => {
                tracing::error!(%fault, "a page was not made");
                (StatusCode::SERVICE_UNAVAILABLE, "Not now", LATER.to_owned())
            }
        }
    }

    /// The page around which the visitor still finds their way.
    pub(super) fn into_answer(self, visit: &Visit) -> Response {
        let (status, heading, text) = self.told();
        let shell = Shell::of(visit, heading);
        desk_page(&visit.app, status, &TroublePage { shell, heading, text })
    }

    /// The page for who is not signed in.
    pub(crate) fn into_public_answer(self, app: &App) -> Response {
        let (status, heading, text) = self.told();
        let shell = super::shell::Bare::new(app, heading);
        desk_page(app, status, &BareTroublePage { shell, heading, text })
    }
}

const LATER: &str = "The gateway cannot answer this at the moment. Nothing was lost; try again in \
                     a moment. If it stays so, tell the operator, with the time.";

/// The page where not even the session could be looked up.
pub(super) fn unavailable(app: &App, fault: &Fault) -> Response {
    tracing::error!(%fault, "a session was not looked up");
    Trouble::Refused(StatusCode::SERVICE_UNAVAILABLE, LATER.to_owned()).into_public_answer(app)
}
