use super::*;

fn sources(file: &str) -> Sources {
    Sources { file: Some(("tollgate.toml".to_owned(), file.to_owned())), ..Sources::default() }
}

fn with_variable(name: &str, value: &str) -> Sources {
    Sources { variables: vec![(name.to_owned(), value.to_owned())], ..Sources::default() }
}

#[track_caller]
fn refused(sources: &Sources, expected: &str) {
    match Settings::resolve(sources) {
        Err(Failure::Usage(text)) => assert_eq!(text, expected),
        other => panic!("expected wrong usage, got {other:?}"),
    }
}

#[test]
fn nothing_said_is_the_defaults() {
    let settings = Settings::resolve(&Sources::default()).unwrap();
    assert_eq!(settings.listen.value.to_string(), "127.0.0.1:9003");
    assert_eq!(settings.data_dir.value, Path::new("./tollgate-data"));
    assert_eq!(settings.base_url(9003), "http://localhost:9003");
    assert_eq!(settings.local_url(), "http://127.0.0.1:9003");
    assert_eq!(settings.role.value, Role::All);
    assert!(settings.demo_data.value && !settings.webhooks.allow_private.value);
    assert_eq!(settings.webhooks.timeout.value, Duration::from_secs(5));
    assert!(settings.webhooks.allow.value.is_empty() && settings.webhooks.deny.value.is_empty());
    assert!(settings.webhooks.client.is_none());
    assert!(settings.mail.server.is_none() && settings.mail.from.is_none());
    assert_eq!(settings.mail.folder, Path::new("./tollgate-data/mail"));
    assert!(settings.tls.is_none() && settings.trusted_proxies.value.is_empty());
    assert_eq!((settings.limits.connections, settings.limits.in_flight), (4096, 2048));
    assert_eq!(settings.rows.len(), keys::KEYS.len());
    assert!(settings.rows.iter().all(|row| row.origin == Origin::Default));
}

#[test]
fn a_whole_file_is_understood() {
    let file = r#"
listen = "0.0.0.0:80"
data_dir = "/var/lib/tollgate"
public_url = "https://pay.example.com/"
database = "sqlite"
role = "api"
sandbox_bank = "http://localhost:9010/"
demo_data = false
trusted_proxies = ["10.0.0.0/8", "::1"]
[webhooks]
allow_private = true
allow = ["*.Shop.Example:8443", "10.1.2.3/24", "fd00::/64"]
deny = ["bad.shop.example", "0.0.0.0/0:5432"]
client_certificate = "us.pem"
client_key = "us.key"
timeout_seconds = 9
[mail]
smtp_url = "smtps://us:p%20w@smtp.example"
from = "Shop <pay@shop.example>"
folder = "/tmp/mail"
[tls]
certificate = "chain.pem"
private_key = "key.pem"
[log]
format = "json"
level = "debug"
[limits]
connections = 1_000
in_flight = 10
"#;
    let settings = Settings::resolve(&sources(file)).unwrap();
    assert_eq!(settings.base_url(80), "https://pay.example.com");
    assert_eq!(settings.local_url(), "http://127.0.0.1:80");
    assert_eq!(settings.role.value, Role::Api);
    assert_eq!(settings.sandbox_bank.value, Some("127.0.0.1:9010".parse().unwrap()));
    assert_eq!(settings.trusted_proxies.value.len(), 2);
    assert_eq!(settings.trusted_proxies.value[1].to_string(), "::1/128");
    assert_eq!(settings.webhooks.timeout.value, Duration::from_secs(9));
    let printed = |rules: &[Rule]| rules.iter().map(Rule::to_string).collect::<Vec<_>>();
    let allow = printed(&settings.webhooks.allow.value);
    assert_eq!(allow, ["*.shop.example:8443", "10.1.2.0/24", "fd00::/64"]);
    assert_eq!(printed(&settings.webhooks.deny.value), ["bad.shop.example", "0.0.0.0/0:5432"]);
    assert_eq!(settings.webhooks.client.as_ref().unwrap().private_key, Path::new("us.key"));
    assert_eq!(settings.mail.server.as_ref().unwrap().to_string(), "smtp.example:465");
    assert_eq!(settings.mail.from.as_ref().unwrap().to_string(), "Shop <pay@shop.example>");
    assert_eq!(settings.mail.folder, Path::new("/tmp/mail"));
    assert_eq!(settings.tls.as_ref().unwrap().private_key, Path::new("key.pem"));
    assert_eq!((settings.log.format, settings.log.level), (LogFormat::Json, LogLevel::Debug));
    assert_eq!((settings.limits.connections, settings.limits.in_flight), (1000, 10));
    let origin = Origin::File { name: "tollgate.toml".to_owned(), line: 2 };
    assert_eq!(settings.listen.origin, origin);
}

