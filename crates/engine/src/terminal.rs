//! Terminals: found by their public key for a request; added, shown and re-keyed by the operator.

use crate::actor::Actor;
use crate::changeset::{AuditLine, Changeset, StoredTerminal, TerminalChange};
use crate::error::{CommitError, Fault};
use crate::gateway::Gateway;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::id::{MerchantId, TerminalNumber};
use domain::merchant::Merchant;
use domain::payment::Payment;
use domain::secret::SecretText;
use domain::terminal::{KeyPair, Mode, Settings, SettingsChange, Terminal, WebhookSecret};
use domain::theme::Logo;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A changed or revoked terminal is seen on every node within this time.
const CACHED_FOR: Duration = Duration::from_secs(1);
/// Terminals kept in memory at most; beyond, the cache starts again.
const CACHED_AT_MOST: usize = 10_000;
/// How long the keys before a rotation stay good.
pub const ROTATION_OVERLAP: Duration = Duration::from_hours(24);

/// Why a caller may not use a terminal.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// No terminal has this key and number.
    #[error("no terminal has this public_key and terNO")]
    Unknown,
    /// The terminal, or its merchant, is not active.
    #[error("the terminal is not active")]
    Inactive,
    /// The caller's address is not on the terminal's list.
    #[error("this address may not use the terminal")]
    Address,
    /// Our fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A terminal whose key, or whose merchant's token, was shown: whether it `may` be used, and by this
/// caller.
pub(crate) fn admitted(
    terminal: Arc<Terminal>,
    may: bool,
    caller: Option<IpAddr>,
) -> Result<Arc<Terminal>, Denied> {
    if !may {
        return Err(Denied::Inactive);
    }
    if caller.is_some_and(|caller| !terminal.settings.allows_caller(caller)) {
        return Err(Denied::Address);
    }
    Ok(terminal)
}

/// A new terminal.
#[derive(Debug)]
pub struct AddTerminal {
    /// Its number; none for the next free one.
    pub number: Option<TerminalNumber>,
    /// Whose it is.
    pub merchant: MerchantId,
    /// Its name.
    pub name: String,
    /// Test or live.
    pub mode: Mode,
    /// What the operator sets.
    pub settings: Settings,
    /// A public key that is known before, as the demo's; none for a new one.
    pub public_key: Option<String>,
}

/// What is changed of a terminal; what is none stays as it is.
#[derive(Clone, Debug, Default)]
pub struct ChangeTerminal {
    /// Whether it takes payments.
    pub active: Option<bool>,
    /// What is changed of its settings.
    pub settings: SettingsChange,
    /// The version that the change was decided for; none for whatever it is by now.
    pub expected_version: Option<i64>,
}

impl ChangeTerminal {
    /// Whether it names no setting.
    pub fn is_nothing(&self) -> bool {
        self.names().is_empty()
    }

    /// Which settings it names, for the audit log.
    fn names(&self) -> String {
        let active = self.active.map(|_| "active");
        active.into_iter().chain(self.settings.names()).collect::<Vec<_>>().join(" ")
    }

    fn apply(self, terminal: Terminal) -> Terminal {
        Terminal {
            active: self.active.unwrap_or(terminal.active),
            settings: self.settings.apply(terminal.settings),
            version: terminal.version.saturating_add(1),
            ..terminal
        }
    }
}

/// What became of a change of a terminal.
#[derive(Debug)]
pub enum TerminalChanged {
    /// The terminal as it stands now.
    Done(Box<Terminal>),
    /// There is none with this number.
    Unknown,
    /// Somebody changed it since the version that was named.
    OtherVersion(i64),
}

#[derive(Debug, Default)]
pub(crate) struct TerminalCache {
    by_key: Mutex<BTreeMap<String, (Timestamp, Arc<Terminal>)>>,
}

impl TerminalCache {
    fn get(&self, key: &str, now: Timestamp) -> Option<Arc<Terminal>> {
        let cache = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        let (read_at, terminal) = cache.get(key)?;
        (now < read_at.plus(CACHED_FOR)).then(|| Arc::clone(terminal))
    }

