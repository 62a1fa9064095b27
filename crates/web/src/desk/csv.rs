//! Comma-separated values by RFC 4180, harmless to spreadsheets: no cell is run as a formula
//! (<https://owasp.org/www-community/attacks/CSV_Injection>).

use std::borrow::Cow;

/// What spreadsheets take for the beginning of a formula, in full width too.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// Appends one line with its CRLF. Every field is a cell; what is in it never ends the line.
pub fn row<'a>(out: &mut String, fields: impl IntoIterator<Item = &'a str>) {
    let start = out.len();
    let mut count = 0_usize;
    for field in fields {
        if count > 0 {
            out.push(',');
        }
        count = count.saturating_add(1);
        push(out, &cell(field));
    }
    // One empty field would be an empty line, which readers skip.
    if count == 1 && out.len() == start {
        out.push_str("\"\"");
    }
    out.push_str("\r\n");
}

/// The text of a cell: ends of lines and tabs are spaces, other control characters are gone, and
/// what a spreadsheet would run as a formula has an apostrophe before it. A plain number below
/// zero stays one.
pub fn cell(text: &str) -> Cow<'_, str> {
    let is_clean = !text.contains(char::is_control);
    let shown = if is_clean { Cow::Borrowed(text) } else { Cow::Owned(printable(text)) };
    // Some programs look past spaces at the beginning.
    let begins = shown.trim_start().starts_with(FORMULA) || text.starts_with(['\t', '\r', '\n']);
    if begins && !is_number(&shown) { Cow::Owned(format!("'{shown}")) } else { shown }
}

fn printable(text: &str) -> String {
    text.replace("\r\n", "\n")
        .chars()
        .map(|c| if matches!(c, '\t' | '\r' | '\n') { ' ' } else { c })
        .filter(|c| !c.is_control())
        .collect()
}

/// Digits with at most one point among them, and a minus at most.
fn is_number(text: &str) -> bool {
    let figures = text.strip_prefix('-').unwrap_or(text);
    let (whole, decimals) = figures.split_once('.').unwrap_or((figures, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    is_digits(whole) && is_digits(decimals)
}

fn push(out: &mut String, cell: &str) {
    if cell.contains([',', '"']) || cell.starts_with(' ') || cell.ends_with(' ') {
        out.push('"');
        out.push_str(&cell.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(cell);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(fields: &[&str]) -> String {
        let mut out = String::new();
        row(&mut out, fields.iter().copied());
        out
    }

    /// A reader of RFC 4180 that accepts nothing else.
    fn read(text: &str) -> Vec<Vec<String>> {
        let mut rows = Vec::new();
        let mut fields = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let mut field = String::new();
            if let Some(quoted) = rest.strip_prefix('"') {
                rest = quoted;
                loop {
                    let (part, after) = rest.split_once('"').expect("a quote is never closed");
                    field.push_str(part);
                    if let Some(more) = after.strip_prefix('"') {
                        field.push('"');
                        rest = more;
                    } else {
                        rest = after;
                        break;
                    }
                }
            } else {
                let end = rest.find([',', '\r']).expect("a line is never ended");
                field.push_str(&rest[..end]);
                assert!(!field.contains(['"', '\n']), "{field:?} needs quotes");
                rest = &rest[end..];
            }
            fields.push(field);
            if let Some(after) = rest.strip_prefix("\r\n") {
                rows.push(std::mem::take(&mut fields));
                rest = after;
            } else {
                rest = rest.strip_prefix(',').expect("a field is followed by something else");
            }
        }
        rows
    }

    #[test]
    fn quotes_where_it_must() {
        assert_eq!(line(&["a", "b c", ""]), "a,b c,\r\n");
        assert_eq!(line(&["a,b", "say \"x\""]), "\"a,b\",\"say \"\"x\"\"\"\r\n");
        assert_eq!(line(&["two\r\nlines", "nul\0l\u{7f}\u{9b}"]), "two lines,null\r\n");
        assert_eq!(line(&[""]), "\"\"\r\n");
        assert_eq!(line(&[]), "\r\n");
        assert_eq!(line(&["Zoë Łukasz 北京"]), "Zoë Łukasz 北京\r\n");
    }

    #[test]
    fn no_formula_is_run_and_numbers_stay_numbers() {
        for formula in [
            "=1+1", "+1", "@x", "-2+3", "-", "-.5", "-5.", "-1.2.3", "-1e5", "--1", "＝1", "－1",
            "+441234",
        ] {
            assert_eq!(cell(formula), format!("'{formula}"));
        }
        for number in ["-12.50", "-5", "0", "11.11", "-0.000"] {
            assert_eq!(cell(number), number);
        }
        assert_eq!(cell("\t=1"), "' =1");
        assert_eq!(cell("\rx"), "' x");
        assert_eq!(cell("\n"), "' ");
        assert_eq!(cell("  =1"), "'  =1");
        assert_eq!(cell("\u{a0}=1"), "'\u{a0}=1");
        // A control character in front hides nothing.
        assert_eq!(cell("\0=1"), "'=1");
        assert_eq!(cell("a=1-2"), "a=1-2");
        assert_eq!(line(&["=HYPERLINK(\"x\",\"y\")"]), "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"\r\n");
    }

    fn any_field() -> impl Strategy<Value = String> {
        prop_oneof![any::<String>(), "[-=+@,\"'\r\n\t 0-9.a]{0,8}"]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            rows in prop::collection::vec(prop::collection::vec(any_field(), 1..6), 1..4),
        ) {
            let mut out = String::new();
            for fields in &rows {
                row(&mut out, fields.iter().map(String::as_str));
            }
            let cells: Vec<Vec<String>> = rows
                .iter()
                .map(|fields| fields.iter().map(|field| cell(field).into_owned()).collect())
                .collect();
            let found = read(&out);
            prop_assert_eq!(&found, &cells);
            for cell in found.iter().flatten() {
                let formula = cell.trim_start().starts_with(FORMULA) && !is_number(cell);
                prop_assert!(!formula, "{:?}", cell);
                prop_assert!(!cell.contains(char::is_control), "{:?}", cell);
            }
        }
    }
}
