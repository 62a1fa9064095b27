//! `tollgate bench sweep`: throughput against clients, and latency against offered load, as plots and
//! as figures for machines.

use super::figures::Figure;
use super::generator::Pace;
use super::plot::{Axis, Line, Plot};
use super::rounds::{Load, To};
use super::work::{Kind, Work};
use super::{Bench, Plan};
use serde::{Serialize, Serializer};
use std::path::{Path, PathBuf};

/// Offered load, in percent of what was measured.
const PERCENT: [u64; 11] = [10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110];

/// Figures of one number of clients; medians of the rounds.
#[derive(Clone, Debug, Serialize)]
struct AtClients {
    clients: usize,
    per_second: u64,
    #[serde(serialize_with = "as_number")]
    p50_ms: Figure,
    #[serde(serialize_with = "as_number")]
    p99_ms: Figure,
    one_transaction_per_second: u64,
    bare_log_per_second: u64,
}

/// Figures of one offered load; medians of the rounds.
#[derive(Clone, Debug, Serialize)]
struct AtLoad {
    percent: u64,
    offered_per_second: u64,
    per_second: u64,
    unsent: u64,
    #[serde(serialize_with = "as_number")]
    p50_ms: Figure,
    #[serde(serialize_with = "as_number")]
    p99_ms: Figure,
    #[serde(serialize_with = "as_number")]
    bare_log_p99_ms: Figure,
}

fn as_number<S: Serializer>(figure: &Figure, serializer: S) -> Result<S::Ok, S::Error> {
    figure.number().serialize(serializer)
}

/// What `sweep.json` holds, and `--json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct Swept {
    scenario: &'static str,
    database: &'static str,
    nodes: usize,
    seconds: u64,
    rounds: usize,
    stored: u64,
    terminals: u32,
    /// The highest of all client counts; what offered load is a percentage of.
    capacity_per_second: u64,
    /// What was not answered as it should be.
    pub(crate) errors: u64,
    /// The first of it, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_error: Option<String>,
    throughput: Vec<AtClients>,
    latency: Vec<AtLoad>,
    /// The files that were written.
    #[serde(skip)]
    pub(crate) files: Vec<PathBuf>,
}

/// Measures and writes `throughput.svg`, `latency.svg` and `sweep.json` into the folder.
pub(crate) async fn run(
    plan: &Plan,
    out: &Path,
    progress: &impl Fn(&str),
) -> Result<Swept, String> {
    // Before minutes of measuring, not after them.
    std::fs::create_dir_all(out).map_err(|error| format!("{}: {error}", out.display()))?;
    let mut bench = Bench::start(plan, progress).await?;
    let measured = measure(&mut bench, progress).await;
    let errors = std::mem::take(&mut bench.errors);
    bench.stop().await;
    let (throughput, latency) = measured?;
    let mut swept = Swept {
        scenario: "sweep",
        database: if plan.database.is_some() { "postgres" } else { "sqlite" },
        nodes: plan.nodes,
        seconds: plan.seconds,
        rounds: plan.rounds,
        stored: plan.stored,
        terminals: plan.terminals,
        capacity_per_second: capacity(&throughput).0,
        errors: errors.count,
        first_error: errors.first,
        throughput,
        latency,
        files: Vec::new(),
    };
    let json = serde_json::to_string_pretty(&swept).map_err(|error| error.to_string())?;
    let files = [
        ("throughput.svg", throughput_plot(&swept.throughput).to_svg()),
        ("latency.svg", latency_plot(&swept.latency).to_svg()),
        ("sweep.json", json + "\n"),
    ];
    for (name, text) in files {
        let path = out.join(name);
        std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        swept.files.push(path);
    }
    Ok(swept)
}

type Figures = (Vec<AtClients>, Vec<AtLoad>);

