//! `tollgate bench desks`: how long each page of the merchant portal and of the office takes with many
//! payments in the database, and what exports of all of them cost.

use super::desk_data::{self, DeskData};
use super::desk_pages::{COUNTED, EMPTY, Page, Pages, Visitor};
use super::figures::Figure;
use super::http::{self, Whole};
use super::server::BenchServer;
use super::{Errors, Plan, filler};
use crate::table;
use serde::{Serialize, Serializer};
use std::fmt::Write as _;
use std::time::Duration;

/// No page may take longer, in microseconds.
const BAR: u64 = 150_000;
/// A database may still count for a process that was killed; so long it gets for a million payments.
const REST_A_MILLION: Duration = Duration::from_secs(8);

fn as_number<S: Serializer>(figure: &Figure, serializer: S) -> Result<S::Ok, S::Error> {
    figure.number().serialize(serializer)
}

/// How long a page took.
#[derive(Debug, Serialize)]
pub(crate) struct PageMeasured {
    page: String,
    /// The first request after the process had started.
    #[serde(serialize_with = "as_number")]
    first_ms: Figure,
    #[serde(serialize_with = "as_number")]
    p50_ms: Figure,
    #[serde(serialize_with = "as_number")]
    p95_ms: Figure,
    #[serde(serialize_with = "as_number")]
    slowest_ms: Figure,
    /// Answers that took longer than the bar.
    over_bar: u64,
}

/// What an export of everything took.
#[derive(Debug, Serialize)]
pub(crate) struct ExportMeasured {
    page: String,
    rows: u64,
    /// Until its first bytes came.
    #[serde(serialize_with = "as_number")]
    begins_ms: Figure,
    rows_per_second: u64,
    /// The gateway's memory before it, and at its highest meanwhile.
    rss_before_mb: u64,
    peak_rss_mb: u64,
}

/// The figures, as `--json` prints them.
#[derive(Debug, Serialize)]
pub(crate) struct DesksReport {
    scenario: &'static str,
    database: &'static str,
    rounds: usize,
    stored: u64,
    terminals: u32,
    /// What was not answered as it should be; any makes the exit code 1.
    pub(crate) errors: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_error: Option<String>,
    #[serde(serialize_with = "as_number")]
    bar_ms: Figure,
    /// The sign-in page: what an answer costs that has next to nothing on it.
    #[serde(serialize_with = "as_number")]
    floor_p50_ms: Figure,
    peak_rss_mb: u64,
    /// The slowest first.
    pages: Vec<PageMeasured>,
    /// Those with an answer over the bar.
    over_bar: Vec<String>,
    exports: Vec<ExportMeasured>,
}

/// A page's times, in microseconds.
#[derive(Debug)]
struct Times {
    page: Page,
    first: u32,
    later: Vec<u32>,
}

/// The gateway that is looked at.
struct Looking<'a> {
    plan: &'a Plan,
    server: &'a mut BenchServer,
    data: DeskData,
    errors: Errors,
}

/// Measures. `progress` is told what happens meanwhile.
pub(crate) async fn run(plan: &Plan, progress: &impl Fn(&str)) -> Result<DesksReport, String> {
    progress("starting a gateway with a fresh database …");
    let mut server = BenchServer::start(plan.wanted(1, None)).await?;
    let measured = measure(plan, &mut server, progress).await;
    server.stop().await;
    measured
}

async fn measure(
    plan: &Plan,
    server: &mut BenchServer,
    progress: &impl Fn(&str),
) -> Result<DesksReport, String> {
    server.end_processes().await;
    let settings = server.settings()?;
    let filled = filler::fill(&settings, plan.terminals, plan.stored, progress).await?;
    let data = desk_data::add(&settings, &filled, plan.stored, progress).await?;
    let pages = Pages::all(&data);
    let mut looking = Looking { plan, server, data, errors: Errors::default() };
    for path in &pages.unknown {
        let text = format!("{path} was not looked at: it has a part that the bench does not know");
        looking.errors.add(1, Some(&text));
    }
    let times = looking.look_at_all(&pages.looked_at, progress).await?;
    let peak_rss_mb = looking.server.usage()?.peak_rss_mb;
    let mut exports = Vec::with_capacity(pages.exports.len());
    for page in &pages.exports {
        progress(&format!("exporting {} …", page.name));
        exports.push(looking.export(page).await?);
    }
    Ok(report(plan, times, peak_rss_mb, exports, looking.errors))
}

