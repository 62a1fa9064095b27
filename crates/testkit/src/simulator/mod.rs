//! The simulator: real gateways on a virtual clock, over a store and a network that fail, before
//! a bank and a merchant's server that misbehave. One seed is one run, and the same seed is the
//! same run, to the last line of its trace.
//!
//! A run has two halves. In the first everything goes wrong that the seed's weather holds: nodes
//! die and sleep in the middle of what they do, commits are made but not acknowledged, requests
//! arrive twice, late or never. Then the troubles end, and time goes on until nothing is left to
//! do. At last the [`crate::auditor`] compares what everybody wrote down.

pub mod bank;
pub mod bank_customers;
pub mod bank_link;
pub mod clients;
pub mod dice;
pub mod node;
pub mod operator;
pub mod planted;
pub mod proof;
pub mod shop;
pub mod store_link;
pub mod vault;
pub mod weather;
pub mod world;

use crate::auditor::{self, Evidence};
use crate::memory_store::MemoryStore;
use bank::Bank;
use bank_link::CallLog;
use clients::{Clients, Told};
use domain::event_type::EventPattern;
use domain::id::MerchantId;
use domain::terminal::{Capture, LateApproval, Mode, Settings, Terminal, WhenUnknown};
use domain::text::WebAddress;
use engine::Gateway;
use engine::actor::{Actor, Scope};
use engine::endpoint::AddEndpoint;
use engine::terminal::AddTerminal;
use node::{Cluster, Grounds};
use planted::PlantedBug;
use shop::Shop;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::{Arc, Once, PoisonError};
use std::time::Duration;
use world::{Rest, World};

/// Everything must have settled so long after the troubles ended: a webhook's next attempt may be
/// a day away, and a fifth of that more.
const SETTLES_WITHIN: Duration = Duration::from_hours(30);
/// Lines of the trace that a failure shows.
const TAIL: usize = 60;

/// What a run came to.
#[derive(Debug)]
pub struct Report {
    /// Its seed.
    pub seed: u64,
    /// What the auditor found wrong.
    pub findings: Vec<String>,
    /// All that happened.
    pub trace: Vec<String>,
    /// A digest of the trace.
    pub digest: u64,
    /// Payments that were created.
    pub payments: u64,
    /// Calls that were made to the bank.
    pub calls: u64,
    /// Commits of payments.
    pub commits: u64,
    /// Nodes that died.
    pub deaths: u64,
    /// What kinds of events there were.
    pub kinds: BTreeSet<&'static str>,
}

impl Report {
    /// The trace's lines about the payments that the findings name.
    fn concerned(&self) -> Vec<String> {
        let words =
            self.findings.iter().flat_map(|finding| finding.split(|c: char| !c.is_ascii_digit()));
        let payments: BTreeSet<&str> = words.filter(|word| word.len() == 18).collect();
        let about = |line: &&String| payments.iter().any(|payment| line.contains(payment));
        self.trace.iter().filter(about).cloned().collect()
    }

    /// What to show of a run that failed: how to repeat it, how it ended, what was found.
    pub fn failure(&self) -> Option<String> {
        if self.findings.is_empty() {
            return None;
        }
        let tail = self.trace.len().saturating_sub(TAIL);
        Some(format!(
            "seed {} failed. The trace's end:\n{}\nWhat the findings are about:\n{}\nThe auditor \
             found:\n  {}\nReplay: \
             SIMULATOR_SEED={} cargo test -p testkit --test simulator \
             long_seeds_are_clean -- --nocapture\n",
            self.seed,
            self.trace[tail..].join("\n"),
            self.concerned().join("\n"),
            self.findings.join("\n  "),
            self.seed,
        ))
    }
}

thread_local! {
    static PANICS: Cell<u64> = const { Cell::new(0) };
}

/// A panic inside a task would only look like a request that failed.
fn count_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.set(PANICS.get() + 1);
            before(panic);
        }));
    });
}

