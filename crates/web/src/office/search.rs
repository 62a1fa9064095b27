//! One search box for everything that has a number or an address.

use crate::desk::route::{Outcome, Room, Route, get};
use crate::desk::visit::Visit;
use axum::response::{IntoResponse as _, Redirect};
use domain::id::{MerchantId, PaymentId, TerminalNumber};
use domain::user::{Email, Permission};
use form_urlencoded::Serializer;

pub(super) fn routes() -> Vec<Route> {
    vec![get(Room::Office, "/office/search", Permission::Office, search)]
}

/// `GET /office/search?q=`: the thing itself where the words name one, else a merchant by a piece
/// of its name, else payments with them.
async fn search(visit: Visit) -> Outcome {
    let words = visit.asked("q").unwrap_or_default();
    let path = place(&visit, &words).await?;
    Ok(Redirect::to(&visit.href(&path)).into_response())
}

async fn place(visit: &Visit, words: &str) -> Result<String, crate::desk::trouble::Trouble> {
    let gateway = &visit.app.gateway;
    let actor = visit.actor();
    if words.is_empty() {
        return Ok("/office/payments".to_owned());
    }
    if let Ok(id) = words.parse::<PaymentId>()
        && gateway.payment(actor, id).await?.is_some()
    {
        return Ok(format!("/office/payments/{id}"));
    }
    if let Ok(number) = words.parse::<i64>() {
        if gateway.terminal(actor, TerminalNumber(number)).await?.is_some() {
            return Ok(format!("/office/terminals/{number}"));
        }
        if gateway.merchant(actor, MerchantId(number)).await?.is_some() {
            return Ok(format!("/office/merchants/{number}"));
        }
    }
    if let Ok(email) = Email::parse(words)
        && let Some(user) = gateway.user_by_email(actor, &email).await?
    {
        return Ok(match user.merchant {
            Some(merchant) => format!("/office/merchants/{merchant}"),
            None => "/office/users".to_owned(),
        });
    }
    let query = Serializer::new(String::new()).append_pair("q", words).finish();
    let name = words.to_lowercase();
    let merchants = gateway.merchants(actor).await?;
    let mut named = merchants.iter().filter(|one| one.name.to_lowercase().contains(&name));
    Ok(match (named.next(), named.next()) {
        (Some(only), None) => format!("/office/merchants/{}", only.id),
        (Some(_), Some(_)) => format!("/office/merchants?{query}"),
        (None, _) => format!("/office/payments?{query}"),
    })
}