impl Looking<'_> {
    /// Looks at each page once after a start, and then in rounds.
    async fn look_at_all(
        &mut self,
        pages: &[Page],
        progress: &impl Fn(&str),
    ) -> Result<Vec<Times>, String> {
        progress(&format!("looking at {} pages of a gateway that has just started …", pages.len()));
        self.server.start_processes().await?;
        let mut times = Vec::with_capacity(pages.len());
        for page in pages {
            let first = self.look(page).await?.took;
            times.push(Times { page: page.clone(), first, later: Vec::new() });
        }
        for round in 1..=self.plan.rounds {
            progress(&format!("round {round} of {} …", self.plan.rounds));
            for one in &mut times {
                one.later.push(self.look(&one.page).await?.took);
            }
        }
        // Each of these once while nobody has counted yet.
        for one in times.iter_mut().filter(|one| COUNTED.contains(&&*one.page.name)) {
            progress(&format!("{} of a gateway that has just started …", one.page.name));
            self.restart().await?;
            one.first = one.first.max(self.look(&one.page).await?.took);
        }
        Ok(times)
    }

    async fn restart(&mut self) -> Result<(), String> {
        self.server.end_processes().await;
        let stored = u32::try_from(self.plan.stored).unwrap_or(u32::MAX);
        let rest = REST_A_MILLION.saturating_mul(stored).checked_div(1_000_000);
        tokio::time::sleep(rest.unwrap_or_default()).await;
        self.server.start_processes().await
    }

    async fn look(&mut self, page: &Page) -> Result<Whole, String> {
        let people = &self.data.people;
        let secret = match page.visitor {
            Visitor::Stranger => None,
            Visitor::Owner => Some(&*people.owner),
            Visitor::Newcomer => Some(&*people.newcomer),
            Visitor::Operator => Some(&*people.operator),
        };
        let cookie = secret.map(|secret| format!("tollgate_session={secret}"));
        let got = http::whole(self.server.address()?, &page.address, cookie.as_deref()).await;
        let got = got.map_err(|error| format!("{}: {error}", page.name))?;
        let is_sign_in = got.location.as_deref().is_some_and(|to| to.contains(EMPTY));
        if !matches!(got.status, 200 | 303 | 307) || is_sign_in {
            let to = got.location.as_deref().unwrap_or_default();
            let text = format!("{} was answered {} {to}", page.name, got.status);
            self.errors.add(1, Some(text.trim_end()));
        }
        Ok(got)
    }

    /// Reads a file to its end from a gateway that has done nothing else.
    async fn export(&mut self, page: &Page) -> Result<ExportMeasured, String> {
        self.restart().await?;
        self.look(&Page { name: EMPTY.into(), address: EMPTY.into(), visitor: Visitor::Stranger })
            .await?;
        let before = self.server.usage()?;
        let got = self.look(page).await?;
        // The first line names the columns.
        let rows = got.lines.saturating_sub(1);
        if page.name.ends_with("/payments.csv") && rows != self.plan.stored {
            let text = format!("{} has {rows} of {} rows", page.name, self.plan.stored);
            self.errors.add(1, Some(&text));
        }
        let millis = u64::from(got.took / 1_000).max(1);
        Ok(ExportMeasured {
            page: page.name.clone(),
            rows,
            begins_ms: Figure::Thousandths(got.began.into()),
            rows_per_second: rows.saturating_mul(1_000).checked_div(millis).unwrap_or(0),
            rss_before_mb: before.rss_mb,
            peak_rss_mb: self.server.usage()?.peak_rss_mb,
        })
    }
}

fn per_mille(sorted: &[u32], share: usize) -> u64 {
    let place = sorted.len().saturating_mul(share).div_ceil(1_000).saturating_sub(1);
    sorted.get(place).copied().map_or(0, u64::from)
}

