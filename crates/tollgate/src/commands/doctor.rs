//! `tollgate doctor`: looks at an installation without changing it, and says what to mend.

use crate::cli::Common;
use crate::clock::SystemClock;
use crate::config::{Database, Settings};
use crate::failure::Failure;
use crate::http_client::HttpClient;
use crate::master_key;
use crate::output::{Output, Style};
use crate::wire::{self, Archive, DatabaseFacts};
use clap::Args;
use domain::delivery::Backlog;
use domain::destination::Rule;
use domain::time::Timestamp;
use engine::ports::Clock as _;
use engine::{Actor, Gateway};
use serde::Serialize;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;
use url::Url;
use web::server::TlsIdentity;

/// Free space below which to warn, and below which it is a problem, in bytes.
const LITTLE_SPACE: u64 = 1 << 30;
const NO_SPACE: u64 = 100 << 20;
/// Waiting webhooks beyond which receivers, or the way to them, deserve a look.
const MANY_DELIVERIES: u64 = 1000;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tollgate doctor
  tollgate doctor --config /etc/tollgate.toml --json

Changes nothing, and works while a gateway runs. Exit code 1 when there is a problem.")]
pub(crate) struct Arguments {
    /// One JSON object: ok, checks
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Good,
    Warning,
    Problem,
}

/// One line of the examination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Check {
    name: &'static str,
    verdict: Verdict,
    found: String,
    fix: Option<String>,
}

fn good(name: &'static str, found: impl Into<String>) -> Check {
    Check { name, verdict: Verdict::Good, found: found.into(), fix: None }
}

fn warning(name: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Check {
    Check { name, verdict: Verdict::Warning, found: found.into(), fix: Some(fix.into()) }
}

fn problem(name: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Check {
    Check { name, verdict: Verdict::Problem, found: found.into(), fix: Some(fix.into()) }
}

/// A failure whose text says itself what to do.
fn failed(name: &'static str, failure: &Failure) -> Check {
    let found = failure.text().unwrap_or_default().to_owned();
    Check { name, verdict: Verdict::Problem, found, fix: None }
}

pub(crate) async fn run(common: &Common, arguments: Arguments) -> Result<(), Failure> {
    let output = Output::new(arguments.json);
    let checks = match common.settings() {
        Ok(settings) => examine(&settings).await,
        Err(failure) => vec![failed("configuration", &failure)],
    };
    let ok = checks.iter().all(|check| check.verdict != Verdict::Problem);
    if output.is_json() {
        output.json_line(&serde_json::json!({"ok": ok, "checks": checks}))?;
    } else {
        checks.iter().try_for_each(|check| print(output, check))?;
    }
    if ok { Ok(()) } else { Err(Failure::No(String::new())) }
}

fn print(output: Output, check: &Check) -> Result<(), Failure> {
    let (style, mark) = match check.verdict {
        Verdict::Good => (Style::Good, "\u{2714}"),
        Verdict::Warning => (Style::Warning, "\u{26a0}"),
        Verdict::Problem => (Style::Bad, "\u{2718}"),
    };
    let found = check.found.replace('\n', "\n                  ");
    output.line(&format!("{} {:<14}  {found}", output.paint(style, mark), check.name))?;
    match &check.fix {
        Some(fix) => output.line(&format!("                  fix: {fix}")),
        None => Ok(()),
    }
}

async fn examine(settings: &Settings) -> Vec<Check> {
    let mut checks = vec![good("configuration", "every key is known and has the right form")];
    checks.push(clock(SystemClock.now()));
    checks.extend(data_folder(settings));
    checks.push(public_url(settings));
    checks.extend(settings.tls.as_ref().map(|tls| {
        match TlsIdentity::load(&tls.certificate, &tls.private_key) {
            Ok(_identity) => good("tls", "certificate and private key belong together"),
            Err(error) => {
                let fix = "mend the files that tls.certificate and tls.private_key name";
                problem("tls", error.to_string(), fix)
            }
        }
    }));
    let identity = wire::client_identity(settings).map(|identity| identity.is_some());
    checks.push(match &identity {
        Ok(shown) => way_out(settings, *shown),
        Err(failure) => failed("way out", failure),
    });
    checks.push(mail(settings));
    checks.extend(bank_notices(settings));
    checks.push(listen(settings).await);
    let is_shared = matches!(settings.database.value, Database::Postgres(_));
    if is_shared || settings.data_dir.value.is_dir() {
        match wire::database_facts(settings).await {
            Ok(Some(facts)) => {
                checks.extend(database(&facts));
                if !is_shared && facts.version.pending().is_empty() {
                    checks.extend(archives(wire::archives(settings)));
                }
                // Without files that can be read, those are what to mend.
                if master_key::read(&settings.data_dir.value).is_ok() && identity.is_ok() {
                    checks.extend(opened(settings).await);
                }
            }
            Ok(None) => {
                checks.push(warning("database", "there is none yet", "tollgate serve makes it"));
            }
            Err(failure) => checks.push(failed("database", &failure)),
        }
    }
    checks
}

fn clock(now: Timestamp) -> Check {
    let text = format!("{} UTC", now.to_page_text());
    if now.year_month().0 >= 2024 {
        good("clock", text)
    } else {
        problem("clock", text, "set the clock, and let NTP keep it: signatures carry the time")
    }
}

/// The folder's owner and mode, its free space, and the key in it.
fn data_folder(settings: &Settings) -> Vec<Check> {
    let folder = &settings.data_dir.value;
    let shown = folder.display();
    let metadata = match folder.metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let fix = "tollgate init, or just tollgate serve, makes it";
            return vec![warning("data folder", format!("{shown} does not exist yet"), fix)];
        }
        Err(error) => {
            let fix = "run this as the user the gateway runs as";
            return vec![problem("data folder", format!("{shown}: {error}"), fix)];
        }
    };
    let mode = metadata.mode() & 0o7777;
    let ours = rustix::process::geteuid();
    let folder_check = if !metadata.is_dir() {
        problem("data folder", format!("{shown} is no folder"), "choose another with data_dir")
    } else if metadata.uid() != ours.as_raw() {
        let found = format!("{shown} belongs to user {}, not to {}", metadata.uid(), ours.as_raw());
        problem("data folder", found, "run this as the user the gateway runs as, or chown it")
    } else if mode & 0o077 != 0 {
        let fix = format!("chmod 700 {shown}");
        problem("data folder", format!("others can look into {shown} (mode {mode:04o})"), fix)
    } else {
        good("data folder", format!("{shown}, mode {mode:04o}"))
    };
    let key = match master_key::read(folder) {
        Ok(_key) => good("master key", "readable by its owner only, and a key"),
        Err(failure) => failed("master key", &failure),
    };
    vec![folder_check, key, space(settings)]
}

