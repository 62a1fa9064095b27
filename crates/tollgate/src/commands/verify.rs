//! `tollgate verify`: proves that nothing was lost, and that nobody changed what was written.

use crate::cli::Common;
use crate::clock::SystemClock;
use crate::config::Database;
use crate::failure::Failure;
use crate::output::{Output, Style};
use crate::table::{harmless, pairs};
use crate::wire;
use clap::Args;
use engine::Actor;
use engine::ports::Clock as _;
use engine::verify::{Finding, Proof, Proving};
use serde::Serialize;
use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How often a person is told how far it is.
const TOLD_EVERY: Duration = Duration::from_millis(500);
/// Findings that are told to people one by one.
const TOLD_AT_MOST: usize = 100;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tollgate verify
  tollgate verify --bank                 also compares with the sandbox bank's own books
  tollgate verify --json | jq .ok

Changes no payment, and works while a gateway runs. Exit code 1 when something does not agree.")]
pub(crate) struct Arguments {
    /// Also prove that the sandbox bank's journal agrees
    #[arg(long)]
    bank: bool,

    /// The bank's books, when it is served by itself [default: in the data folder]
    #[arg(long, value_name = "FILE", requires = "bank")]
    books: Option<PathBuf>,

    /// One JSON object: ok, what was counted, findings
    #[arg(long)]
    json: bool,
}

/// The outcome as scripts see it.
#[derive(Debug, Serialize)]
struct Told<'a> {
    ok: bool,
    payments: u64,
    archived: u64,
    events: u64,
    refunds: u64,
    postings: u64,
    deliveries: u64,
    audit_lines: u64,
    audit_lines_unsealed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    audit_seal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bank_lines: Option<u64>,
    open: u64,
    findings_count: u64,
    findings: Vec<ToldFinding<'a>>,
    seconds: f64,
}

#[derive(Debug, Serialize)]
struct ToldFinding<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    payment: Option<String>,
    table: &'static str,
    row: &'a str,
    what: &'a str,
    advice: &'static str,
}

pub(crate) async fn run(common: &Common, arguments: Arguments) -> Result<(), Failure> {
    let output = Output::new(arguments.json);
    let settings = common.settings()?;
    let is_sqlite = matches!(settings.database.value, Database::Sqlite);
    if is_sqlite && !wire::has_sqlite_database(&settings) {
        let folder = settings.data_dir.value.display();
        let text = format!("there is no database in {folder}; `tollgate serve` makes one");
        return Err(Failure::CouldNot(text));
    }
    let opened = wire::open(&settings).await?;
    let (gateway, records) = (&opened.gateway, Arc::clone(&opened.records));
    let books = wire::books(&settings, arguments.books.as_deref());
    let bank = arguments.bank.then(|| wire::bank_books(&books)).transpose()?;
    let judged = Arc::new(AtomicU64::new(0));
    let began = SystemClock.now();
    let proving = Proving { records, bank, judged: Arc::clone(&judged) };
    let watched = std::io::stderr().is_terminal();
    if watched {
        output.talk("0 payments judged \u{2026}");
    }
    let proof = {
        let work = gateway.verify(Actor::Operator, proving);
        tokio::pin!(work);
        loop {
            tokio::select! {
                proof = &mut work => break proof?,
                () = tokio::time::sleep(TOLD_EVERY) => if watched {
                    let done = judged.load(Ordering::Relaxed);
                    output.talk(&format!("\u{1b}[1A\u{1b}[2K{done} payments judged \u{2026}"));
                }
            }
        }
    };
    let took = SystemClock.now().since(began);
    if output.is_json() {
        output.json_line(&told(&proof, took))?;
    } else {
        output.text(&text(output, &proof, took))?;
    }
    match proof.findings.count {
        0 => Ok(()),
        _ => Err(Failure::No(String::new())),
    }
}

fn told(proof: &Proof, took: Duration) -> Told<'_> {
    Told {
        ok: proof.findings.count == 0,
        payments: proof.payments,
        archived: proof.archived,
        events: proof.events,
        refunds: proof.refunds,
        postings: proof.postings,
        deliveries: proof.deliveries,
        audit_lines: proof.audit_lines,
        audit_lines_unsealed: proof.audit_unsealed,
        audit_seal: proof.audit_seal.map(hex),
        bank_lines: proof.bank_lines,
        open: proof.open,
        findings_count: proof.findings.count,
        findings: proof.findings.listed.iter().map(told_finding).collect(),
        seconds: took.as_secs_f64(),
    }
}

fn told_finding(found: &Finding) -> ToldFinding<'_> {
    ToldFinding {
        payment: found.payment.map(|payment| payment.to_string()),
        table: found.table,
        row: &found.row,
        what: &found.what,
        advice: found.advice(),
    }
}

fn hex(seal: [u8; 32]) -> String {
    seal.iter().fold(String::new(), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

/// As people read it.
fn text(output: Output, proof: &Proof, took: Duration) -> String {
    let payments = match proof.archived {
        0 => proof.payments.to_string(),
        archived => format!("{} ({archived} in archives)", proof.payments),
    };
    let mut rows = vec![
        ("payments".to_owned(), payments),
        ("events".to_owned(), proof.events.to_string()),
        ("refunds".to_owned(), proof.refunds.to_string()),
        ("postings".to_owned(), proof.postings.to_string()),
        ("deliveries".to_owned(), proof.deliveries.to_string()),
    ];
    let lines = match proof.audit_unsealed {
        0 => proof.audit_lines.to_string(),
        older => format!("{} ({older} older than the chain)", proof.audit_lines),
    };
    rows.push(("audit lines".to_owned(), lines));
    rows.extend(proof.audit_seal.map(|seal| ("last audit seal".to_owned(), hex(seal))));
    rows.extend(proof.bank_lines.map(|lines| ("bank lines".to_owned(), lines.to_string())));
    let open = match proof.open {
        0 => "none".to_owned(),
        open => format!("{open}, only the bank can say how they go on"),
    };
    rows.push(("open".to_owned(), open));
    rows.push(("took".to_owned(), format!("{}.{:03} s", took.as_secs(), took.subsec_millis())));
    let mut text = pairs(&rows);
    text.push('\n');
    for found in proof.findings.listed.iter().take(TOLD_AT_MOST) {
        text.push_str(&finding_text(output, found));
    }
    let told = u64::try_from(TOLD_AT_MOST).unwrap_or(u64::MAX);
    let more = proof.findings.count.saturating_sub(told);
    if more > 0 {
        let _infallible = writeln!(text, "and {more} more; --json lists a thousand");
    }
    let good = output.paint(Style::Good, "\u{2714}");
    let _infallible = match proof.findings.count {
        0 => writeln!(text, "{good} Everything agrees."),
        1 => writeln!(text, "1 thing does not agree."),
        many => writeln!(text, "{many} things do not agree."),
    };
    text
}

fn finding_text(output: Output, found: &Finding) -> String {
    let of = found.payment.map(|payment| format!("payment {payment}, ")).unwrap_or_default();
    format!(
        "{} {of}{} {}: {}\n  {}\n",
        output.paint(Style::Bad, "\u{2718}"),
        found.table,
        harmless(&found.row),
        harmless(&found.what),
        output.paint(Style::Faint, found.advice()),
    )
}
