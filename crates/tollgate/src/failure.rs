//! How a command ends when it does not end well, and the exit code of each end.

use std::process::ExitCode;

/// Why a command did not do what was asked. The texts are whole sentences for people, and say
/// what to do where there is something to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The answer is no (exit code 1). The text is empty when the output has told it already.
    No(String),
    /// Wrong usage: a flag, a setting, a file of settings (exit code 2).
    Usage(String),
    /// It could not be done (exit code 3).
    CouldNot(String),
    /// Whoever read our output has gone, as `head` does: no failure of ours (exit code 0).
    ReaderGone,
}

impl Failure {
    /// For `map_err`: it could not be done, and why.
    pub(crate) fn could_not(what: &str, why: impl std::fmt::Display) -> Self {
        Self::CouldNot(format!("{what}: {why}"))
    }

    /// What to tell on standard error, if anything.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::No(text) | Self::Usage(text) | Self::CouldNot(text) => {
                (!text.is_empty()).then_some(text)
            }
            Self::ReaderGone => None,
        }
    }

    /// The exit code that scripts rely on.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::No(_) => ExitCode::from(1),
            Self::Usage(_) => ExitCode::from(2),
            Self::CouldNot(_) => ExitCode::from(3),
            Self::ReaderGone => ExitCode::SUCCESS,
        }
    }
}

impl From<engine::error::Fault> for Failure {
    fn from(fault: engine::error::Fault) -> Self {
        match fault {
            engine::error::Fault::Busy => {
                Self::CouldNot("the database is busy; try again in a moment".to_owned())
            }
            engine::error::Fault::Unavailable(why) => {
                Self::CouldNot(format!("the database failed: {why}"))
            }
            engine::error::Fault::Broken(why) => Self::CouldNot(why),
        }
    }
}