fn space(settings: &Settings) -> Check {
    let free = rustix::fs::statvfs(&settings.data_dir.value)
        .map(|fs| fs.f_bavail.saturating_mul(fs.f_frsize));
    let free = match free {
        Ok(free) => free,
        Err(error) => return warning("disk space", error.to_string(), "look at it by hand"),
    };
    let found = format!("{} MiB free", free / (1 << 20));
    let fix = "make room: without any, no payment can be taken";
    if free < NO_SPACE {
        problem("disk space", found, fix)
    } else if free < LITTLE_SPACE {
        warning("disk space", found, fix)
    } else {
        good("disk space", found)
    }
}

fn public_url(settings: &Settings) -> Check {
    let url = settings.base_url(settings.listen.value.port());
    if url.starts_with("https://") {
        good("public url", url)
    } else if settings.public_url.value.is_none() {
        let fix = "for others than this machine, set public_url to the https address they see";
        warning("public url", format!("{url} (none is configured)"), fix)
    } else {
        warning("public url", url, "real payments need https")
    }
}

/// Where webhooks may go, and whether a certificate is `shown` to receivers that ask.
fn way_out(settings: &Settings, shown: bool) -> Check {
    let webhooks = &settings.webhooks;
    let listed = |rules: &[Rule]| rules.iter().map(Rule::to_string).collect::<Vec<_>>().join(", ");
    let mut found = if webhooks.allow.value.is_empty() {
        "webhooks may go anywhere on the internet".to_owned()
    } else {
        format!("webhooks may go to {} only", listed(&webhooks.allow.value))
    };
    if webhooks.allow_private.value {
        found.push_str("; to private addresses as well");
    }
    if !webhooks.deny.value.is_empty() {
        found = format!("{found}; never to {}", listed(&webhooks.deny.value));
    }
    if shown {
        found.push_str("; with a client certificate");
    }
    if webhooks.allow_private.value {
        let fix = "set webhooks.allow_private to false, or a merchant can make the gateway call \
                   machines inside your network; webhooks.allow opens single networks";
        warning("way out", found, fix)
    } else {
        good("way out", found)
    }
}

