//! The demo shop that a new data folder gets: merchant "Demo Shop" with test terminal 42, whose
//! public key is the one printed on the requirement page, so that its request works as printed.

use crate::failure::Failure;
use domain::id::TerminalNumber;
use domain::terminal::{Mode, Settings, UpiCollect};
use engine::terminal::AddTerminal;
use engine::{Actor, Gateway};
use std::path::{Path, PathBuf};

/// The public key of terminal 42.
pub(crate) const PUBLIC_KEY: &str = "WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=";
/// The terminal's number.
pub(crate) const TERMINAL: TerminalNumber = TerminalNumber(42);
const MARK: &str = "demo-data";
const MARK_TEXT: &str = "\
This folder holds Tollgate's demo data: a test terminal whose public key everybody knows.
While this file is here, webhooks may go to private addresses and nothing live can be switched on.
For a gateway of your own, run `tollgate init` in a new folder.
";

/// Whether this folder holds demo data.
pub(crate) fn is_here(data_dir: &Path) -> bool {
    mark(data_dir).exists()
}

fn mark(data_dir: &Path) -> PathBuf {
    data_dir.join(MARK)
}

/// Marks a folder that is new. To be called before anything else is in it.
pub(crate) fn mark_new(data_dir: &Path) -> Result<(), Failure> {
    let path = mark(data_dir);
    std::fs::write(&path, MARK_TEXT)
        .map_err(|error| Failure::could_not(&path.display().to_string(), error))
}

/// Adds the demo shop and its terminal where they are missing: a crash may have come between.
pub(crate) async fn complete(gateway: &Gateway) -> Result<(), Failure> {
    let actor = Actor::Operator;
    if gateway.terminal(actor, TERMINAL).await?.is_some() {
        return Ok(());
    }
    let merchant = match gateway.merchants(actor).await?.into_iter().next() {
        Some(merchant) => merchant,
        None => gateway.add_merchant(actor, "Demo Shop").await?,
    };
    let add = AddTerminal {
        number: Some(TERMINAL),
        merchant: merchant.id,
        name: "Demo terminal".to_owned(),
        mode: Mode::Test,
        // Collect requests are converted elsewhere; here their page can be seen.
        settings: Settings { upi_collect: UpiCollect::Allow, ..Settings::for_all_methods() },
        public_key: Some(PUBLIC_KEY.to_owned()),
    };
    gateway.add_terminal(actor, add).await?;
    Ok(())
}