    /// After a change of one's own.
    fn forget(&self, terminal: &Terminal) {
        let mut cache = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        cache.remove(&terminal.number.to_string());
        for pair in &terminal.keys {
            cache.remove(&pair.public);
        }
    }

    fn put(&self, key: String, now: Timestamp, terminal: &Arc<Terminal>) {
        let mut cache = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= CACHED_AT_MOST {
            cache.clear();
        }
        cache.insert(key, (now, Arc::clone(terminal)));
    }
}

/// What is sealed of a terminal.
#[derive(Serialize, Deserialize)]
struct Secrets {
    keys: Vec<SealedEntry>,
    webhook: Vec<SealedEntry>,
}

/// A key or a signing secret as it is written before it is sealed, of terminals and of endpoints.
#[derive(Serialize, Deserialize)]
pub(crate) struct SealedEntry {
    text: String,
    created_at: Timestamp,
    retires_at: Option<Timestamp>,
}

impl SealedEntry {
    pub(crate) fn of_webhook_secret(secret: &WebhookSecret) -> Self {
        Self {
            text: secret.text.reveal().to_owned(),
            created_at: secret.created_at,
            retires_at: secret.retires_at,
        }
    }

    pub(crate) fn into_webhook_secret(self) -> WebhookSecret {
        WebhookSecret {
            text: SecretText::new(self.text),
            created_at: self.created_at,
            retires_at: self.retires_at,
        }
    }

    fn of_private_key(pair: &KeyPair) -> Self {
        Self {
            text: pair.private.reveal().to_owned(),
            created_at: pair.created_at,
            retires_at: pair.retires_at,
        }
    }
}

/// The names of the settings that differ.
fn changed_settings(before: &Terminal, name: &str, settings: &Settings) -> String {
    let values = |settings: &Settings| serde_json::to_value(settings).unwrap_or_default();
    let (old, new) = (values(&before.settings), values(settings));
    let renamed = (before.name != name).then(|| "name".to_owned());
    let fields = new.as_object().into_iter().flatten();
    let changed = fields.filter(|(key, value)| old.get(key.as_str()) != Some(value));
    let names = renamed.into_iter().chain(changed.map(|(key, _)| key.clone()));
    names.collect::<Vec<_>>().join(" ")
}

impl Gateway {
    /// The terminal a request may use: its key and number must belong together, it must be
    /// active, and the caller's address allowed.
    pub async fn terminal_for_request(
        &self,
        public_key: &str,
        number: Option<TerminalNumber>,
        caller: Option<IpAddr>,
    ) -> Result<Arc<Terminal>, Denied> {
        self.terminal_that(Terminal::takes_payments, public_key, number, caller).await
    }

    /// The terminal that a refund may be asked of: the same, but it may be switched off.
    pub async fn terminal_for_refund(
        &self,
        public_key: &str,
        number: Option<TerminalNumber>,
        caller: Option<IpAddr>,
    ) -> Result<Arc<Terminal>, Denied> {
        self.terminal_that(Terminal::gives_refunds, public_key, number, caller).await
    }

    async fn terminal_that(
        &self,
        may: fn(&Terminal) -> bool,
        public_key: &str,
        number: Option<TerminalNumber>,
        caller: Option<IpAddr>,
    ) -> Result<Arc<Terminal>, Denied> {
        let terminal = self.terminal_by_key(public_key).await?.ok_or(Denied::Unknown)?;
        if number.is_some_and(|number| number != terminal.number) {
            // A wrong number costs the same question as an unknown key, so that the time of the
            // answer does not tell which of the two it was.
            self.store.terminal_by_public_key("").await.map_err(Fault::from)?;
            return Err(Denied::Unknown);
        }
        let may = may(&terminal);
        admitted(terminal, may, caller)
    }

