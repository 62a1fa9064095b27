//! `tollgate version`

use crate::failure::Failure;
use crate::output::Output;
use clap::Args;
use serde_json::json;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tollgate version
  tollgate version --json")]
pub(crate) struct Arguments {
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let output = Output::new(arguments.json);
    let version = env!("CARGO_PKG_VERSION");
    if output.is_json() {
        return output.json_line(&json!({
            "name": "tollgate",
            "version": version,
            "system": std::env::consts::OS,
            "architecture": std::env::consts::ARCH,
        }));
    }
    output.line(&format!("tollgate {version}"))
}
