//! The settings that `tollgate terminal add` and `tollgate terminal set` share.

use clap::{Args, ValueEnum};
use domain::terminal::{Capture, SettingsChange, WhenUnknown};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CaptureName {
    /// With the authorisation
    Automatic,
    /// The bank holds the money until `tollgate payment capture`
    Manual,
}

impl CaptureName {
    const fn capture(self) -> Capture {
        match self {
            Self::Automatic => Capture::Automatic,
            Self::Manual => Capture::Manual,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum WhenUnknownName {
    /// The bank is asked on; `tollgate payment unresolved` lists it
    Wait,
    /// After half an hour the call is reversed
    Reverse,
}

impl WhenUnknownName {
    const fn policy(self) -> WhenUnknown {
        match self {
            Self::Wait => WhenUnknown::Wait,
            Self::Reverse => WhenUnknown::Reverse,
        }
    }
}

/// What is not named stays as it is; a new terminal has what the help calls new.
#[derive(Debug, Args)]
pub(super) struct SettingsArguments {
    /// When authorised money is taken, for payments created from now on [new: automatic]
    #[arg(long, value_enum)]
    capture: Option<CaptureName>,

    /// What is done when the bank does not say what became of a call [new: wait]
    #[arg(long, value_enum)]
    when_unknown: Option<WhenUnknownName>,

    /// How long money may be given back, in days (0 to 3650) [new: 365]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(0..=3650))]
    refundable_days: Option<u32>,
}

impl SettingsArguments {
    /// What the flags change.
    pub(super) fn change(&self) -> SettingsChange {
        SettingsChange {
            capture: self.capture.map(CaptureName::capture),
            when_unknown: self.when_unknown.map(WhenUnknownName::policy),
            refundable_days: self.refundable_days,
        }
    }
}

/// The flags by name, for who named none.
pub(super) fn flags() -> String {
    let command = SettingsArguments::augment_args(clap::Command::new("terminal set"));
    let flags = command.get_arguments().filter_map(|flag| flag.get_long());
    flags.map(|flag| format!("--{flag}")).collect::<Vec<_>>().join(", ")
}
