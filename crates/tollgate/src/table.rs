//! Aligned columns for people, and text from elsewhere made harmless for a terminal.

/// Two blanks between columns, each as wide as its widest cell.
pub(crate) fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let heading: Vec<String> = headings.iter().map(|text| text.to_uppercase()).collect();
    let lines: Vec<&Vec<String>> = std::iter::once(&heading).chain(rows).collect();
    align(&lines)
}

/// Names and values, one pair a line.
pub(crate) fn pairs(rows: &[(String, String)]) -> String {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|(name, value)| vec![name.clone(), value.clone()]).collect();
    align(&rows.iter().collect::<Vec<_>>())
}

fn align(lines: &[&Vec<String>]) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for line in lines {
        for (column, cell) in line.iter().enumerate() {
            let width = harmless(cell).chars().count();
            match widths.get_mut(column) {
                Some(widest) => *widest = width.max(*widest),
                None => widths.push(width),
            }
        }
    }
    let mut text = String::new();
    for line in lines {
        let cells = line.iter().zip(&widths);
        let row: Vec<String> =
            cells.map(|(cell, &width)| format!("{:<width$}", harmless(cell))).collect();
        text.push_str(row.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Without control characters, which could rewrite what stands on a terminal.
pub(crate) fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_without_trailing_blanks() {
        let rows = vec![
            vec!["1".to_owned(), "Demo Shop".to_owned(), "yes".to_owned()],
            vec!["12".to_owned(), "B\u{fc}cher".to_owned(), String::new()],
        ];
        let expected = "NO  NAME       ACTIVE\n1   Demo Shop  yes\n12  B\u{fc}cher\n";
        assert_eq!(table(&["no", "name", "active"], &rows), expected);
    }

    #[test]
    fn what_others_wrote_cannot_steer_the_terminal() {
        assert_eq!(harmless("a\u{1b}[2Jb\n"), "a\u{fffd}[2Jb\u{fffd}");
    }
}
