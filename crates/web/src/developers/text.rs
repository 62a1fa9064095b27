//! Sentences of the reference that serve two masters: pages, where `` `words` `` become code, and
//! the `OpenAPI` document, where they stay as they are (its descriptions are Markdown).

use std::fmt;

/// A sentence in which backticks mark code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prose(pub &'static str);

impl fmt::Display for Prose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, part) in self.0.split('`').enumerate() {
            let is_code = place % 2 == 1;
            if is_code {
                f.write_str("<code>")?;
            }
            escape(part, f)?;
            if is_code {
                f.write_str("</code>")?;
            }
        }
        Ok(())
    }
}

impl askama::filters::HtmlSafe for Prose {}

fn escape(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for c in text.chars() {
        match c {
            '<' => f.write_str("&lt;")?,
            '>' => f.write_str("&gt;")?,
            '&' => f.write_str("&amp;")?,
            '"' => f.write_str("&quot;")?,
            other => fmt::Write::write_char(f, other)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backticks_become_code_and_the_rest_is_escaped() {
        assert_eq!(
            Prose("send `a<b` & \"c\"").to_string(),
            "send <code>a&lt;b</code> &amp; &quot;c&quot;"
        );
    }
}
