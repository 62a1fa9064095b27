//! Endpoints: added, changed and shown by whoever owns them, and found for a message.

use crate::actor::{Actor, Scope};
use crate::changeset::{AuditLine, Changeset, EndpointChange, StoredEndpoint};
use crate::error::{CommitError, Fault};
use crate::gateway::Gateway;
use crate::terminal::{ROTATION_OVERLAP, SealedEntry};
use domain::endpoint::{ENDPOINTS_AT_MOST, Endpoint, EndpointState};
use domain::event_type::EventPattern;
use domain::id::{EndpointNumber, MerchantId, TerminalNumber};
use domain::terminal::Mode;
use domain::text::WebAddress;
use domain::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A changed endpoint is seen on every node within this time.
const CACHED_FOR: Duration = Duration::from_secs(1);
/// Merchants whose endpoints are kept in memory at most; beyond, the cache starts again.
const CACHED_AT_MOST: usize = 10_000;
/// Tries of a change that others overtake.
const TRIES: usize = 8;

/// A new endpoint.
#[derive(Clone, Debug)]
pub struct AddEndpoint {
    /// Whose it is.
    pub merchant: MerchantId,
    /// The terminal whose events it is told of; none for all of the merchant's in this mode.
    pub terminal: Option<TerminalNumber>,
    /// Test or live.
    pub mode: Mode,
    /// Where messages go.
    pub url: WebAddress,
    /// What it is told of.
    pub events: Vec<EventPattern>,
    /// What its owner calls it.
    pub description: String,
}

/// What is changed of an endpoint; what is none stays as it is.
#[derive(Clone, Debug, Default)]
pub struct ChangeEndpoint {
    /// Where messages go.
    pub url: Option<WebAddress>,
    /// What it is told of.
    pub events: Option<Vec<EventPattern>>,
    /// What its owner calls it.
    pub description: Option<String>,
    /// Whether it is sent to. Switching it on forgives what it failed before.
    pub on: Option<bool>,
}

/// Why an endpoint is not added or changed.
#[derive(Debug, thiserror::Error)]
pub enum EndpointRefused {
    /// There is none with this number that the caller may see.
    #[error("there is no endpoint with this number")]
    Unknown,
    /// There is no merchant, or no terminal of the merchant's in this mode, with this number.
    #[error("there is no such merchant, or it has no such terminal in this mode")]
    UnknownOwner,
    /// Live endpoints need TLS.
    #[error("an endpoint for live events must be https")]
    NotHttps,
    /// It would never be told of anything.
    #[error("events must name at least one event type")]
    NoEvents,
    /// The merchant has too many.
    #[error("a merchant may have {ENDPOINTS_AT_MOST} endpoints")]
    TooMany,
    /// Our fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<CommitError> for EndpointRefused {
    fn from(error: CommitError) -> Self {
        Self::Fault(error.into())
    }
}

/// Endpoints as they were read at this moment.
type AsRead = (Timestamp, Arc<[Endpoint]>);

/// The endpoints of merchants, as they were a moment ago.
#[derive(Debug, Default)]
pub(crate) struct EndpointCache {
    by_merchant: Mutex<BTreeMap<MerchantId, AsRead>>,
}

impl EndpointCache {
    fn get(&self, merchant: MerchantId, now: Timestamp) -> Option<Arc<[Endpoint]>> {
        let cache = self.by_merchant.lock().unwrap_or_else(PoisonError::into_inner);
        let (read_at, endpoints) = cache.get(&merchant)?;
        (now < read_at.plus(CACHED_FOR)).then(|| Arc::clone(endpoints))
    }

    fn put(&self, merchant: MerchantId, now: Timestamp, endpoints: &Arc<[Endpoint]>) {
        let mut cache = self.by_merchant.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= CACHED_AT_MOST {
            cache.clear();
        }
        cache.insert(merchant, (now, Arc::clone(endpoints)));
    }

    /// After a change of one's own.
    pub(crate) fn forget(&self, merchant: MerchantId) {
        self.by_merchant.lock().unwrap_or_else(PoisonError::into_inner).remove(&merchant);
    }
}

impl Gateway {
    /// The endpoints of a merchant that are not removed, as they were at most a second ago.
    pub(crate) async fn endpoints_of(
        &self,
        merchant: MerchantId,
    ) -> Result<Arc<[Endpoint]>, Fault> {
        let now = self.clock.now();
        if let Some(endpoints) = self.endpoints.get(merchant, now) {
            return Ok(endpoints);
        }
        let endpoints: Arc<[Endpoint]> =
            self.read_endpoints(Scope::Merchant(merchant)).await?.into();
        self.endpoints.put(merchant, now, &endpoints);
        Ok(endpoints)
    }