    /// Whether this is one of the terminal's private keys that are good now. Keyed digests are
    /// compared, and all of them, so that the time of the answer tells nothing of a key.
    pub fn proves_private_key(&self, terminal: &Terminal, shown: &str) -> bool {
        let now = self.clock.now();
        let shown = self.vault.digest(&[b"private key", shown.as_bytes()]);
        let own = terminal
            .keys
            .iter()
            .filter(|pair| pair.retires_at.is_none_or(|at| now < at))
            .map(|pair| self.vault.digest(&[b"private key", pair.private.reveal().as_bytes()]));
        own.filter(|own| *own == shown).count() > 0
    }

    /// The terminal of this number, for a caller who shows its private key, current or retiring.
    /// An unknown number and a wrong key are refused alike.
    pub async fn terminal_for_private_key(
        &self,
        number: TerminalNumber,
        private_key: &str,
        caller: Option<IpAddr>,
    ) -> Result<Arc<Terminal>, Denied> {
        let found = self.terminal_by_number(number).await?;
        let proved = found.filter(|terminal| self.proves_private_key(terminal, private_key));
        let terminal = proved.ok_or(Denied::Unknown)?;
        let may = terminal.takes_payments();
        admitted(terminal, may, caller)
    }

    async fn terminal_by_key(&self, public_key: &str) -> Result<Option<Arc<Terminal>>, Fault> {
        let now = self.clock.now();
        let good = |terminal: &Terminal| {
            terminal
                .keys
                .iter()
                .any(|pair| pair.public == public_key && pair.retires_at.is_none_or(|at| now < at))
        };
        if let Some(terminal) = self.terminals.get(public_key, now) {
            return Ok(good(&terminal).then_some(terminal));
        }
        let Some(stored) = self.store.terminal_by_public_key(public_key).await? else {
            return Ok(None);
        };
        let terminal = Arc::new(self.open_terminal(stored)?);
        self.terminals.put(public_key.to_owned(), now, &terminal);
        Ok(good(&terminal).then_some(terminal))
    }

    /// The terminal that took a payment, whatever became of its keys.
    pub async fn terminal_of(&self, payment: &Payment) -> Result<Arc<Terminal>, Fault> {
        self.terminal_by_number(payment.terminal)
            .await?
            .ok_or_else(|| Fault::Broken(format!("terminal {} is gone", payment.terminal)))
    }

    /// A terminal's logo, for whoever opens a customer page.
    pub async fn logo(&self, _actor: Actor, number: TerminalNumber) -> Result<Option<Logo>, Fault> {
        let terminal = self.terminal_by_number(number).await?;
        Ok(terminal.and_then(|terminal| terminal.settings.theme.logo.clone()))
    }

    pub(crate) async fn terminal_by_number(
        &self,
        number: TerminalNumber,
    ) -> Result<Option<Arc<Terminal>>, Fault> {
        let now = self.clock.now();
        let cache_key = number.to_string();
        if let Some(terminal) = self.terminals.get(&cache_key, now) {
            return Ok(Some(terminal));
        }
        let Some(stored) = self.store.terminal(number).await? else { return Ok(None) };
        let terminal = Arc::new(self.open_terminal(stored)?);
        self.terminals.put(cache_key, now, &terminal);
        Ok(Some(terminal))
    }

    /// A terminal with its secrets, for the operator and for its merchant.
    pub async fn terminal(
        &self,
        actor: Actor,
        number: TerminalNumber,
    ) -> Result<Option<Terminal>, Fault> {
        let stored = self.store.terminal(number).await?;
        let seen = stored.filter(|stored| actor.scope().allows(stored.merchant));
        seen.map(|stored| self.open_terminal(stored)).transpose()
    }

    /// The terminals that the actor may see, by number.
    pub async fn terminals(&self, actor: Actor) -> Result<Vec<Terminal>, Fault> {
        let mut stored = self.store.terminals().await?;
        stored.retain(|stored| actor.scope().allows(stored.merchant));
        stored.into_iter().map(|stored| self.open_terminal(stored)).collect()
    }

