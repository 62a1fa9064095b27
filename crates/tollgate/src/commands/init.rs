//! `tollgate init`: a commented file of settings and the master key. What is there is left alone.

use crate::cli::Common;
use crate::config::FilePlace;
use crate::failure::Failure;
use crate::master_key::{self, Creation};
use crate::output::Output;
use crate::random::SystemSource;
use clap::Args;
use serde_json::json;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tollgate init
  tollgate init --data-dir /var/lib/tollgate --config /etc/tollgate.toml

Running it again is safe: it never overwrites, and says what is there.")]
pub(crate) struct Arguments {
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(common: &Common, arguments: &Arguments) -> Result<(), Failure> {
    let output = Output::new(arguments.json);
    // A file that is there decides where the key goes; one that is still to be written cannot.
    let place = FilePlace { must_exist: false, ..FilePlace::find(common.config.as_deref()) };
    let data_dir = common.settings_of(&place, Vec::new())?.data_dir.value;
    let file = place.path;
    let named = common.data_dir.as_deref();
    let config = write_config(&file, named)?;
    let key = master_key::create(&data_dir, &SystemSource::new())?;
    // Also an old key must be one, or the next start fails.
    master_key::read(&data_dir)?;

    let key_path = master_key::path_in(&data_dir);
    if output.is_json() {
        return output.json_line(&json!({
            "config": {"path": file, "created": config == Creation::Created},
            "master_key": {"path": key_path, "created": key == Creation::Created},
        }));
    }
    output.line(&told("settings", &file, config))?;
    output.line(&told("master key", &key_path, key))?;
    if key == Creation::Created {
        output.talk(
            "\nKeep a copy of the master key apart from the backups of the data: without it \
             nothing that is sealed\ncan be opened, and with both anybody can.",
        );
    }
    output.talk("\nNext: tollgate doctor, then tollgate serve");
    Ok(())
}

fn told(what: &str, path: &Path, creation: Creation) -> String {
    match creation {
        Creation::Created => format!("wrote the {what} {}", path.display()),
        Creation::Exists => format!("left the {what} {} as it is", path.display()),
    }
}

fn write_config(path: &Path, data_dir: Option<&Path>) -> Result<Creation, Failure> {
    let cannot = |error: std::io::Error| {
        Failure::CouldNot(format!("cannot write {}: {error}", path.display()))
    };
    let text = config_text(data_dir)?;
    let mut file = match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(Creation::Exists),
        Err(error) => return Err(cannot(error)),
    };
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(cannot)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    master_key::sync_folder(folder.unwrap_or(Path::new(".")))?;
    Ok(Creation::Created)
}

/// The file with every key in a comment, and the data folder in force when it was named.
fn config_text(data_dir: Option<&Path>) -> Result<String, Failure> {
    let Some(folder) = data_dir else { return Ok(CONFIG.to_owned()) };
    let text = folder
        .to_str()
        .ok_or_else(|| Failure::Usage("--data-dir must be a path in UTF-8 text".to_owned()))?;
    let value = toml::Value::String(text.to_owned());
    let default = "# data_dir = \"./tollgate-data\"";
    Ok(CONFIG.replace(default, &format!("data_dir = {value}")))
}

const CONFIG: &str = r#"# Settings of Tollgate. A line that begins with # is a comment and shows the default.
# Stronger than this file are environment variables (TOLLGATE_LISTEN, TOLLGATE_LOG_LEVEL, …),
# stronger than those are flags. `tollgate config show` prints what is in force and why.

# Where the gateway listens. Behind a proxy on the same machine, leave it as it is.
# listen = "127.0.0.1:9003"

# The database, the master key and everything else that must not be lost.
# data_dir = "./tollgate-data"

# The address that customers and shops see; every link begins with it. For real payments it must
# be https. Without it: http://localhost and the port.
# public_url = "https://pay.example.com"

# "sqlite" is the database in the data folder, for one process. Many nodes share a PostgreSQL
# server (15 or newer): "postgres://user:password@host:5432/tollgate?sslmode=verify-full". With a
# standby, name both: "postgres://user:password@host1,host2/tollgate".
# database = "sqlite"

# What this process does: "all", "api" (requests only) or "worker" (background work only).
# role = "all"

# Where another process serves the sandbox bank for test terminals (tollgate bank serve), on this
# machine. Without it, the gateway has the sandbox bank inside.
# sandbox_bank = "http://127.0.0.1:9010"

# The secret that this bank signs its notices with (tollgate bank serve --notify), the same for both.
# It is better in the environment, as TOLLGATE_SANDBOX_BANK_NOTICE_SECRET.
# sandbox_bank_notice_secret = "whsec_bWFrZSBvbmUgb2YgeW91ciBvd24sIHBsZWFzZQ=="