async fn measure(bench: &mut Bench<'_>, progress: &impl Fn(&str)) -> Result<Figures, String> {
    let most = bench.plan.clients;
    let rounds = bench.plan.rounds;
    let mut throughput = Vec::new();
    let doubled = std::iter::successors(Some(1_usize), |clients| clients.checked_mul(2));
    for clients in doubled.take_while(|clients| *clients <= most) {
        progress(&format!("throughput: {clients} of up to {most} clients …"));
        let mut all = Vec::with_capacity(rounds);
        for _round in 0..rounds {
            all.push(at_clients(bench, clients).await?);
        }
        throughput.push(AtClients {
            clients,
            per_second: median(&all, |one| one.per_second),
            p50_ms: median(&all, |one| one.p50_ms),
            p99_ms: median(&all, |one| one.p99_ms),
            one_transaction_per_second: median(&all, |one| one.one_transaction_per_second),
            bare_log_per_second: median(&all, |one| one.bare_log_per_second),
        });
    }
    let (capacity, clients) = capacity(&throughput);
    let mut latency = Vec::new();
    for percent in PERCENT {
        let offered = capacity.saturating_mul(percent).div_ceil(100).max(1);
        progress(&format!("latency: {percent} % of {capacity} a second …"));
        let mut all = Vec::with_capacity(rounds);
        for _round in 0..rounds {
            all.push(at_load(bench, clients, percent, offered).await?);
        }
        latency.push(AtLoad {
            percent,
            offered_per_second: offered,
            per_second: median(&all, |one| one.per_second),
            unsent: median(&all, |one| one.unsent),
            p50_ms: median(&all, |one| one.p50_ms),
            p99_ms: median(&all, |one| one.p99_ms),
            bare_log_p99_ms: median(&all, |one| one.bare_log_p99_ms),
        });
    }
    Ok((throughput, latency))
}

/// The highest rate, and the clients that reached it.
fn capacity(throughput: &[AtClients]) -> (u64, usize) {
    let best = throughput.iter().max_by_key(|one| one.per_second);
    best.map_or((0, 1), |one| (one.per_second, one.clients))
}

