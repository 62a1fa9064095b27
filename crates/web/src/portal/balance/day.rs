//! The postings behind a day's figures.

use super::account_title;
use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use crate::desk::csv;
use crate::desk::route::Outcome;
use crate::desk::shell::{Shell, desk_page};
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use crate::portal::payments::attachment;
use crate::portal::words::{amount, moment};
use askama::Template;
use bytes::Bytes;
use domain::ledger::{Account, Posting};
use domain::money::{Currency, sum_to_decimal_text};
use domain::summary::Day;
use domain::time::Timestamp;
use domain::user::Permission;
use engine::ports::PostingPlace;
use http::StatusCode;
use std::io;
use tokio::sync::mpsc;

/// Postings on a page.
const PAGE: u32 = 25;
/// Postings that are read at once for a file.
const PIECE: u32 = 500;

/// In the column of the other side.
const NOTHING: &str = "\u{2013}";

struct PostingRow {
    payment: String,
    href: String,
    account: &'static str,
    debit: String,
    credit: String,
    at: String,
    at_text: String,
}

#[derive(Template)]
#[template(path = "portal/balance_day.html")]
struct DayPage {
    shell: Shell,
    balance: String,
    here: String,
    day: String,
    currency: &'static str,
    rows: Vec<PostingRow>,
    is_first: bool,
    older: Option<String>,
    export: Option<String>,
}

/// The currency and the day in the path.
fn wanted(visit: &Visit) -> Result<(Currency, Day), Trouble> {
    let currency: Currency = visit.param("currency")?;
    let day: String = visit.param("day")?;
    let day = Timestamp::of_day(&day).map(Day::of).ok_or(Trouble::NotFound)?;
    Ok((currency, day))
}

/// A place as it stands in addresses.
fn place_text(place: PostingPlace) -> String {
    let PostingPlace { at, payment, sequence, account } = place;
    format!("{}.{payment}.{sequence}.{}", at.micros(), account.name())
}

fn read_place(text: &str) -> Option<PostingPlace> {
    let mut parts = text.split('.');
    let place = PostingPlace {
        at: Timestamp::from_micros(parts.next()?.parse().ok()?),
        payment: parts.next()?.parse().ok()?,
        sequence: parts.next()?.parse().ok()?,
        account: Account::from_name(parts.next()?)?,
    };
    parts.next().is_none().then_some(place)
}

/// `GET /portal/{mode}/balance/{currency}/{day}`
pub(super) async fn day(visit: Visit) -> Outcome {
    let mode = visit.mode()?;
    let (currency, day) = wanted(&visit)?;
    let after = visit.asked("after");
    let after = after.map(|text| {
        let form = "must be a place as this page's own links have it".to_owned();
        read_place(&text).ok_or(Trouble::Field("after", form))
    });
    let after = after.transpose()?;
    let found = visit.app.gateway.postings_of_day(
        visit.actor(),
        visit.merchant_id()?,
        (mode, currency),
        day,
        after,
        PAGE.saturating_add(1),
    );
    let mut found = found.await?;
    let most = usize::try_from(PAGE).unwrap_or(usize::MAX);
    let has_older = found.len() > most;
    found.truncate(most);
    let older = found.last().filter(|_| has_older).map(PostingPlace::of);
    let here = visit.in_mode(&format!("/balance/{currency}/{}", day.text()));
    let page = DayPage {
        shell: Shell::of(&visit, &format!("Postings of {}", day.text())),
        balance: format!("{}?currency={currency}", visit.in_mode("/balance")),
        day: day.text(),
        currency: currency.code(),
        rows: found.iter().map(|posting| row(&visit, posting)).collect(),
        is_first: after.is_none(),
        older: older.map(|place| format!("{here}?after={}", place_text(place))),
        export: visit.may(Permission::Export).then(|| format!("{here}/postings.csv")),
        here,
    };
    Ok(desk_page(&visit.app, StatusCode::OK, &page))
}

fn row(visit: &Visit, posting: &Posting) -> PostingRow {
    let shown = amount(posting.amount_minor.saturating_abs(), posting.currency);
    let (debit, credit) = if posting.amount_minor >= 0 {
        (shown, NOTHING.to_owned())
    } else {
        (NOTHING.to_owned(), shown)
    };
    PostingRow {
        payment: posting.payment.to_string(),
        href: visit.in_mode(&format!("/payments/{}", posting.payment)),
        account: account_title(posting.account),
        debit,
        credit,
        at: posting.at.to_rfc3339(),
        at_text: moment(posting.at),
    }
}

/// `GET /portal/{mode}/balance/{currency}/{day}/postings.csv`
pub(super) async fn export(visit: Visit) -> Outcome {
    let mode = visit.mode()?;
    let (currency, day) = wanted(&visit)?;
    visit.merchant_id()?;
    let (sender, pieces) = mpsc::channel(2);
    let name = format!("postings-{}-{currency}-{}.csv", mode.name(), day.text());
    visit.app.gateway.audit_export(visit.actor(), &name).await;
    // Ends with the download: when nobody reads any more, nothing can be sent.
    drop(tokio::spawn(async move { write(&visit, (currency, day), &sender).await }));
    Ok(attachment(&name, pieces))
}

async fn write(
    visit: &Visit,
    (currency, day): (Currency, Day),
    sender: &mpsc::Sender<io::Result<Bytes>>,
) {
    let (Ok(mode), Ok(merchant)) = (visit.mode(), visit.merchant_id()) else { return };
    let mut text = String::new();
    let head = ["at_utc", "trans_id", "event", "account", "currency", "debit", "credit"];
    csv::row(&mut text, head);
    let mut after = None;
    loop {
        let in_what = (mode, currency);
        let asked =
            visit.app.gateway.postings_of_day(visit.actor(), merchant, in_what, day, after, PIECE);
        let found = match asked.await {
            Ok(found) => found,
            Err(fault) => {
                tracing::error!(%fault, "an export was broken off");
                let broken = Err(io::Error::other("the postings cannot be read"));
                drop(sender.send(broken).await);
                return;
            }
        };
        for posting in &found {
            line(&mut text, posting);
        }
        let is_last = u32::try_from(found.len()).is_ok_and(|count| count < PIECE);
        after = found.last().map(PostingPlace::of);
        let piece = Bytes::from(std::mem::take(&mut text));
        if sender.send(Ok(piece)).await.is_err() || is_last {
            return;
        }
    }
}

fn line(out: &mut String, posting: &Posting) {
    let shown = sum_to_decimal_text(posting.amount_minor.saturating_abs(), posting.currency);
    let (debit, credit) =
        if posting.amount_minor >= 0 { (shown, String::new()) } else { (String::new(), shown) };
    let mut at = posting.at.to_page_text();
    at.truncate(19);
    let [payment, sequence] = [posting.payment.to_string(), posting.sequence.to_string()];
    let fields = [
        &*at,
        &payment,
        &sequence,
        posting.account.name(),
        posting.currency.code(),
        &debit,
        &credit,
    ];
    csv::row(out, fields);
}