    async fn read_endpoints(&self, scope: Scope) -> Result<Vec<Endpoint>, Fault> {
        let stored = self.store.endpoints(scope).await?;
        let kept = stored.into_iter().filter(|one| one.state != EndpointState::Removed);
        kept.map(|one| self.open_endpoint(one)).collect()
    }

    /// The endpoints that the caller may see, by number: an operator all, a terminal's server its
    /// own terminal's.
    pub async fn endpoints(&self, actor: Actor) -> Result<Vec<Endpoint>, Fault> {
        let mut found = self.read_endpoints(actor.scope()).await?;
        found.retain(|endpoint| may_see(actor, endpoint));
        Ok(found)
    }

    /// An endpoint, if the caller may see it.
    pub async fn endpoint(
        &self,
        actor: Actor,
        number: EndpointNumber,
    ) -> Result<Option<Endpoint>, Fault> {
        let Some(stored) = self.store.endpoint(number).await? else { return Ok(None) };
        if stored.state == EndpointState::Removed {
            return Ok(None);
        }
        Ok(Some(self.open_endpoint(stored)?).filter(|endpoint| may_see(actor, endpoint)))
    }

    /// Adds an endpoint with a new signing secret.
    pub async fn add_endpoint(
        &self,
        actor: Actor,
        add: AddEndpoint,
    ) -> Result<Endpoint, EndpointRefused> {
        check(add.mode, &add.url, &add.events)?;
        if !actor.scope().allows(add.merchant) {
            return Err(EndpointRefused::UnknownOwner);
        }
        self.check_owner(&add).await?;
        for _try in 0..TRIES {
            let all = self.store.endpoints(Scope::Everything).await.map_err(Fault::from)?;
            let own = all
                .iter()
                .filter(|one| one.merchant == add.merchant && one.state != EndpointState::Removed);
            if own.count() >= ENDPOINTS_AT_MOST {
                return Err(EndpointRefused::TooMany);
            }
            let last = all.last().map_or(0, |last| last.number.0);
            let now = self.clock.now();
            let endpoint = Endpoint {
                number: EndpointNumber(last.saturating_add(1)),
                merchant: add.merchant,
                terminal: add.terminal,
                mode: add.mode,
                url: add.url.clone(),
                events: add.events.clone(),
                description: add.description.clone(),
                state: EndpointState::On,
                state_since: now,
                failing_since: None,
                secrets: vec![self.new_webhook_secret(now)],
                version: 1,
                created_at: now,
            };
            let detail = format!("endpoint {}", endpoint.number);
            let done = AuditLine {
                terminal: endpoint.terminal,
                ..self.done(actor, "add_endpoint", detail)
            };
            match self.commit_endpoint("add_endpoint", &endpoint, None, done).await {
                Ok(()) => return Ok(endpoint),
                Err(CommitError::Exists(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Fault::Busy.into())
    }

    async fn check_owner(&self, add: &AddEndpoint) -> Result<(), EndpointRefused> {
        let merchants = self.store.merchants().await.map_err(Fault::from)?;
        let known = merchants.iter().any(|merchant| merchant.id == add.merchant);
        let terminal_fits = match add.terminal {
            None => true,
            Some(number) => self.terminal_by_number(number).await?.is_some_and(|terminal| {
                terminal.merchant == add.merchant && terminal.mode == add.mode
            }),
        };
        if known && terminal_fits { Ok(()) } else { Err(EndpointRefused::UnknownOwner) }
    }

    /// Changes an endpoint.
    pub async fn change_endpoint(
        &self,
        actor: Actor,
        number: EndpointNumber,
        change: ChangeEndpoint,
    ) -> Result<Endpoint, EndpointRefused> {
        let now = self.clock.now();
        self.update_endpoint(actor, ("change_endpoint", number), |mut endpoint| {
            endpoint.url = change.url.clone().unwrap_or(endpoint.url);
            endpoint.events = change.events.clone().unwrap_or(endpoint.events);
            endpoint.description = change.description.clone().unwrap_or(endpoint.description);
            check(endpoint.mode, &endpoint.url, &endpoint.events)?;
            let state = match change.on {
                Some(true) => EndpointState::On,
                Some(false) => EndpointState::Off,
                None => endpoint.state,
            };
            if state != endpoint.state {
                endpoint.state = state;
                endpoint.state_since = now;
                endpoint.failing_since = None;
            }
            Ok(endpoint)
        })
        .await
    }

    /// Gives an endpoint a new signing secret; the one before signs beside it for a day.
    pub async fn rotate_endpoint_secret(
        &self,
        actor: Actor,
        number: EndpointNumber,
    ) -> Result<Endpoint, EndpointRefused> {
        let now = self.clock.now();
        self.update_endpoint(actor, ("rotate_endpoint_secret", number), |mut endpoint| {
            let secret = self.new_webhook_secret(now);
            secret.replace_in(&mut endpoint.secrets, now.plus(ROTATION_OVERLAP));
            Ok(endpoint)
        })
        .await
    }

    /// Takes an endpoint away for good. What it was sent stays in the log; what waits for it is
    /// not sent any more.
    pub async fn remove_endpoint(
        &self,
        actor: Actor,
        number: EndpointNumber,
    ) -> Result<Endpoint, EndpointRefused> {
        let now = self.clock.now();
        self.update_endpoint(actor, ("remove_endpoint", number), |mut endpoint| {
            endpoint.state = EndpointState::Removed;
            endpoint.state_since = now;
            Ok(endpoint)
        })
        .await
    }

    async fn update_endpoint(
        &self,
        actor: Actor,
        (name, number): (&'static str, EndpointNumber),
        change: impl Fn(Endpoint) -> Result<Endpoint, EndpointRefused> + Send + Sync,
    ) -> Result<Endpoint, EndpointRefused> {
        for _try in 0..TRIES {
            let found = self.endpoint(actor, number).await?.ok_or(EndpointRefused::Unknown)?;
            let version = found.version;
            let mut changed = change(found)?;
            changed.version = version.saturating_add(1);
            let done = self.done(actor, name, format!("endpoint {number}"));
            let done = AuditLine { terminal: changed.terminal, ..done };
            match self.commit_endpoint(name, &changed, Some(version), done).await {
                Ok(()) => return Ok(changed),
                Err(CommitError::Stale(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Fault::Busy.into())
    }

    async fn commit_endpoint(
        &self,
        name: &'static str,
        endpoint: &Endpoint,
        expected_version: Option<i64>,
        audit: AuditLine,
    ) -> Result<(), CommitError> {
        let sealed = self.seal_endpoint(endpoint);
        let sealed = sealed.map_err(|fault| CommitError::Unavailable(fault.to_string()))?;
        let changeset = Changeset {
            name,
            endpoint: Some(EndpointChange { endpoint: sealed, expected_version }),
            audit: Some(audit),
            ..Changeset::default()
        };
        self.store.commit(changeset).await?;
        self.endpoints.forget(endpoint.merchant);
        Ok(())
    }

    pub(crate) fn seal_endpoint(&self, endpoint: &Endpoint) -> Result<StoredEndpoint, Fault> {
        let secrets: Vec<SealedEntry> =
            endpoint.secrets.iter().map(SealedEntry::of_webhook_secret).collect();
        let plain =
            serde_json::to_vec(&secrets).map_err(|error| Fault::Broken(error.to_string()))?;
        let plain = zeroize::Zeroizing::new(plain);
        let row = endpoint.number.to_string();
        Ok(StoredEndpoint {
            number: endpoint.number,
            merchant: endpoint.merchant,
            terminal: endpoint.terminal,
            mode: endpoint.mode,
            url: endpoint.url.clone(),
            events: endpoint.events.clone(),
            description: endpoint.description.clone(),
            state: endpoint.state,
            state_since: endpoint.state_since,
            failing_since: endpoint.failing_since,
            sealed_secrets: self.vault.seal_secret("endpoints", &row, &plain)?,
            version: endpoint.version,
            created_at: endpoint.created_at,
        })
    }

    fn open_endpoint(&self, stored: StoredEndpoint) -> Result<Endpoint, Fault> {
        let row = stored.number.to_string();
        let plain = self.vault.open_secret("endpoints", &row, &stored.sealed_secrets)?;
        let secrets: Vec<SealedEntry> = serde_json::from_slice(&plain)
            .map_err(|_hidden| Fault::Broken(format!("secrets of endpoint {row} do not parse")))?;
        let secrets = secrets.into_iter().map(SealedEntry::into_webhook_secret);
        Ok(Endpoint {
            number: stored.number,
            merchant: stored.merchant,
            terminal: stored.terminal,
            mode: stored.mode,
            url: stored.url,
            events: stored.events,
            description: stored.description,
            state: stored.state,
            state_since: stored.state_since,
            failing_since: stored.failing_since,
            secrets: secrets.collect(),
            version: stored.version,
            created_at: stored.created_at,
        })
    }
}

fn check(mode: Mode, url: &WebAddress, events: &[EventPattern]) -> Result<(), EndpointRefused> {
    if mode == Mode::Live && !url.is_https() {
        return Err(EndpointRefused::NotHttps);
    }
    if events.is_empty() { Err(EndpointRefused::NoEvents) } else { Ok(()) }
}

/// A terminal's server sees the endpoints that are that terminal's alone.
fn may_see(actor: Actor, endpoint: &Endpoint) -> bool {
    match actor {
        Actor::Operator | Actor::Worker | Actor::User { merchant: None, .. } => true,
        Actor::User { merchant: Some(merchant), .. } => endpoint.merchant == merchant,
        Actor::Terminal { number, merchant, .. } => {
            endpoint.merchant == merchant && endpoint.terminal == Some(number)
        }
        Actor::Holder { .. } | Actor::Bank { .. } => false,
    }
}