/// Where mails go; none is sent.
fn mail(settings: &Settings) -> Check {
    if let Err(failure) = wire::mailer(settings) {
        return failed("mail", &failure);
    }
    if let (Some(server), Some(from)) = (&settings.mail.server, &settings.mail.from) {
        return good("mail", format!("goes to {server}, from {from}"));
    }
    let folder = settings.mail.folder.display();
    good("mail", format!("is written into {folder}, for lack of mail.smtp_url"))
}

/// Whether a bank of its own process can tell what it decides.
fn bank_notices(settings: &Settings) -> Option<Check> {
    const NAME: &str = "bank notices";
    let configured = (settings.sandbox_bank.value, &settings.notice_secret.value);
    Some(match configured {
        (None, None) => return None,
        (Some(bank), Some(_secret)) => {
            let url = settings.base_url(settings.listen.value.port());
            good(
                NAME,
                format!("those of the sandbox bank at {bank} are taken at {url}/inbound/sandbox"),
            )
        }
        (Some(bank), None) => {
            let found = format!("none: what the bank at {bank} decides is asked for by schedule");
            let fix =
                "set sandbox_bank_notice_secret, here and where tollgate bank serve --notify runs";
            warning(NAME, found, fix)
        }
        (None, Some(_secret)) => {
            let found = "there is a sandbox_bank_notice_secret and no sandbox_bank";
            warning(NAME, found, "set sandbox_bank, or take the secret away")
        }
    })
}

