//! Notes to a payment.

use super::page::{self, Typed};
use crate::desk::form::Posted;
use crate::desk::route::Outcome;
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use engine::user::UserRefused;
use http::StatusCode;

/// `POST /portal/{mode}/payments/{payment}/note`
pub(super) async fn add(visit: Visit, form: Posted) -> Outcome {
    let payment = super::find(&visit).await?;
    let text = form.text("text");
    let author = &visit.user.facts.name;
    let added = visit.app.gateway.add_note(visit.actor(), payment.id, (author, &text)).await;
    match added {
        Ok(true) => {
            let notes = format!("{}?notice=noted#notes", super::href(&visit, &payment));
            Ok(visit.see_other(&notes, ""))
        }
        Ok(false) => Err(Trouble::NotFound),
        Err(UserRefused::Fault(fault)) => Err(fault.into()),
        Err(refused) => {
            let note_error = format!("The note {refused}.");
            let typed = Typed { note: text, note_error, ..Typed::default() };
            page::show(&visit, payment, StatusCode::UNPROCESSABLE_ENTITY, typed).await
        }
    }
}
