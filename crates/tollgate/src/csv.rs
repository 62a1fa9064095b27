//! Comma-separated values by RFC 4180, harmless to spreadsheets.

/// A line with its end.
pub(crate) fn line(fields: &[&str]) -> String {
    let fields: Vec<String> = fields.iter().map(|text| field(text)).collect();
    format!("{}\r\n", fields.join(","))
}

/// A field. Text that a spreadsheet would run as a formula gets an apostrophe before it; a number
/// below zero stays one.
fn field(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number(text);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_where_it_must_and_disarms_formulas() {
        assert_eq!(line(&["a", "b c", ""]), "a,b c,\r\n");
        assert_eq!(
            line(&["a,b", "say \"x\"", "two\nlines"]),
            "\"a,b\",\"say \"\"x\"\"\",\"two\nlines\"\r\n"
        );
        assert_eq!(line(&["=1+1", "+1", "@x", "-2+3", "\tx"]), "'=1+1,'+1,'@x,'-2+3,'\tx\r\n");
        assert_eq!(line(&["-11.11", "-5", "-", "-1.2e"]), "-11.11,-5,'-,'-1.2e\r\n");
    }
}
