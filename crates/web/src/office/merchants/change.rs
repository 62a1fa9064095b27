//! What an operator changes of a merchant.

use super::detail::{Typed, show, show_typed};
use crate::desk::form::Posted;
use crate::desk::route::Outcome;
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use crate::office::invite::{self, Person, name_error};
use crate::office::parts::reason;
use domain::id::MerchantId;
use engine::user::{ChangeMerchant, UserRefused};

/// Fewest characters of a reason.
const REASON_LEAST: usize = 10;

/// The merchant in the path, if there is one.
async fn found(visit: &Visit) -> Result<MerchantId, Trouble> {
    let id = MerchantId(visit.param("merchant")?);
    let found = visit.app.gateway.merchant(visit.actor(), id).await?;
    found.map(|merchant| merchant.id).ok_or(Trouble::NotFound)
}

async fn changed(visit: &Visit, id: MerchantId, change: ChangeMerchant, notice: &str) -> Outcome {
    match visit.app.gateway.change_merchant(visit.actor(), id, change).await {
        Ok(Some(_merchant)) => {
            Ok(visit.see_other(&visit.href(&format!("/office/merchants/{id}")), notice))
        }
        Ok(None) => Err(Trouble::NotFound),
        Err(UserRefused::Fault(fault)) => Err(fault.into()),
        Err(other) => Err(Trouble::Field("name", other.to_string())),
    }
}

/// `POST /office/merchants/{merchant}/review`: approved, or back in review.
pub(super) async fn review(visit: Visit, form: Posted) -> Outcome {
    let id = found(&visit).await?;
    let (approved, notice) = match &*form.text("to") {
        "approved" => (true, "approved"),
        "review" => (false, "in-review"),
        _ => return Err(Trouble::Field("to", "must be approved or review".to_owned())),
    };
    let change = ChangeMerchant { approved: Some(approved), ..ChangeMerchant::default() };
    changed(&visit, id, change, notice).await
}

/// `POST /office/merchants/{merchant}/active`: suspended or active again, with a reason.
pub(super) async fn activate(visit: Visit, form: Posted) -> Outcome {
    let id = found(&visit).await?;
    let (active, notice) = match &*form.text("to") {
        "active" => (true, "reactivated"),
        "suspended" => (false, "suspended"),
        _ => return Err(Trouble::Field("to", "must be active or suspended".to_owned())),
    };
    let why = form.text("reason");
    match reason(&why, REASON_LEAST) {
        Ok(why) => {
            let change = ChangeMerchant {
                active: Some(active),
                reason: Some(why),
                ..ChangeMerchant::default()
            };
            changed(&visit, id, change, notice).await
        }
        Err(reason_error) => {
            let typed = Typed { reason: why, reason_error, ..Typed::default() };
            show_typed(&visit, id, typed, None).await
        }
    }
}

/// `POST /office/merchants/{merchant}/name`
pub(super) async fn rename(visit: Visit, form: Posted) -> Outcome {
    let id = found(&visit).await?;
    let name = form.text("name");
    let wrong = name_error(&name);
    if !wrong.is_empty() {
        let typed = Typed { name: Some(name), name_error: wrong, ..Typed::default() };
        return show_typed(&visit, id, typed, None).await;
    }
    let change = ChangeMerchant { name: Some(name), ..ChangeMerchant::default() };
    changed(&visit, id, change, "saved").await
}

/// `POST /office/merchants/{merchant}/invite`: another owner.
pub(super) async fn invite(visit: Visit, form: Posted) -> Outcome {
    let id = found(&visit).await?;
    let (person, email) = Person::of(&form);
    let Some(email) = email else { return show(&visit, id, person, None).await };
    match invite::invite(&visit, Some(id), (&person, email)).await {
        Ok(invited) => invite::tell(&visit, &invited, &format!("/office/merchants/{id}")).await,
        Err(why) => {
            let person = person.refused(why)?;
            show(&visit, id, person, None).await
        }
    }
}