/// Runs a seed, with or without a planted bug.
pub fn run(seed: u64, bug: Option<PlantedBug>) -> Report {
    count_panics();
    let panics = PANICS.get();
    let world = World::new(seed);
    let store = Arc::new(MemoryStore::with_order(Arc::clone(&world.order), world.weather.leases));
    let (clock, due) = (Arc::clone(&world), Arc::clone(&store));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .on_thread_park(move || clock.advance(due.earliest_due()))
        .build()
        .unwrap();
    let grounds = Grounds {
        bank: Bank::new(Arc::clone(&world)),
        calls: Arc::new(CallLog::default()),
        shop: Arc::new(Shop::default()),
        world,
        store,
        bug,
    };
    let told = Arc::new(Told::default());
    let (rest, terminals, deaths) = runtime.block_on(live(&grounds, &told, seed % 3));
    let evidence = evidence(&grounds, &told, rest, &terminals);
    let mut findings = auditor::judge(&evidence);
    findings.extend(proof::judge(&evidence.tables, &terminals));
    drop(runtime);
    if PANICS.get() > panics {
        findings.push("something panicked".to_owned());
    }
    let (trace, digest) = grounds.world.trace();
    let tables = grounds.store.contents();
    let count = |many: usize| u64::try_from(many).unwrap();
    Report {
        seed,
        findings,
        trace,
        digest,
        payments: count(tables.payments.len()),
        calls: count(grounds.calls.all().len()),
        commits: count(tables.journal.len()),
        deaths,
        kinds: tables.events.values().flatten().map(|event| event.kind.name()).collect(),
    }
}

/// Each merchant has so many endpoints.
async fn live(grounds: &Grounds, told: &Arc<Told>, endpoints: u64) -> (Rest, Vec<Terminal>, u64) {
    let world = &grounds.world;
    let cluster = Cluster::start(grounds);
    let terminals = found(&cluster.founder()).await;
    add_endpoints(&cluster.founder(), &terminals, endpoints).await;
    Clients::new(world, &cluster, terminals.clone(), told).start();
    let (waking, nodes) = (Arc::clone(world), Arc::clone(&cluster));
    tokio::spawn(async move {
        waking.sleep(waking.weather.lasts).await;
        waking.note("the troubles end");
        nodes.wake_up();
        operator::work(&waking, &nodes).await;
    });
    let rest = world.rest(world.began.plus(world.weather.lasts + SETTLES_WITHIN)).await;
    world.note(&format!("{rest:?} after {} steps", world.steps()));
    (rest, terminals, cluster.deaths())
}

/// Two merchants with two terminals each.
async fn found(gateway: &Gateway) -> Vec<Terminal> {
    let mut terminals = Vec::new();
    let (accept, give_back) = (LateApproval::Accept, LateApproval::Reverse);
    for (name, capture, when_unknown, late_approval, expires_after_seconds) in [
        ("A", Capture::Automatic, WhenUnknown::Wait, accept, 900),
        ("B", Capture::Automatic, WhenUnknown::Reverse, accept, 60),
        ("C", Capture::Manual, WhenUnknown::Wait, give_back, 60),
        ("D", Capture::Manual, WhenUnknown::Reverse, give_back, 3600),
    ] {
        let merchant = if terminals.len() % 2 == 0 {
            gateway.add_merchant(Actor::Operator, name).await.unwrap().id
        } else {
            terminals.last().map(|terminal: &Terminal| terminal.merchant).unwrap()
        };
        let settings = Settings {
            capture,
            when_unknown,
            late_approval,
            expires_after_seconds,
            ..Settings::for_cards()
        };
        let add = AddTerminal {
            number: None,
            merchant,
            name: name.to_owned(),
            mode: Mode::Live,
            settings,
            public_key: None,
        };
        terminals.push(gateway.add_terminal(Actor::Operator, add).await.unwrap().unwrap());
    }
    terminals
}

/// The first of each merchant's is told of everything, others of what becomes of endpoints.
async fn add_endpoints(gateway: &Gateway, terminals: &[Terminal], many: u64) {
    let merchants: BTreeSet<MerchantId> =
        terminals.iter().map(|terminal| terminal.merchant).collect();
    for merchant in merchants {
        for number in 0..many {
            let pattern = if number == 0 { "*" } else { "endpoint.*" };
            let add = AddEndpoint {
                merchant,
                terminal: None,
                mode: Mode::Live,
                url: WebAddress::parse(&format!("https://endpoint{number}.example/")).unwrap(),
                events: vec![EventPattern::parse(pattern).unwrap()],
                description: String::new(),
            };
            gateway.add_endpoint(Actor::Operator, add).await.unwrap();
        }
    }
}

fn evidence(grounds: &Grounds, told: &Told, rest: Rest, terminals: &[Terminal]) -> Evidence {
    let balances = grounds.store.contents().balances(Scope::Everything);
    Evidence {
        tables: grounds.store.contents(),
        balances,
        bank: grounds.bank.journal(),
        registered: grounds.bank.registered(),
        refused: grounds.bank.refused(),
        gives_late_money_back: terminals
            .iter()
            .filter(|terminal| terminal.settings.late_approval == LateApproval::Reverse)
            .map(|terminal| terminal.number)
            .collect(),
        patience: grounds.world.weather.patience,
        calls: grounds.calls.all(),
        received: grounds.shop.received(),
        answers: told.answers.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        refunds_told: told.refunds.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        rest,
    }
}