/// Of an even number, the lower of the two in the middle.
fn median<T, F: Ord + Copy + Default>(all: &[T], figure: impl Fn(&T) -> F) -> F {
    let mut figures: Vec<F> = all.iter().map(figure).collect();
    figures.sort_unstable();
    figures.get(figures.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

async fn at_clients(bench: &mut Bench<'_>, clients: usize) -> Result<AtClients, String> {
    let load = Load::closed(Kind::Create, clients);
    let measured = bench.drive_one(To::Gateway, load).await?;
    let one = bench.drive_one(To::Naive, load).await?;
    let log = bench.bare_log(clients, Pace::Closed).await?;
    let latencies = measured.latencies();
    Ok(AtClients {
        clients,
        per_second: measured.per_second,
        p50_ms: Figure::Thousandths(latencies.per_mille(500)),
        p99_ms: Figure::Thousandths(latencies.per_mille(990)),
        one_transaction_per_second: one.per_second,
        bare_log_per_second: log.per_second,
    })
}

async fn at_load(
    bench: &mut Bench<'_>,
    clients: usize,
    percent: u64,
    per_second: u64,
) -> Result<AtLoad, String> {
    let pace = Pace::Open { per_second };
    let load = Load { work: Work::Only(Kind::Create), clients, pace };
    let measured = bench.drive_one(To::Gateway, load).await?;
    let log = bench.bare_log(clients, pace).await?;
    let latencies = measured.latencies();
    Ok(AtLoad {
        percent,
        offered_per_second: per_second,
        per_second: measured.per_second,
        unsent: measured.unsent,
        p50_ms: Figure::Thousandths(latencies.per_mille(500)),
        p99_ms: Figure::Thousandths(latencies.per_mille(990)),
        bare_log_p99_ms: Figure::Thousandths(log.latencies.per_mille(990)),
    })
}

/// As a number on paper.
fn on_paper(value: u64) -> f64 {
    f64::from(u32::try_from(value).unwrap_or(u32::MAX))
}

fn line<T>(name: &str, all: &[T], point: impl Fn(&T) -> (u64, f64)) -> Line {
    let points = all.iter().map(point).map(|(across, up)| (on_paper(across), up)).collect();
    Line { name: name.to_owned(), points }
}

fn plot(title: &str, across: Axis, label: &str, lines: Vec<Line>) -> Plot {
    let values: Vec<f64> =
        lines.iter().flat_map(|line| line.points.iter().map(|(_, up)| *up)).collect();
    let up = Axis::around(label, values.into_iter());
    Plot { title: title.to_owned(), across, up, lines }
}

fn throughput_plot(all: &[AtClients]) -> Plot {
    let clients = |one: &AtClients| u64::try_from(one.clients).unwrap_or(u64::MAX);
    let ticks = all.iter().map(|one| (on_paper(clients(one)), one.clients.to_string())).collect();
    let label = "clients, each with one request at a time".to_owned();
    let across = Axis { label, ticks, logarithmic: true };
    let rate = |name: &str, rate: fn(&AtClients) -> u64| {
        line(name, all, |one| (clients(one), on_paper(rate(one))))
    };
    let lines = vec![
        rate("Tollgate", |one| one.per_second),
        rate("one transaction per payment", |one| one.one_transaction_per_second),
        rate("bare log with fdatasync", |one| one.bare_log_per_second),
    ];
    plot("Payments created per second", across, "per second", lines)
}

fn latency_plot(all: &[AtLoad]) -> Plot {
    let percent = |one: &AtLoad| (on_paper(one.percent), one.percent.to_string());
    let ticks = all.iter().map(percent).collect();
    let label = "offered load, in percent of the highest measured throughput".to_owned();
    let across = Axis { label, ticks, logarithmic: false };
    let time = |name: &str, time: fn(&AtLoad) -> Figure| {
        line(name, all, |one| (one.percent, time(one).number().as_f64().unwrap_or(0.0)))
    };
    let lines = vec![
        time("Tollgate p50", |one| one.p50_ms),
        time("Tollgate p99", |one| one.p99_ms),
        time("bare log p99", |one| one.bare_log_p99_ms),
    ];
    plot("Latency of creates, from when each was due", across, "milliseconds", lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plots_are_drawn_of_what_was_measured() {
        let at_clients = |clients: usize| AtClients {
            clients,
            per_second: 1_000 * u64::try_from(clients).unwrap(),
            p50_ms: Figure::Thousandths(480),
            p99_ms: Figure::Thousandths(1_100),
            one_transaction_per_second: 900,
            bare_log_per_second: 40_000,
        };
        let all: Vec<AtClients> = [1, 2, 4].map(at_clients).into();
        assert_eq!(capacity(&all), (4_000, 4));
        let plot = throughput_plot(&all);
        assert_eq!(plot.lines[0].points, [(1.0, 1_000.0), (2.0, 2_000.0), (4.0, 4_000.0)]);
        let svg = plot.to_svg();
        for text in ["Tollgate", "one transaction per payment", "bare log", "50 k", ">4<"] {
            assert!(svg.contains(text), "{text}: {svg}");
        }
        let at_load = |percent: u64| AtLoad {
            percent,
            offered_per_second: percent * 40,
            per_second: percent * 40,
            unsent: 0,
            p50_ms: Figure::Thousandths(500),
            p99_ms: Figure::Thousandths(percent * 100),
            bare_log_p99_ms: Figure::Thousandths(700),
        };
        let plot = latency_plot(&PERCENT.map(at_load));
        assert_eq!(plot.lines[1].points[10], (110.0, 11.0));
        assert!(plot.to_svg().contains(">110</text>"));
    }

    #[test]
    fn medians_take_the_middle() {
        assert_eq!(median(&[3_u64, 1, 2], |one| *one), 2);
        assert_eq!(median(&[4_u64, 1], |one| *one), 1);
        assert_eq!(median(&[], |one: &u64| *one), 0);
    }
}
