//! The looks of the customer pages, as flags of `tollgate terminal add` and `tollgate terminal set`.

use clap::Args;
use domain::theme::{Change, Colour, Logo, Theme, ThemeChange};
use std::fmt::Display;
use std::str::FromStr;

/// Looks of the customer pages.
#[derive(Debug, Args)]
pub(super) struct Looks {
    /// Colour of the customer pages, as #0f6b53; none for the house's own
    #[arg(long, value_name = "COLOUR", value_parser = none_or::<Colour>)]
    accent: Option<Change<Colour>>,

    /// Roundness of corners in pixels (0 to 24); none for the house's own
    #[arg(long, value_name = "PIXELS", value_parser = radius)]
    radius: Option<Change<u8>>,

    /// A PNG or SVG file of at most 8 KiB, shown with the merchant's name; none for the initial
    #[arg(long, value_name = "FILE", value_parser = logo)]
    logo: Option<Change<Logo>>,
}

impl Looks {
    pub(super) fn change(&self) -> ThemeChange {
        ThemeChange {
            accent: self.accent.clone().unwrap_or_default(),
            radius: self.radius.clone().unwrap_or_default(),
            logo: self.logo.clone().unwrap_or_default(),
        }
    }
}

/// `none`, or a value.
fn none_or<T: FromStr<Err: Display>>(text: &str) -> Result<Change<T>, String> {
    if text == "none" {
        return Ok(Change::Remove);
    }
    text.parse().map(Change::Set).map_err(|error: T::Err| error.to_string())
}

fn radius(text: &str) -> Result<Change<u8>, String> {
    let form = || format!("0 to {} pixels, as 12", Theme::RADIUS_AT_MOST);
    let change = none_or::<u8>(text).map_err(|_hidden| form())?;
    let is_too_round = matches!(change, Change::Set(radius) if radius > Theme::RADIUS_AT_MOST);
    if is_too_round { Err(form()) } else { Ok(change) }
}

fn logo(file: &str) -> Result<Change<Logo>, String> {
    if file == "none" {
        return Ok(Change::Remove);
    }
    let bytes = std::fs::read(file).map_err(|error| format!("cannot be read: {error}"))?;
    Logo::parse(&bytes).map(Change::Set).map_err(|error| error.to_string())
}
