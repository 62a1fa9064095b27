//! What a proof finds, in words.

use domain::id::PaymentId;

/// Findings that are listed; all are counted.
pub const LISTED_AT_MOST: usize = 1000;

/// Something that does not agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which payment, where it is about one.
    pub payment: Option<PaymentId>,
    /// In which table, or `bank`.
    pub table: &'static str,
    /// The row's key.
    pub row: String,
    /// What does not agree.
    pub what: String,
}

impl Finding {
    /// What to do about it.
    pub fn advice(&self) -> &'static str {
        match self.table {
            "audit_log" | "audit_head" => {
                "do not rely on the audit log from there on; compare it with a backup, and find out \
                 who can write the database"
            }
            "postings" => {
                "pay nothing out by these balances before it is explained; compare the rows with a \
                 backup"
            }
            "deliveries" => {
                "see that the merchant knows how the payment stands; compare the row with a backup"
            }
            "archives" => {
                "put the archive file back from a backup; delete none of its copies before it is \
                 explained"
            }
            "held_cards" => "it holds card data that should be gone: find out who wrote it",
            "bank" => {
                "settle it with the bank before anything more is captured or refunded of this payment"
            }
            _ => {
                "capture and refund nothing of this payment before it is explained; compare its \
                 rows with a backup, and find out who can write the database"
            }
        }
    }
}

/// Findings: a bounded list, and how many there were.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// At most [`LISTED_AT_MOST`].
    pub listed: Vec<Finding>,
    /// All.
    pub count: u64,
}

impl Findings {
    /// Adds one.
    pub fn add(&mut self, finding: Finding) {
        self.count = self.count.saturating_add(1);
        if self.listed.len() < LISTED_AT_MOST {
            self.listed.push(finding);
        }
    }

    /// Adds those of another part.
    pub fn extend(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        let room = LISTED_AT_MOST.saturating_sub(self.listed.len());
        self.listed.extend(other.listed.into_iter().take(room));
    }
}

/// What is wrong with the audit log's chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditFinding {
    /// It, or the line before it, is not as it was written; or a line between them is gone.
    WrongSeal {
        /// The line's number.
        line: i64,
    },
    /// A line without a seal stands behind one that has one.
    NoSeal {
        /// The line's number.
        line: i64,
    },
    /// Other than as many lines as were written.
    Lines {
        /// Were written.
        counted: u64,
        /// Are there.
        found: u64,
    },
    /// The head is not as it was written, or not of this chain.
    WrongHead,
    /// There are sealed lines, and no head.
    NoHead,
}

impl AuditFinding {
    pub(super) fn into_finding(self) -> Finding {
        let (table, row, what) = match self {
            Self::WrongSeal { line } => (
                "audit_log",
                line.to_string(),
                "its seal does not fit: it was changed, or a line before it was changed, added or \
                 taken away (if every line is named, the master key is not the one they were \
                 written with)"
                    .to_owned(),
            ),
            Self::NoSeal { line } => {
                let what =
                    "it has no seal, and lines before it have: it was not written by Tollgate";
                ("audit_log", line.to_string(), what.to_owned())
            }
            Self::Lines { counted, found } => {
                let what = format!("{counted} sealed lines were written and {found} are there");
                ("audit_head", "1".to_owned(), what)
            }
            Self::WrongHead => {
                let what = "its seal does not fit, or it is not of these lines: lines may be \
                            missing at the end";
                ("audit_head", "1".to_owned(), what.to_owned())
            }
            Self::NoHead => {
                let what = "it is missing, and there are sealed lines: lines may be missing at the \
                            end";
                ("audit_head", "1".to_owned(), what.to_owned())
            }
        };
        Finding { payment: None, table, row, what }
    }
}

/// A walk through the audit log, some lines at a time.
#[derive(Clone, Debug)]
pub struct AuditWalk {
    /// The number it goes on with.
    pub from: i64,
    /// The seal of the last line seen.
    pub previous: [u8; 32],
    /// Lines with a seal so far.
    pub sealed: u64,
    /// Lines from before the chain.
    pub unsealed: u64,
    /// All were seen, and the head as well.
    pub ended: bool,
    /// What was found since the findings were last taken out.
    pub findings: Vec<AuditFinding>,
}

impl Default for AuditWalk {
    fn default() -> Self {
        Self {
            from: i64::MIN,
            previous: [0; 32],
            sealed: 0,
            unsealed: 0,
            ended: false,
            findings: Vec::new(),
        }
    }
}

impl AuditWalk {
    /// Adds a finding.
    pub fn found(&mut self, finding: AuditFinding) {
        self.findings.push(finding);
    }
}