    /// Adds a terminal with new keys and a new signing secret. None when the number or the public
    /// key is taken, or the merchant does not exist.
    pub async fn add_terminal(
        &self,
        actor: Actor,
        add: AddTerminal,
    ) -> Result<Option<Terminal>, Fault> {
        let merchants = self.store.merchants().await?;
        let own = |merchant: &Merchant| merchant.id == add.merchant;
        let seen = merchants.into_iter().find(own);
        let Some(merchant) = seen.filter(|merchant| actor.scope().allows(merchant.id)) else {
            return Ok(None);
        };
        let number = if let Some(number) = add.number {
            number
        } else {
            let last = self.store.terminals().await?.last().map_or(0, |last| last.number.0);
            TerminalNumber(last.saturating_add(1))
        };
        let now = self.clock.now();
        let mut keys = self.new_keys(now);
        if let Some(public) = add.public_key {
            keys.public = public;
        }
        let terminal = Terminal {
            number,
            merchant: merchant.id,
            merchant_name: merchant.name,
            merchant_active: merchant.active,
            name: add.name,
            mode: add.mode,
            active: true,
            settings: add.settings,
            keys: vec![keys],
            webhook_secrets: vec![self.new_webhook_secret(now)],
            version: 1,
            created_at: now,
        };
        let done = self.done_to(actor, "add_terminal", number);
        match self.commit_terminal("add_terminal", &terminal, None, done).await {
            Ok(()) => Ok(Some(terminal)),
            Err(CommitError::Exists(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives a terminal new keys and a new signing secret; those before stay good for a day.
    pub async fn rotate_keys(
        &self,
        actor: Actor,
        number: TerminalNumber,
    ) -> Result<Option<Terminal>, Fault> {
        for _try in 0..8 {
            let Some(terminal) = self.terminal(actor, number).await? else { return Ok(None) };
            let now = self.clock.now();
            let expected_version = terminal.version;
            let rotated = terminal.rotate(
                self.new_keys(now),
                self.new_webhook_secret(now),
                now.plus(ROTATION_OVERLAP),
            );
            let done = self.done_to(actor, "rotate_keys", number);
            match self.commit_terminal("rotate_keys", &rotated, Some(expected_version), done).await
            {
                Ok(()) => return Ok(Some(rotated)),
                Err(CommitError::Stale(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Fault::Busy)
    }

    /// Changes a terminal's settings.
    pub async fn change_terminal(
        &self,
        actor: Actor,
        number: TerminalNumber,
        change: ChangeTerminal,
    ) -> Result<TerminalChanged, Fault> {
        for _try in 0..8 {
            let Some(terminal) = self.terminal(actor, number).await? else {
                return Ok(TerminalChanged::Unknown);
            };
            let version = terminal.version;
            if change.expected_version.is_some_and(|expected| expected != version) {
                return Ok(TerminalChanged::OtherVersion(version));
            }
            let changed = change.clone().apply(terminal);
            let done = self.done_to(actor, "change_terminal", number);
            let merchant = Some(changed.merchant);
            let done = AuditLine { detail: change.names(), merchant, ..done };
            match self.commit_terminal("change_terminal", &changed, Some(version), done).await {
                Ok(()) => {
                    self.terminals.forget(&changed);
                    return Ok(TerminalChanged::Done(Box::new(changed)));
                }
                Err(CommitError::Stale(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Fault::Busy)
    }

    /// Replaces a terminal's name and all that is set for it, as a whole form does. `names`: what
    /// changed, for the audit log.
    pub async fn set_terminal(
        &self,
        actor: Actor,
        number: TerminalNumber,
        expected_version: i64,
        (name, settings): (String, Settings),
    ) -> Result<TerminalChanged, Fault> {
        let Some(terminal) = self.terminal(actor, number).await? else {
            return Ok(TerminalChanged::Unknown);
        };
        if terminal.version != expected_version {
            return Ok(TerminalChanged::OtherVersion(terminal.version));
        }
        let detail = changed_settings(&terminal, &name, &settings);
        let changed =
            Terminal { name, settings, version: expected_version.saturating_add(1), ..terminal };
        let done = self.done_to(actor, "change_terminal", number);
        let done = AuditLine { detail, merchant: Some(changed.merchant), ..done };
        match self.commit_terminal("change_terminal", &changed, Some(expected_version), done).await
        {
            Ok(()) => {
                self.terminals.forget(&changed);
                Ok(TerminalChanged::Done(Box::new(changed)))
            }
            Err(CommitError::Stale(_)) => Ok(TerminalChanged::OtherVersion(expected_version)),
            Err(error) => Err(error.into()),
        }
    }

    async fn commit_terminal(
        &self,
        name: &'static str,
        terminal: &Terminal,
        expected_version: Option<i64>,
        audit: AuditLine,
    ) -> Result<(), CommitError> {
        let terminal = self
            .seal_terminal(terminal)
            .map_err(|fault| CommitError::Unavailable(fault.to_string()))?;
        let changeset = Changeset {
            name,
            terminal: Some(TerminalChange { terminal, expected_version }),
            audit: Some(audit),
            ..Changeset::default()
        };
        self.store.commit(changeset).await
    }

    fn done_to(&self, actor: Actor, action: &'static str, number: TerminalNumber) -> AuditLine {
        AuditLine { terminal: Some(number), ..self.done(actor, action, String::new()) }
    }

    fn new_keys(&self, now: Timestamp) -> KeyPair {
        KeyPair {
            public: self.random_base64(),
            private: SecretText::new(self.random_base64()),
            created_at: now,
            retires_at: None,
        }
    }

    pub(crate) fn new_webhook_secret(&self, now: Timestamp) -> WebhookSecret {
        WebhookSecret {
            text: SecretText::new(format!("whsec_{}", self.random_base64())),
            created_at: now,
            retires_at: None,
        }
    }

    fn random_base64(&self) -> String {
        let mut bytes = zeroize::Zeroizing::new([0_u8; 32]);
        self.random.fill(&mut *bytes);
        STANDARD.encode(*bytes)
    }

    fn seal_terminal(&self, terminal: &Terminal) -> Result<StoredTerminal, Fault> {
        let webhook = terminal.webhook_secrets.iter().map(SealedEntry::of_webhook_secret);
        let secrets = Secrets {
            keys: terminal.keys.iter().map(SealedEntry::of_private_key).collect(),
            webhook: webhook.collect(),
        };
        let plain =
            serde_json::to_vec(&secrets).map_err(|error| Fault::Broken(error.to_string()))?;
        let plain = zeroize::Zeroizing::new(plain);
        Ok(StoredTerminal {
            number: terminal.number,
            merchant: terminal.merchant,
            merchant_name: terminal.merchant_name.clone(),
            merchant_active: terminal.merchant_active,
            name: terminal.name.clone(),
            mode: terminal.mode,
            active: terminal.active,
            settings: terminal.settings.clone(),
            public_keys: terminal.keys.iter().map(|pair| pair.public.clone()).collect(),
            sealed_secrets: self.vault.seal_secret(
                "terminals",
                &terminal.number.to_string(),
                &plain,
            )?,
            version: terminal.version,
            created_at: terminal.created_at,
        })
    }

    fn open_terminal(&self, stored: StoredTerminal) -> Result<Terminal, Fault> {
        let row = stored.number.to_string();
        let plain = self.vault.open_secret("terminals", &row, &stored.sealed_secrets)?;
        let secrets: Secrets = serde_json::from_slice(&plain)
            .map_err(|_hidden| Fault::Broken(format!("secrets of terminal {row} do not parse")))?;
        let keys =
            stored.public_keys.into_iter().zip(secrets.keys).map(|(public, entry)| KeyPair {
                public,
                private: SecretText::new(entry.text),
                created_at: entry.created_at,
                retires_at: entry.retires_at,
            });
        let webhook_secrets = secrets.webhook.into_iter().map(SealedEntry::into_webhook_secret);
        Ok(Terminal {
            number: stored.number,
            merchant: stored.merchant,
            merchant_name: stored.merchant_name,
            merchant_active: stored.merchant_active,
            name: stored.name,
            mode: stored.mode,
            active: stored.active,
            settings: stored.settings,
            keys: keys.collect(),
            webhook_secrets: webhook_secrets.collect(),
            version: stored.version,
            created_at: stored.created_at,
        })
    }
}