#[test]
fn flags_win_over_variables_over_the_file() {
    let mut all = sources("listen = \"127.0.0.1:1\"\nrole = \"api\"\n[log]\nlevel = \"warn\"\n");
    all.variables = vec![
        ("TOLLGATE_CONFIG".to_owned(), "elsewhere.toml".to_owned()),
        ("TOLLGATE_LISTEN".to_owned(), "127.0.0.1:2".to_owned()),
        ("TOLLGATE_ROLE".to_owned(), "worker".to_owned()),
        ("TOLLGATE_TRUSTED_PROXIES".to_owned(), "10.0.0.1, 10.1.0.0/16".to_owned()),
    ];
    all.flags = vec![("listen", "--listen", "localhost:3".to_owned())];
    let settings = Settings::resolve(&all).unwrap();
    assert_eq!(settings.listen.value.to_string(), "127.0.0.1:3");
    assert_eq!(settings.listen.origin.to_string(), "--listen");
    assert_eq!(settings.role.value, Role::Worker);
    assert_eq!(settings.role.origin.to_string(), "TOLLGATE_ROLE");
    assert_eq!(settings.log.level, LogLevel::Warn);
    assert_eq!(settings.trusted_proxies.value.len(), 2);
}

#[test]
fn a_wrong_key_is_named_with_its_line_and_the_nearest() {
    refused(
        &sources("# x\nlisten = \"127.0.0.1:1\"\nlisen = \"127.0.0.1:2\"\n"),
        "tollgate.toml line 3: there is no key \"lisen\"; did you mean \"listen\"?",
    );
    refused(
        &sources("[webhooks]\nallow_privat = true\n"),
        "tollgate.toml line 2: there is no key \"webhooks.allow_privat\"; \
         did you mean \"webhooks.allow_private\"?",
    );
    refused(
        &sources("\n[webhook]\nallow_private = true\n"),
        "tollgate.toml line 2: there is no key \"webhook\"; did you mean the section [webhooks]?",
    );
    refused(
        &sources("allow_private = true\n"),
        "tollgate.toml line 1: there is no key \"allow_private\"; \
         did you mean \"webhooks.allow_private\"?",
    );
    refused(
        &with_variable("TOLLGATE_LISTN", "x"),
        "TOLLGATE_LISTN: there is no such variable; did you mean TOLLGATE_LISTEN?",
    );
    // Like nothing of ours: it is meant for another program.
    assert!(Settings::resolve(&with_variable("TOLLGATE_BANANA", "x")).is_ok());
}

#[test]
fn a_wrong_value_is_named_with_the_right_form() {
    refused(
        &sources("\nlisten = \"9003\"\n"),
        "tollgate.toml line 2: listen must be an address with a port, as 127.0.0.1:9003, \
         not \"9003\"",
    );
    refused(
        &sources("listen = 9003\n"),
        "tollgate.toml line 1: listen must be an address with a port, as 127.0.0.1:9003, \
         not the number 9003",
    );
    refused(
        &sources("[limits]\nconnections = 0\n"),
        "tollgate.toml line 2: limits.connections must be a whole number from 1 to 1000000, \
         not \"0\"",
    );
    refused(
        &sources("trusted_proxies = [\"10.0.0.0/33\"]\n"),
        "tollgate.toml line 1: trusted_proxies must be a list of addresses or networks, as \
         10.0.0.0/8 or 127.0.0.1, not \"10.0.0.0/33\"",
    );
    refused(
        &with_variable("TOLLGATE_WEBHOOKS_ALLOW_PRIVATE", "yes"),
        "TOLLGATE_WEBHOOKS_ALLOW_PRIVATE must be true or false, not \"yes\"",
    );
    let flags = vec![("public_url", "--public-url", "pay.example.com".to_owned())];
    let flagged = Sources { flags, ..Sources::default() };
    refused(
        &flagged,
        "--public-url must be an http or https URL without user, query or fragment, as \
         https://pay.example.com, not \"pay.example.com\"",
    );
}

