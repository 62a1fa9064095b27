//! A gateway's life in a run: it is started, dies in the middle of what it does, sleeps for
//! minutes as a stopped machine would, and is started again. A dead node's work goes no further
//! than its next word with the outside.

use super::bank::Bank;
use super::bank_link::{BankLink, CallLog};
use super::planted::{CrookedBank, CrookedShop, CrookedStore, PlantedBug};
use super::shop::{Shop, ShopLink};
use super::store_link::StoreLink;
use super::vault::ToyVault;
use super::world::{World, WorldClock, WorldRandom};
use crate::memory_store::MemoryStore;
use domain::endpoint::Endpoint;
use domain::event_type::EventType;
use domain::payment::Payment;
use domain::refund::Refund;
use domain::time::Timestamp;
use engine::ports::{Connector, Dialer, Notice, NoticeFormat, NoticeKeys, Store, Vault};
use engine::{Gateway, Parts};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

/// What every word of a node with the outside passes.
#[derive(Debug)]
pub struct Gate {
    world: Arc<World>,
    node: usize,
    state: Mutex<Liveness>,
    deaths: mpsc::UnboundedSender<usize>,
}

#[derive(Clone, Copy, Debug)]
struct Liveness {
    dead: bool,
    frozen_until: Timestamp,
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, Liveness> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the living pass. The dead never come back from here, sleepers when they wake.
    pub async fn alive(&self) {
        loop {
            let state = *self.state();
            if state.dead {
                return std::future::pending().await;
            }
            let wait = state.frozen_until.since(self.world.time());
            if wait.is_zero() {
                return;
            }
            self.world.sleep(wait).await;
        }
    }

    /// The same at a place where a node may die or fall asleep.
    pub async fn pass(&self, what: &str) {
        let weather = &self.world.weather;
        if self.world.strikes_one_in(weather.dies_in) && !self.state().dead {
            self.world.note(&format!("node {} dies: {what}", self.node));
            self.die();
        } else if self.world.strikes_one_in(weather.freezes_in) {
            let asleep = self.world.draw(|dice| {
                let longest = dice.pick(&[2_000, 60_000, 600_000]);
                dice.millis(500, longest)
            });
            self.world.note(&format!("node {} sleeps {asleep:?}: {what}", self.node));
            self.state().frozen_until = self.world.time().plus(asleep);
        }
        self.alive().await;
    }

    fn die(&self) {
        self.state().dead = true;
        let _run_is_over = self.deaths.send(self.node);
    }
}

/// A node that runs.
#[derive(Debug)]
struct Node {
    gate: Arc<Gate>,
    gateway: Arc<Gateway>,
    tasks: Vec<AbortHandle>,
}

/// What the nodes of a run stand on.
#[derive(Clone, Debug)]
pub struct Grounds {
    /// Time and chance.
    pub world: Arc<World>,
    /// The one database.
    pub store: Arc<MemoryStore>,
    /// The bank.
    pub bank: Arc<Bank>,
    /// All calls to it.
    pub calls: Arc<CallLog>,
    /// The merchants' server.
    pub shop: Arc<Shop>,
    /// What is wrong with the nodes.
    pub bug: Option<PlantedBug>,
}

/// All nodes of a run.
#[derive(Debug)]
pub struct Cluster {
    world: Arc<World>,
    grounds: Grounds,
    vault: Arc<ToyVault>,
    nodes: Mutex<Vec<Option<Node>>>,
    deaths: mpsc::UnboundedSender<usize>,
    deaths_seen: AtomicU64,
    /// Kept, so that workers are never told to stop.
    stop: watch::Sender<bool>,
}

impl Cluster {
    /// Starts all nodes.
    pub fn start(grounds: &Grounds) -> Arc<Self> {
        let world = &grounds.world;
        let (deaths, died) = mpsc::unbounded_channel();
        let nodes = usize::try_from(world.weather.nodes).unwrap();
        let cluster = Arc::new(Self {
            world: Arc::clone(world),
            grounds: grounds.clone(),
            vault: Arc::default(),
            nodes: Mutex::new((0..nodes).map(|_place| None).collect()),
            deaths,
            deaths_seen: AtomicU64::new(0),
            stop: watch::Sender::new(false),
        });
        for place in 0..nodes {
            cluster.start_node(place);
        }
        tokio::spawn(Arc::clone(&cluster).bury_and_restart(died));
        cluster
    }

    fn nodes(&self) -> MutexGuard<'_, Vec<Option<Node>>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many nodes died.
    pub fn deaths(&self) -> u64 {
        self.deaths_seen.load(Ordering::SeqCst)
    }

    fn gate(&self, node: usize) -> Arc<Gate> {
        Arc::new(Gate {
            world: Arc::clone(&self.world),
            node,
            state: Mutex::new(Liveness { dead: false, frozen_until: self.world.began }),
            deaths: self.deaths.clone(),
        })
    }