# Whether a new data folder gets the demo shop with test terminal 42. Say false for real use:
# while there is only the demo, nothing live can be switched on.
# demo_data = true

# Proxies whose X-Forwarded-For header is believed. None by default: anybody can send that header.
# trusted_proxies = ["127.0.0.1", "10.0.0.0/8"]

[postgres]
# Connections for questions; four more are for commits, claims and keys.
# connections = 8

# How long a server may take to let us in, and to carry out a statement, in seconds (1 to 60).
# connect_timeout_seconds = 2
# statement_timeout_seconds = 5

[webhooks]
# Whether webhooks may go to private addresses (127.0.0.1, 10.x.x.x, …). Only for trying out:
# with true, a merchant can make the gateway call machines inside your network.
# allow_private = false

# Where webhooks may go: hosts, addresses and networks, with or without a port. Without a list:
# anywhere on the internet. With one: nowhere else. A private network in it is open. What is denied
# stays shut, whatever else is said. docs/WEBHOOK_DESTINATIONS.md tells more.
# allow = ["hooks.shop.example", "*.shop.example:8443", "10.1.2.0/24"]
# deny = ["*.rival.example", "0.0.0.0/0:5432"]

# PEM files, both or none: what the gateway shows to receivers that ask for its certificate. Only
# the gateway's user may be able to read the key.
# client_certificate = "/etc/tollgate/client.pem"
# client_key = "/etc/tollgate/client-key.pem"

# How long a merchant's server may take to answer, in seconds (1 to 30).
# timeout_seconds = 5

[mail]
# The server that takes mail, as "smtps://user:password@host:465" or, with STARTTLS,
# "smtp://user:password@host:587?tls=required". Without a password also ?tls=opportunistic or
# ?tls=none. Mails hold links that let people in: leave no part of the way open. The address is
# better in the environment, as TOLLGATE_MAIL_SMTP_URL.
# smtp_url = "smtps://user:password@smtp.example.com"

# Whom mail comes from; the server needs it.
# from = "My Shop <pay@shop.example>"

# Without a server, each mail is written into this folder, for trying out: nobody receives it. The
# default is the folder mail in the data folder.
# folder = "./tollgate-data/mail"

[tls]
# PEM files, both or none. Without them the gateway speaks plain http, for a proxy that speaks TLS.
# certificate = "/etc/tollgate/chain.pem"
# private_key = "/etc/tollgate/key.pem"

[log]
# "text" for people, "json" for machines; on standard error.
# format = "text"

# "error", "warn", "info", "debug" or "trace". Card data is never logged, at any level.
# level = "info"

[limits]
# Open connections, and requests that are worked on at one time. Beyond, callers are told to wait.
# connections = 4096
# in_flight = 2048
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Settings, Sources};

    fn resolve(text: String) -> Settings {
        let file = Some(("x".to_owned(), text));
        Settings::resolve(&Sources { file, ..Sources::default() }).unwrap()
    }

    #[test]
    fn the_file_as_written_changes_nothing() {
        let ours = resolve(config_text(None).unwrap());
        let default = Settings::resolve(&Sources::default()).unwrap();
        assert_eq!(ours.rows, default.rows);
    }

    #[test]
    fn every_line_can_be_switched_on_and_shows_the_default() {
        let keys: Vec<&str> = resolve(String::new()).rows.iter().map(|row| row.key).collect();
        let on: Vec<&str> = CONFIG
            .lines()
            .map(|line| {
                let text = line.strip_prefix("# ").unwrap_or(line);
                let name = text.split(" = ").next().unwrap_or_default();
                let is_key = keys.iter().any(|key| key.rsplit('.').next() == Some(name));
                if is_key && text.contains(" = ") { text } else { line }
            })
            .collect();
        let settings = resolve(on.join("\n"));
        let shown = [
            "public_url",
            "sandbox_bank",
            "sandbox_bank_notice_secret",
            "trusted_proxies",
            "webhooks.allow",
            "webhooks.deny",
            "webhooks.client_certificate",
            "webhooks.client_key",
            "mail.smtp_url",
            "mail.from",
            "mail.folder",
            "tls.certificate",
            "tls.private_key",
        ];
        let default = Settings::resolve(&Sources::default()).unwrap();
        for (row, default) in settings.rows.iter().zip(&default.rows) {
            assert_ne!(row.origin, crate::config::Origin::Default, "{} is not in it", row.key);
            if !shown.contains(&row.key) {
                assert_eq!(row.value, default.value, "{}", row.key);
            }
        }
    }

    #[test]
    fn a_named_data_folder_is_written_down() {
        let text = config_text(Some(Path::new("/srv/a \"b\""))).unwrap();
        assert_eq!(resolve(text).data_dir.value, Path::new("/srv/a \"b\""));
    }
}