#[test]
fn where_webhooks_may_go_is_read_strictly() {
    for (list, wrong) in [
        (r#"["shop.example", "https://shop.example"]"#, "https://shop.example"),
        (r#"["*"]"#, "*"),
        (r#"["10.0.0.0/33"]"#, "10.0.0.0/33"),
        (r#"["169.254.169.254"]"#, "169.254.169.254"),
        (r#"["[fe80::/10]:80"]"#, "[fe80::/10]:80"),
    ] {
        refused(
            &sources(&format!("[webhooks]\nallow = {list}\n")),
            &format!(
                "tollgate.toml line 2: webhooks.allow must be a list of hosts, addresses or \
                 networks, with or without a port, as hooks.shop.example, *.shop.example:8443, \
                 10.1.2.0/24 or [fd00::1]:8443, and none that is never dialled, as link-local \
                 ones, not {wrong:?}"
            ),
        );
    }
    refused(
        &with_variable("TOLLGATE_WEBHOOKS_DENY", "shop.example, shop.example:0"),
        "TOLLGATE_WEBHOOKS_DENY must be a list of hosts, addresses or networks, with or without a \
         port, as shop.example, *.shop.example, 198.51.100.0/24 or 0.0.0.0/0:5432, not \
         \"shop.example:0\"",
    );
    // What is never dialled may be denied as well: it does no harm.
    assert!(Settings::resolve(&sources("[webhooks]\ndeny = [\"169.254.0.0/16\"]\n")).is_ok());
    refused(
        &sources("[webhooks]\nclient_key = \"us.key\"\n"),
        "tollgate.toml line 2: a client certificate needs both files; \
         webhooks.client_certificate is missing",
    );
}

#[test]
fn the_sandbox_bank_is_plain_http_on_this_machine() {
    let bank = |text: &str| {
        let variable = with_variable("TOLLGATE_SANDBOX_BANK", text);
        Settings::resolve(&variable).map(|settings| settings.sandbox_bank.value)
    };
    assert_eq!(bank("http://[::1]:9010").unwrap(), Some("[::1]:9010".parse().unwrap()));
    assert_eq!(bank("").unwrap(), None);
    for text in [
        "127.0.0.1:9010",
        "https://127.0.0.1:9010",
        "http://127.0.0.1",
        "http://127.0.0.1:0",
        "http://127.0.0.1:9010/bank",
        "http://user@127.0.0.1:9010",
        "http://192.0.2.1:9010",
        "http://0.0.0.0:9010",
        "http://bank.example:9010",
    ] {
        refused(
            &with_variable("TOLLGATE_SANDBOX_BANK", text),
            &format!(
                "TOLLGATE_SANDBOX_BANK must be the http address of a sandbox bank on this machine, \
                 as http://127.0.0.1:9010, not {text:?}"
            ),
        );
    }
}

#[test]
fn a_secret_of_notices_is_never_shown() {
    let name = "TOLLGATE_SANDBOX_BANK_NOTICE_SECRET";
    let secret = crate::fake_gateway::SECRET;
    let settings = Settings::resolve(&with_variable(name, secret)).unwrap();
    assert_eq!(settings.notice_secret.value.as_ref().unwrap().reveal(), secret);
    let row = settings.rows.iter().find(|row| row.key == "sandbox_bank_notice_secret").unwrap();
    assert_eq!(row.value.as_deref(), Some("whsec_***"));
    assert!(!format!("{settings:?}").contains(secret));
    for wrong in ["secret", "whsec_c2hvcnQ=", "whsec_!", &secret[6..]] {
        refused(
            &with_variable(name, wrong),
            "TOLLGATE_SANDBOX_BANK_NOTICE_SECRET must be whsec_ and the base64 of 24 to 64 bytes, \
             as: echo whsec_$(openssl rand -base64 32)",
        );
    }
}

#[test]
fn all_problems_are_told_at_once() {
    refused(
        &sources("listen = \"x\"\nrole = \"king\"\n[tls]\ncertificate = \"c.pem\"\n"),
        "tollgate.toml line 1: listen must be an address with a port, as 127.0.0.1:9003, not \"x\"\n\
         tollgate.toml line 2: role must be all, api or worker, not \"king\"\n\
         tollgate.toml line 4: TLS needs both files; tls.private_key is missing",
    );
}

#[test]
fn text_that_is_no_toml_is_named_with_its_line() {
    let error = Settings::resolve(&sources("listen = \"127.0.0.1:1\"\nrole = \n")).unwrap_err();
    assert!(error.text().unwrap().starts_with("tollgate.toml line 2: "), "{error:?}");
    let twice = Settings::resolve(&sources("role = \"all\"\nrole = \"api\"\n")).unwrap_err();
    assert!(twice.text().unwrap().starts_with("tollgate.toml line 2: duplicate"), "{twice:?}");
}

#[test]
fn a_database_is_named_without_its_password() {
    let said = with_variable("TOLLGATE_DATABASE", "postgres://u:swordfish@db,db2/x");
    let settings = Settings::resolve(&said).unwrap();
    assert!(matches!(settings.database.value, Database::Postgres(_)));
    let row = settings.rows.iter().find(|row| row.key == "database").unwrap();
    assert_eq!(row.value.as_deref(), Some("postgres://u:***@db,db2/x"));
    assert!(!format!("{settings:?}").contains("swordfish"));
    assert_eq!(settings.postgres.connections, 8);
    refused(
        &sources("database = \"mysql://u:secret@db/x\"\n"),
        "tollgate.toml line 1: database must be sqlite (the database in the data folder), or a \
         PostgreSQL address as postgres://user:password@host:5432/database",
    );
    refused(
        &with_variable("TOLLGATE_DATABASE", "postgres://u:secret@db/x?sslmode=maybe"),
        "TOLLGATE_DATABASE: sslmode must be disable, prefer, require or verify-full",
    );
    refused(
        &sources("[postgres]\nconnections = 0\nconnect_timeout_seconds = 61\n"),
        "tollgate.toml line 2: postgres.connections must be a whole number from 1 to 1000, \
         not \"0\"\n\
         tollgate.toml line 3: postgres.connect_timeout_seconds must be a whole number from 1 to \
         60, not \"61\"",
    );
}

#[test]
fn mail_has_a_server_with_a_sender_or_a_folder() {
    let moved = Settings::resolve(&with_variable("TOLLGATE_DATA_DIR", "/srv/data")).unwrap();
    assert_eq!(moved.mail.folder, Path::new("/srv/data/mail"));
    let url = "smtp://us:swordfish@smtp.example?tls=required";
    let both = format!("[mail]\nsmtp_url = {url:?}\nfrom = \"pay@shop.example\"\n");
    let settings = Settings::resolve(&sources(&both)).unwrap();
    let row = settings.rows.iter().find(|row| row.key == "mail.smtp_url").unwrap();
    assert_eq!(row.value.as_deref(), Some("smtp://us:***@smtp.example?tls=required"));
    assert!(!format!("{settings:?}").contains("swordfish"));
    refused(
        &with_variable("TOLLGATE_MAIL_SMTP_URL", url),
        "TOLLGATE_MAIL_SMTP_URL: mail has a sender; mail.from is missing",
    );
    refused(
        &sources("[mail]\nsmtp_url = \"smtp://us:swordfish@smtp.example\"\nfrom = \"Shop\"\n"),
        "tollgate.toml line 2: mail.smtp_url must be smtps://user:password@host:465 or \
         smtp://user:password@host:587?tls=required (without a password also ?tls=opportunistic or \
         ?tls=none), where characters of user and password other than letters, digits and -._~ are \
         percent-encoded\n\
         tollgate.toml line 3: mail.from must be a mail address, as pay@shop.example or Shop \
         <pay@shop.example>, not \"Shop\"",
    );
    refused(
        &with_variable("TOLLGATE_MAIL_SMTP_URL", "smtp://us:swordfish@smtp.example?tls=none"),
        "TOLLGATE_MAIL_SMTP_URL: a password is sent over TLS only: smtps:// or ?tls=required",
    );
}

#[test]
fn every_default_has_the_right_form() {
    for key in &keys::KEYS {
        let row = Settings::resolve(&Sources::default())
            .unwrap()
            .rows
            .into_iter()
            .find(|row| row.key == key.name)
            .unwrap();
        assert_eq!(row.value.unwrap_or_default(), key.default, "{}", key.name);
    }
}