/// Free, or taken by a gateway that answers.
async fn listen(settings: &Settings) -> Check {
    let address = settings.listen.value;
    let bound = TcpListener::bind(address);
    match bound {
        Ok(_listener) => return good("listen", format!("{address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {}
        Err(error) => {
            let fix = "choose another address with listen; ports below 1024 need a privilege";
            return problem("listen", format!("{address}: {error}"), fix);
        }
    }
    let health = Url::parse(&format!("{}/healthz", settings.local_url()));
    let answers = match health {
        Ok(url) => {
            let mut http = HttpClient::new();
            http.get(&url, "*/*").await.is_ok_and(|answer| answer.status == 200)
        }
        Err(_no_address) => false,
    };
    if answers {
        good("listen", format!("a gateway answers at {address}"))
    } else {
        let fix = "end what listens there, or choose another address with listen";
        problem("listen", format!("{address} is taken by something that is no gateway"), fix)
    }
}

fn database(facts: &DatabaseFacts) -> Vec<Check> {
    let found = format!("schema {}, {}", facts.version.found, facts.engine);
    let mut checks = vec![if !facts.version.is_usable() {
        problem("database", found, "a newer tollgate made it; use that one, or a backup")
    } else if !facts.version.pending().is_empty() {
        warning("database", found, "tollgate migrate, or the next start, brings it up to date")
    } else if let Some(fix) = &facts.unsafe_because {
        problem("database", found, fix)
    } else {
        good("database", found)
    }];
    checks.extend(facts.remark.iter().map(|(found, fix)| warning("standbys", found, fix)));
    checks
}

/// Files with payments of past years, where there are some.
fn archives(found: Result<Vec<Archive>, Failure>) -> Option<Check> {
    const NAME: &str = "archives";
    let all = match found {
        Ok(all) => all,
        Err(failure) => return Some(failed(NAME, &failure)),
    };
    let told = |one: &Archive| {
        let wrong = one.wrong.as_ref();
        let wrong = wrong.map(|wrong| format!(": {} {wrong}", one.path.display()));
        format!("{} ({} payments){}", one.year, one.payments, wrong.unwrap_or_default())
    };
    let found = all.iter().map(told).collect::<Vec<_>>().join("\n");
    if all.is_empty() {
        None
    } else if all.iter().any(|one| one.wrong.is_some() && one.payments > 0) {
        let fix = "put the file back from a backup: without it these payments cannot be shown or \
                   refunded";
        Some(problem(NAME, found, fix))
    } else if all.iter().any(|one| one.wrong.is_some()) {
        Some(warning(NAME, found, "move the file away: nothing of it is used"))
    } else {
        Some(good(NAME, found))
    }
}

/// What waits for merchants' servers.
fn webhooks(backlog: Backlog, now: Timestamp) -> Check {
    let waiting = match backlog.pending {
        0 => return good("webhooks", "none waits to be acknowledged"),
        1 => "1 waits to be acknowledged".to_owned(),
        many => format!("{many} wait to be acknowledged"),
    };
    let found = match backlog.oldest_due {
        None => format!("{waiting}, none is due"),
        Some(since) => {
            let seconds = now.since(since).as_secs();
            format!("{waiting}, {} due, for {seconds} s at most", backlog.due)
        }
    };
    if backlog.pending > MANY_DELIVERIES {
        warning("webhooks", found, "look at the receivers, and at the way out to them")
    } else {
        good("webhooks", found)
    }
}

/// What only an open database tells.
async fn opened(settings: &Settings) -> Vec<Check> {
    let gateway = match wire::open(settings).await {
        Ok(opened) => opened.gateway,
        Err(failure) => return vec![failed("secrets", &failure)],
    };
    let waiting = match gateway.backlog().await {
        Ok(backlog) => webhooks(backlog, SystemClock.now()),
        Err(fault) => problem("webhooks", fault.to_string(), "look at the database"),
    };
    vec![waiting, secrets(&gateway).await]
}

/// Whether the master key opens what was sealed.
async fn secrets(gateway: &Gateway) -> Check {
    match gateway.terminals(Actor::Operator).await {
        Ok(terminals) => {
            let found = match terminals.len() {
                0 => "there are none yet".to_owned(),
                1 => "the secrets of 1 terminal open".to_owned(),
                many => format!("the secrets of {many} terminals open"),
            };
            good("secrets", found)
        }
        Err(fault) => {
            let fix = "put back the master.key that this data folder was made with";
            problem("secrets", fault.to_string(), fix)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;
    use crate::random::SystemSource;
    use crate::wire::migrations::Version;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    fn settings(flags: &[(&'static str, &str)]) -> Settings {
        let flags = flags.iter().map(|(key, value)| (*key, "--x", (*value).to_owned()));
        Settings::resolve(&Sources { flags: flags.collect(), ..Sources::default() }).unwrap()
    }

    fn in_folder(folder: &Path) -> Settings {
        settings(&[("data_dir", folder.to_str().unwrap())])
    }

    fn facts() -> DatabaseFacts {
        let known = Version::known();
        DatabaseFacts {
            version: Version { found: known, compatible_from: known },
            engine: "journal_mode wal, SQLite 3.51.3".to_owned(),
            unsafe_because: None,
            remark: None,
        }
    }

    fn verdicts(checks: &[Check]) -> Vec<Verdict> {
        checks.iter().map(|check| check.verdict).collect()
    }

    #[test]
    fn a_wrong_clock_is_a_problem() {
        assert_eq!(clock(Timestamp::from_micros(0)).verdict, Verdict::Problem);
        assert_eq!(clock(SystemClock.now()).verdict, Verdict::Good);
    }

    #[test]
    fn an_open_folder_and_an_open_key_are_problems() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("data");
        let settings = in_folder(&folder);
        assert_eq!(verdicts(&data_folder(&settings)), [Verdict::Warning]);
        master_key::create(&folder, &SystemSource::new()).unwrap();
        let checks = data_folder(&settings);
        assert_eq!(verdicts(&checks)[..2], [Verdict::Good, Verdict::Good], "{checks:?}");

        let open = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        open(&folder, 0o755);
        open(&master_key::path_in(&folder), 0o644);
        let checks = data_folder(&settings);
        assert_eq!(verdicts(&checks)[..2], [Verdict::Problem, Verdict::Problem]);
        assert!(checks[0].fix.as_ref().unwrap().starts_with("chmod 700 "), "{checks:?}");
    }

    #[test]
    fn the_database_must_be_durable_and_of_this_version() {
        let verdict = |facts: DatabaseFacts| verdicts(&database(&facts));
        assert_eq!(verdict(facts()), [Verdict::Good]);
        let known = Version::known();
        let at = |found, compatible_from| DatabaseFacts {
            version: Version { found, compatible_from },
            ..facts()
        };
        assert_eq!(verdict(at(known + 1, known + 1))[0], Verdict::Problem);
        assert_eq!(verdict(at(known + 1, known))[0], Verdict::Good);
        assert_eq!(verdict(at(known - 1, 1))[0], Verdict::Warning);
        let delete = DatabaseFacts { unsafe_because: Some("do".to_owned()), ..facts() };
        assert_eq!(verdict(delete)[0], Verdict::Problem);
        let late = DatabaseFacts { remark: Some(("a".into(), "b".into())), ..facts() };
        assert_eq!(verdict(late), [Verdict::Good, Verdict::Warning]);
    }

    #[test]
    fn an_archive_that_is_missing_is_a_problem() {
        let archive = |payments, wrong: Option<&str>| Archive {
            year: "2024".parse().unwrap(),
            path: "/data/archive-2024.db".into(),
            payments,
            wrong: wrong.map(str::to_owned),
        };
        let verdict = |all| archives(Ok(all)).map(|check| check.verdict);
        assert_eq!(verdict(vec![]), None);
        assert_eq!(
            archives(Ok(vec![archive(7, None)])),
            Some(good("archives", "2024 (7 payments)"))
        );
        let missing = archive(7, Some("is missing"));
        let check = archives(Ok(vec![archive(1, None), missing])).unwrap();
        assert_eq!(check.verdict, Verdict::Problem);
        let found = "2024 (1 payments)\n2024 (7 payments): /data/archive-2024.db is missing";
        assert_eq!(check.found, found);
        assert_eq!(verdict(vec![archive(0, Some("is foreign"))]), Some(Verdict::Warning));
        let failure = Failure::CouldNot("no".to_owned());
        assert_eq!(archives(Err(failure)).unwrap().verdict, Verdict::Problem);
    }

    #[test]
    fn many_webhooks_that_wait_are_worth_a_look() {
        let now = SystemClock.now();
        let check = |pending, due, oldest_due| webhooks(Backlog { pending, due, oldest_due }, now);
        assert_eq!(check(0, 0, None), good("webhooks", "none waits to be acknowledged"));
        let one = "1 waits to be acknowledged, none is due";
        assert_eq!(check(1, 0, None), good("webhooks", one));
        let since = Some(now.minus(std::time::Duration::from_secs(7)));
        let many = "1000 wait to be acknowledged, 3 due, for 7 s at most";
        assert_eq!(check(1000, 3, since), good("webhooks", many));
        assert_eq!(check(1001, 3, since).verdict, Verdict::Warning);
    }

    #[tokio::test]
    async fn a_port_that_somebody_else_has_is_a_problem() {
        let other = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = other.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            while let Ok((stream, _)) = other.accept().await {
                drop(stream);
            }
        });
        let check = listen(&settings(&[("listen", &address)])).await;
        assert_eq!(check.verdict, Verdict::Problem, "{check:?}");
        assert_eq!(listen(&settings(&[("listen", "127.0.0.1:0")])).await.verdict, Verdict::Good);
    }

    #[test]
    fn the_way_out_is_told_and_an_open_one_is_worth_a_warning() {
        let check = |flags: &[(&'static str, &str)], shown| way_out(&settings(flags), shown);
        let plain = check(&[], false);
        assert_eq!(plain, good("way out", "webhooks may go anywhere on the internet"));
        let listed = check(
            &[("webhooks.allow", "*.shop.example:8443"), ("webhooks.deny", "10.1.2.9")],
            true,
        );
        let found = "webhooks may go to *.shop.example:8443 only; never to 10.1.2.9; with a client \
                     certificate";
        assert_eq!(listed, good("way out", found));
        let open = check(&[("webhooks.allow_private", "true")], false);
        assert_eq!(open.verdict, Verdict::Warning, "{open:?}");
        assert!(open.found.ends_with("; to private addresses as well"), "{open:?}");
    }

    #[test]
    fn a_bank_that_cannot_tell_is_worth_a_warning() {
        let verdict = |flags: &[(&'static str, &str)]| {
            bank_notices(&settings(flags)).map(|check| check.verdict)
        };
        let bank = ("sandbox_bank", "http://127.0.0.1:9010");
        let secret = ("sandbox_bank_notice_secret", crate::fake_gateway::SECRET);
        assert_eq!(verdict(&[]), None);
        assert_eq!(verdict(&[bank, secret]), Some(Verdict::Good));
        assert_eq!(verdict(&[bank]), Some(Verdict::Warning));
        assert_eq!(verdict(&[secret]), Some(Verdict::Warning));
    }

    #[test]
    fn plain_http_for_others_is_worth_a_warning() {
        let verdict = |url| public_url(&settings(&[("public_url", url)])).verdict;
        assert_eq!(verdict("https://pay.example.com"), Verdict::Good);
        assert_eq!(verdict("http://pay.example.com"), Verdict::Warning);
        assert_eq!(verdict(""), Verdict::Warning);
    }
}
