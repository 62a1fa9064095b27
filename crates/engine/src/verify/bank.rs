//! What the gateway believes of its calls against what the bank's own books say.

use super::calls::{BankCall, CallKind, Ended};
use super::finding::Finding;
use domain::id::PaymentId;
use domain::terminal::Mode;
use std::collections::BTreeMap;

/// A line of a bank's books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankLine {
    /// Its number.
    pub number: i64,
    /// Our reference, as the bank received it.
    pub our_reference: String,
    /// The payment, as the bank received it.
    pub trans_id: String,
    /// `authorisation`, `capture`, `refund`, `reversal`, `dispute`.
    pub kind: String,
    /// What an approved line moved.
    pub amount_minor: i64,
    /// ISO 4217 alphabetic.
    pub currency: String,
    /// Whether it took effect.
    pub approved: bool,
    /// Our reference of the call it follows.
    pub original: Option<String>,
    /// `automatic` or `manual`, of an authorisation.
    pub capture: Option<String>,
    /// 0 for the line that counts; older books have further lines of the same reference.
    pub repeat: i64,
}

fn finding(payment: Option<PaymentId>, row: &str, what: String) -> Finding {
    Finding { payment, table: "bank", row: row.to_owned(), what }
}

/// The lines of some payments' calls, by reference.
pub(super) type Lines = BTreeMap<String, Vec<BankLine>>;

/// Judges one payment's calls by the bank's lines of them, which were read after the payment was.
pub(super) fn judge(calls: &[BankCall], lines: &Lines) -> Vec<Finding> {
    let mut findings = Vec::new();
    for call in calls.iter().filter(|call| call.mode == Mode::Test) {
        let mut add = |what: String| {
            findings.push(finding(Some(call.payment), &call.our_reference, what));
        };
        let of_call = lines.get(&call.our_reference).map_or(&[][..], Vec::as_slice);
        for line in of_call {
            if line.repeat == 0 {
                if let Some(what) = differs(call, line) {
                    add(what);
                }
            } else if line.approved && moves_money(call.kind) {
                add("the bank did it twice under one reference".to_owned());
            }
        }
        let first = of_call.iter().find(|line| line.repeat == 0);
        if call.kind == CallKind::Reversal {
            // Whether it was undone is told by what it should undo.
            continue;
        }
        let undone = calls.iter().filter(|other| other.kind == CallKind::Reversal).any(|other| {
            other.original.as_deref() == Some(&call.our_reference)
                && lines.get(&other.our_reference).is_some_and(|found| {
                    found.iter().any(|line| line.approved && line.amount_minor > 0)
                })
        });
        let kind = call.kind.name();
        match (call.ended, first) {
            (Ended::Open, _) | (Ended::Undone, None) => {}
            (Ended::Done | Ended::Refused, None) => {
                add(format!("the bank has no {kind} with this reference"));
            }
            (Ended::Done, Some(line)) if !line.approved => {
                add(format!("the gateway believes in this {kind}, and the bank declined it"));
            }
            (Ended::Done, Some(_)) if undone => {
                add(format!("the gateway believes in this {kind}, and the bank reversed it"));
            }
            (Ended::Refused | Ended::Undone, Some(line)) if line.approved && !undone => {
                add(format!("the bank believes in this {kind}, and the gateway does not"));
            }
            (Ended::Left, Some(line)) if line.approved && !undone => {
                add(format!("the bank took money by this {kind} after its payment had ended"));
            }
            (Ended::Left, _) | (Ended::Done | Ended::Refused | Ended::Undone, Some(_)) => {}
        }
    }
    findings
}

const fn moves_money(kind: CallKind) -> bool {
    match kind {
        CallKind::Authorisation(_) | CallKind::Capture | CallKind::Refund => true,
        CallKind::Reversal => false,
    }
}

/// What the bank's line says otherwise than the call.
fn differs(call: &BankCall, line: &BankLine) -> Option<String> {
    let asked = call.amount_minor;
    let amount_fits = line.amount_minor == asked
        || (call.kind == CallKind::Reversal && (line.amount_minor == 0 || !line.approved));
    let nothing_undone = call.kind == CallKind::Reversal && line.amount_minor == 0;
    let capture = match call.kind {
        CallKind::Authorisation(capture) => Some(capture.name()),
        CallKind::Capture | CallKind::Refund | CallKind::Reversal => None,
    };
    if line.trans_id != call.payment.to_string() {
        Some(format!("the bank has it for payment {}", line.trans_id))
    } else if line.kind != call.kind.name() {
        Some(format!("it is a {} to the bank, and a {} here", line.kind, call.kind.name()))
    } else if !amount_fits {
        Some(format!("the bank has {} minor units, and the gateway {asked}", line.amount_minor))
    } else if line.currency != call.currency.code() && !nothing_undone {
        Some(format!("the bank has it in {}, and the gateway in {}", line.currency, call.currency))
    } else if line.original != call.original {
        Some("it follows another call to the bank than here".to_owned())
    } else if line.capture.as_deref() != capture {
        Some("whether it took or only held the money differs".to_owned())
    } else {
        None
    }
}

/// A line of the bank that no payment's calls account for.
pub(super) fn unknown_line(line: &BankLine, payment_exists: bool) -> Finding {
    let payment = line.trans_id.parse().ok();
    let result = if line.approved { "approved" } else { "declined" };
    let kind = &line.kind;
    let what = if payment_exists {
        format!("the bank {result} a {kind} that the payment never asked for")
    } else {
        format!("the bank {result} a {kind} for {}, which is no payment here", line.trans_id)
    };
    finding(payment, &line.our_reference, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::money::Currency;
    use domain::terminal::Capture;

    #[test]
    fn an_order_that_was_paid_when_nobody_asked_any_more_is_found() {
        let payment = "123456250426142207".parse().unwrap();
        let our_reference = format!("{payment}-2");
        let call = BankCall {
            payment,
            mode: Mode::Test,
            our_reference: our_reference.clone(),
            kind: CallKind::Authorisation(Capture::Automatic),
            amount_minor: 100,
            currency: Currency::from_code("INR").unwrap(),
            original: None,
            ended: Ended::Left,
        };
        let line = BankLine {
            number: 1,
            our_reference: our_reference.clone(),
            trans_id: payment.to_string(),
            kind: "authorisation".to_owned(),
            amount_minor: 100,
            currency: "INR".to_owned(),
            approved: true,
            original: None,
            capture: Some("automatic".to_owned()),
            repeat: 0,
        };
        let found = |call: BankCall, lines: &[BankLine]| {
            let lines = [(our_reference.clone(), lines.to_vec())].into();
            judge(&[call], &lines).len()
        };
        let refused = BankLine { approved: false, ..line.clone() };
        assert_eq!(found(call.clone(), std::slice::from_ref(&line)), 1);
        assert_eq!(found(call.clone(), &[refused]), 0);
        assert_eq!(found(call.clone(), &[]), 0);
        assert_eq!(found(BankCall { ended: Ended::Open, ..call }, &[line]), 0, "it is asked soon");
    }
}