fn measured(times: Times) -> PageMeasured {
    let Times { page, first, mut later } = times;
    later.sort_unstable();
    let figure = |share| Figure::Thousandths(per_mille(&later, share));
    let over = later.iter().chain(&[first]).filter(|took| u64::from(**took) > BAR).count();
    PageMeasured {
        page: page.name,
        first_ms: Figure::Thousandths(first.into()),
        p50_ms: figure(500),
        p95_ms: figure(950),
        slowest_ms: figure(1_000),
        over_bar: u64::try_from(over).unwrap_or(u64::MAX),
    }
}

fn report(
    plan: &Plan,
    times: Vec<Times>,
    peak_rss_mb: u64,
    exports: Vec<ExportMeasured>,
    errors: Errors,
) -> DesksReport {
    let mut pages: Vec<PageMeasured> = times.into_iter().map(measured).collect();
    pages.sort_by_key(|one| std::cmp::Reverse((one.p95_ms, one.first_ms)));
    let floor = pages.iter().find(|one| one.page == EMPTY);
    let over = pages.iter().filter(|one| one.over_bar > 0);
    DesksReport {
        scenario: "desks",
        database: if plan.database.is_some() { "postgres" } else { "sqlite" },
        rounds: plan.rounds,
        stored: plan.stored,
        terminals: plan.terminals,
        errors: errors.count,
        first_error: errors.first,
        bar_ms: Figure::Thousandths(BAR),
        floor_p50_ms: floor.map(|one| one.p50_ms).unwrap_or_default(),
        peak_rss_mb,
        over_bar: over.map(|one| one.page.clone()).collect(),
        pages,
        exports,
    }
}

impl DesksReport {
    /// As people read it.
    pub(crate) fn to_text(&self) -> String {
        let row = |one: &PageMeasured| {
            let times = [one.first_ms, one.p50_ms, one.p95_ms, one.slowest_ms];
            let mut cells: Vec<String> = times.iter().map(ToString::to_string).collect();
            cells.push(one.over_bar.to_string());
            cells.push(one.page.clone());
            cells
        };
        let heads = ["first", "p50", "p95", "slowest", "over", "page"];
        let rows: Vec<Vec<String>> = self.pages.iter().map(row).collect();
        let mut text = format!(
            "\ndesks on {}: {} payments, {} rounds, one request at a time\n\
             Milliseconds from the request to the whole answer; first: of a process that has just \
             started\n\n{}\n",
            self.database,
            self.stored,
            self.rounds,
            table::table(&heads, &rows),
        );
        let row = |one: &ExportMeasured| {
            let mut cells = vec![one.rows.to_string(), one.rows_per_second.to_string()];
            cells.push(one.begins_ms.to_string());
            cells.push(one.rss_before_mb.to_string());
            cells.push(one.peak_rss_mb.to_string());
            cells.push(one.page.clone());
            cells
        };
        let heads = ["rows", "a second", "begins after ms", "MB before", "MB at most", "export"];
        let rows: Vec<Vec<String>> = self.exports.iter().map(row).collect();
        text += &table::table(&heads, &rows);
        let over = match self.over_bar.as_slice() {
            [] => "none".to_owned(),
            some => some.join(", "),
        };
        let _infallible = writeln!(
            text,
            "\nfloor, the sign-in page p50: {} ms\nover {} ms: {over}\nerrors: {}",
            self.floor_p50_ms, self.bar_ms, self.errors,
        );
        if let Some(first) = &self.first_error {
            let _infallible = writeln!(text, "the first of them: {first}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_the_sorted_times() {
        let times: Vec<u32> = (1..=20).collect();
        assert_eq!([500, 950, 1_000].map(|share| per_mille(&times, share)), [10, 19, 20]);
        assert_eq!(per_mille(&[], 500), 0);
    }

    #[test]
    fn what_is_over_the_bar_is_counted() {
        let page = Page { name: "/a".into(), address: "/a".into(), visitor: Visitor::Owner };
        let one = measured(Times { page, first: 150_001, later: vec![200_000, 150_000, 9] });
        assert_eq!(one.over_bar, 2);
        assert_eq!(one.p50_ms, Figure::Thousandths(150_000));
    }
}
