//! New keys: shown once, and those before stay good for a day.

use super::of_path;
use super::pages::{Revealed, show};
use crate::desk::form::Posted;
use crate::desk::notice::Notice;
use crate::desk::route::Outcome;
use crate::desk::shell::Shell;
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use domain::terminal::Terminal;
use http::StatusCode;

/// What is shown of a terminal's newest keys, once.
pub(super) fn revealed(terminal: &Terminal) -> Option<Revealed> {
    let pair = terminal.keys.first()?;
    let secret = terminal.webhook_secrets.first()?;
    Some(Revealed {
        private_key: pair.private.reveal().to_owned(),
        signing_secret: secret.text.reveal().to_owned(),
    })
}

/// `POST /portal/{mode}/terminals/{terminal}/rotate`
pub(super) async fn rotate(visit: Visit, form: Posted) -> Outcome {
    let terminal = of_path(&visit).await?;
    match form.prove(&visit).await {
        Ok(()) => {}
        Err(Trouble::Field(_, text)) => {
            let shell = Shell::of(&visit, &terminal.name);
            let shell = shell.telling(Notice::error(format!("Nothing was changed: {text}.")));
            return show(&visit, StatusCode::UNPROCESSABLE_ENTITY, shell, &terminal, None);
        }
        Err(other) => return Err(other),
    }
    let rotated = visit.app.gateway.rotate_keys(visit.actor(), terminal.number).await?;
    let rotated = rotated.ok_or(Trouble::NotFound)?;
    let text = "The terminal has new keys. Copy them now: the private key and the signing secret \
                are not shown again. The earlier ones stay good for 24 hours.";
    let notice = Notice { is_error: false, text: text.to_owned() };
    let shell = Shell::of(&visit, &rotated.name).telling(notice);
    show(&visit, StatusCode::OK, shell, &rotated, revealed(&rotated))
}
