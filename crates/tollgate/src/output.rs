//! The only way to the terminal: data on standard output, talk on standard error.

use crate::config;
use crate::failure::Failure;
use serde::Serialize;
use std::io::{ErrorKind, IsTerminal as _, Write as _};

/// A colour with a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// As it should be.
    Good,
    /// Worth a look.
    Warning,
    /// Wrong.
    Bad,
    /// A heading.
    Strong,
    /// Beside the point.
    Faint,
}

impl Style {
    const fn code(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Warning => "33",
            Self::Bad => "31",
            Self::Strong => "1",
            Self::Faint => "2",
        }
    }
}

/// Where a command's words go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
    colour: bool,
    silent: bool,
}

impl Output {
    /// `json`: a machine reads. Colour only for people at a terminal who did not ask for none.
    pub(crate) fn new(json: bool) -> Self {
        let colour = !json && std::io::stdout().is_terminal() && config::colour_is_welcome();
        Self { json, colour, silent: false }
    }

    /// For tests of what a command finds, not of what it says.
    #[cfg(test)]
    pub(crate) const fn silent() -> Self {
        Self { json: false, colour: false, silent: true }
    }

    /// Whether a machine reads.
    pub(crate) const fn is_json(self) -> bool {
        self.json
    }

    /// A line of data.
    pub(crate) fn line(self, text: &str) -> Result<(), Failure> {
        self.text(&format!("{text}\n"))
    }

    /// Data as it is.
    pub(crate) fn text(self, text: &str) -> Result<(), Failure> {
        if self.silent {
            return Ok(());
        }
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(|error| {
            if error.kind() == ErrorKind::BrokenPipe {
                Failure::ReaderGone
            } else {
                Failure::could_not("standard output", error)
            }
        })
    }

    /// A value as one line of JSON.
    pub(crate) fn json_line(self, value: &impl Serialize) -> Result<(), Failure> {
        let text =
            serde_json::to_string(value).map_err(|error| Failure::could_not("JSON", error))?;
        self.line(&text)
    }

    /// Talk: what a person may want to know and no machine reads. Lost when nobody listens.
    #[expect(clippy::unused_self, reason = "the one that has the output may write")]
    pub(crate) fn talk(self, text: &str) {
        let written = writeln!(std::io::stderr().lock(), "{text}");
        drop(written);
    }

    /// Whether there is a person at a terminal who can be asked.
    #[expect(clippy::unused_self, reason = "the one that has the output may ask")]
    pub(crate) fn can_ask(self) -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Asks; anything but a yes is a no.
    #[expect(clippy::unused_self, reason = "the one that has the output may ask")]
    pub(crate) fn asks(self, question: &str) -> Result<bool, Failure> {
        let mut answer = String::new();
        let asked = write!(std::io::stderr().lock(), "{question} [y/N] ");
        asked
            .and_then(|()| std::io::stdin().read_line(&mut answer))
            .map_err(|error| Failure::could_not("the terminal", error))?;
        Ok(["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()))
    }

    /// Text in a colour, where colour is welcome.
    pub(crate) fn paint(self, style: Style, text: &str) -> String {
        if self.colour {
            format!("\u{1b}[{}m{text}\u{1b}[0m", style.code())
        } else {
            text.to_owned()
        }
    }
}
