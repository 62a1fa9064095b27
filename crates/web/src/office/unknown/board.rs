//! The board of what waits at banks.

use super::{CallRow, open_calls};
use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use crate::desk::route::Outcome;
use crate::desk::shell::{Shell, desk_page};
use crate::desk::visit::Visit;
use crate::office::parts::Merchants;
use askama::Template;
use http::StatusCode;

/// Payments that are looked at; the oldest, which matter most, come first.
const LOOKED_AT: u32 = 300;

#[derive(Template)]
#[template(path = "office/unknown.html")]
struct BoardPage {
    shell: Shell,
    rows: Vec<CallRow>,
    needing: usize,
    is_full: bool,
    looked_at: u32,
}

/// `GET /office/unknown`
pub(super) async fn board(visit: Visit) -> Outcome {
    let (calls, is_full) = open_calls(&visit, LOOKED_AT).await?;
    let merchants = Merchants::load(&visit).await?;
    let page = BoardPage {
        shell: Shell::of(&visit, "Unknown outcomes"),
        needing: calls.iter().filter(|call| call.needs_operator).count(),
        rows: calls.iter().map(|call| call.row(&merchants)).collect(),
        is_full,
        looked_at: LOOKED_AT,
    };
    Ok(desk_page(&visit.app, StatusCode::OK, &page))
}