    fn parts(&self, gate: &Arc<Gate>) -> Parts {
        let (world, on) = (&self.world, &self.grounds);
        let store = Arc::new(StoreLink::new(world, &on.store, gate));
        let bank = Arc::new(BankLink::new(world, &on.bank, &on.calls, gate));
        let dialer = Arc::new(ShopLink::new(world, &on.shop, gate));
        let (store, bank, dialer): (Arc<dyn Store>, Arc<dyn Connector>, Arc<dyn Dialer>) =
            match on.bug {
                None => (store, bank, dialer),
                Some(bug) => (
                    Arc::new(CrookedStore { bug, inner: store, world: Arc::clone(world) }),
                    Arc::new(CrookedBank { bug, inner: bank, noticed: Mutex::default() }),
                    Arc::new(CrookedShop { bug, inner: dialer }),
                ),
            };
        let vault: Arc<dyn Vault> = Arc::<ToyVault>::clone(&self.vault);
        Parts {
            store,
            desks: Arc::<MemoryStore>::clone(&self.grounds.store),
            vault,
            clock: Arc::new(WorldClock(Arc::clone(&self.world))),
            random: Arc::new(WorldRandom(Arc::clone(&self.world))),
            connectors: vec![bank],
            notices: Arc::new(PlainNotice),
            dialer,
            post_timeout: Duration::from_secs(5),
        }
    }

    /// A gateway without troubles, to set up with.
    pub fn founder(&self) -> Arc<Gateway> {
        let store: Arc<dyn Store> = Arc::<MemoryStore>::clone(&self.grounds.store);
        Gateway::new(Parts { store, ..self.parts(&self.gate(usize::MAX)) })
    }

    fn start_node(&self, place: usize) {
        let gate = self.gate(place);
        let gateway = Gateway::new(self.parts(&gate));
        let mut nodes = self.nodes();
        let alone = nodes.len() == 1;
        let workers = Arc::clone(&gateway).run_workers(alone, self.stop.subscribe());
        let workers = tokio::spawn(workers);
        nodes[place] = Some(Node { gate, gateway, tasks: vec![workers.abort_handle()] });
    }

    async fn bury_and_restart(self: Arc<Self>, mut died: mpsc::UnboundedReceiver<usize>) {
        while let Some(place) = died.recv().await {
            let Some(node) = self.nodes()[place].take() else { continue };
            self.deaths_seen.fetch_add(1, Ordering::SeqCst);
            for task in node.tasks {
                task.abort();
            }
            let cluster = Arc::clone(&self);
            tokio::spawn(async move {
                let down = cluster.world.draw(|dice| dice.millis(100, 120_000));
                cluster.world.sleep(down).await;
                cluster.world.note(&format!("node {place} starts"));
                cluster.start_node(place);
            });
        }
    }

    /// The bank.
    pub fn bank(&self) -> &Bank {
        &self.grounds.bank
    }

    /// Wakes all that sleep.
    pub fn wake_up(&self) {
        let now = self.world.time();
        for node in self.nodes().iter().flatten() {
            node.gate.state().frozen_until = now;
        }
    }

    /// Has any node handle a request; it runs on although the caller goes away, until the caller
    /// aborts it or the node dies. None when the node that was asked is down.
    pub fn handle<T, W>(
        &self,
        work: impl FnOnce(Arc<Gateway>) -> W,
    ) -> Option<tokio::task::JoinHandle<T>>
    where
        W: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let mut nodes = self.nodes();
        let many = u64::try_from(nodes.len()).unwrap();
        let place = usize::try_from(self.world.draw(|dice| dice.below(many))).unwrap();
        let node = nodes[place].as_mut()?;
        let handler = tokio::spawn(work(Arc::clone(&node.gateway)));
        node.tasks.retain(|task| !task.is_finished());
        node.tasks.push(handler.abort_handle());
        Some(handler)
    }
}

/// Webhook bodies that only say what the auditor compares.
#[derive(Debug)]
struct PlainNotice;

impl NoticeFormat for PlainNotice {
    fn message(
        &self,
        event_type: EventType,
        payment: &Payment,
        _refund: Option<&Refund>,
        _at: Timestamp,
    ) -> Notice {
        let body = format!("{event_type} {} {}", payment.id, payment.notices);
        Notice { content_type: "text/plain", body }
    }

    fn endpoint_disabled(&self, endpoint: &Endpoint, _at: Timestamp) -> Notice {
        let body = format!("endpoint {} is switched off", endpoint.number);
        Notice { content_type: "text/plain", body }
    }

    fn sample(&self, event_type: EventType, _at: Timestamp) -> Notice {
        Notice { content_type: "text/plain", body: event_type.to_string() }
    }

    fn notice(
        &self,
        payment: &Payment,
        refund: Option<&Refund>,
        _at: Timestamp,
        _keys: NoticeKeys<'_>,
    ) -> Notice {
        let refund = refund.map(|one| (one.number, one.state.name()));
        let code = payment.order_status().code;
        let body = format!("{} {} {code} {refund:?}", payment.id, payment.notices);
        Notice { content_type: "text/plain", body }
    }
}
