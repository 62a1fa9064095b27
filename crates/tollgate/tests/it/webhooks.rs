//! Deliveries over time: their schedule, receivers that are down for days, receivers that are well
//! beside thousands that are not, and `kill -9` of whoever delivers.

use crate::app::{
    Gateway, On, Received, Shop, command, eventually, exchange, folder, request_with,
};
use crate::house::House;
use domain::delivery::{DeliveryDetail, DeliveryFilter, DeliveryId, DeliveryRecord, DeliveryState};
use domain::endpoint::{Endpoint, EndpointState};
use domain::event_type::{EventPattern, EventType};
use domain::id::EndpointNumber;
use domain::terminal::Mode;
use domain::text::WebAddress;
use domain::time::Timestamp;
use engine::Actor;
use engine::endpoint::{AddEndpoint, ChangeEndpoint};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};
use testkit::postgres::Cluster;

const APPROVED: &str = "4012000033330026";
/// What Standard Webhooks proposes, in seconds.
const GAPS: [u64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
const HOUR: u64 = 3_600;

/// Runs the background work until something holds.
async fn work_until<W: Future<Output = bool>>(house: &House, what: &str, holds: impl Fn() -> W) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds().await {
        assert!(Instant::now() < deadline, "{what} did not happen");
        house.work(50).await;
    }
}

async fn detail(house: &House, id: DeliveryId) -> DeliveryDetail {
    house.gateway.delivery(Actor::Operator, id).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_delivery_is_tried_ten_times_each_in_its_window() {
    let (_folder, data) = folder();
    Gateway::start(&data).stop();
    let house = House::open(&data);
    let shop = house.terminal(42).await;
    let mut all = Vec::new();
    for _payment in 0..3 {
        all.push(DeliveryId::own(house.create(&shop, APPROVED, "down").await.id, 1));
    }
    let mut exact = 0;
    for (made, gap) in (1_u32..).zip(GAPS) {
        let mut latest = house.now();
        for id in &all {
            let tried = || async { detail(&house, *id).await.record.attempts == made };
            work_until(&house, "an attempt", tried).await;
            let DeliveryRecord { last, next_at, state, .. } = detail(&house, *id).await.record;
            let (last, next_at) = (last.unwrap(), next_at.unwrap());
            assert_eq!(state, DeliveryState::Pending);
            let wait = next_at.since(last.at).as_micros();
            let (least, most) = (u128::from(gap) * 800_000, u128::from(gap) * 1_200_000);
            assert!((least..=most).contains(&wait), "{wait} after attempt {made}");
            exact += u32::from(wait == u128::from(gap) * 1_000_000);
            latest = latest.max(next_at);
        }
        house.clock.forward(latest.since(house.now()).as_secs() + 1);
    }
    assert!(exact < 9, "{exact} of 27 gaps had no jitter");
    for id in &all {
        let is_over = || async { detail(&house, *id).await.record.state == DeliveryState::Dead };
        work_until(&house, "the end", is_over).await;
        assert_eq!(detail(&house, *id).await.attempts.len(), 10);
    }
    // And no eleventh time.
    house.clock.forward(5 * 24 * HOUR);
    house.work(300).await;
    for id in &all {
        assert_eq!(detail(&house, *id).await.attempts.len(), 10);
    }
    house.close().await;
}

async fn add_endpoint(house: &House, url: &str, pattern: &str) -> EndpointNumber {
    let add = AddEndpoint {
        merchant: house.terminal(42).await.merchant,
        terminal: None,
        mode: Mode::Test,
        url: WebAddress::parse(url).unwrap(),
        events: vec![EventPattern::parse(pattern).unwrap()],
        description: String::new(),
    };
    house.gateway.add_endpoint(Actor::Operator, add).await.unwrap().number
}

async fn endpoint(house: &House, number: EndpointNumber) -> Endpoint {
    house.gateway.endpoint(Actor::Operator, number).await.unwrap().unwrap()
}

async fn log_of(house: &House, number: EndpointNumber) -> Vec<DeliveryRecord> {
    let filter = DeliveryFilter { endpoint: Some(number), ..DeliveryFilter::default() };
    house.gateway.deliveries(Actor::Operator, filter, None, 1_000).await.unwrap().deliveries
}

const DOWN: &str = "https://down.example/down";
const UP: &str = "https://up.example/up";

#[tokio::test]
async fn an_endpoint_that_fails_for_five_days_is_switched_off_and_loses_nothing() {
    let (_folder, data) = folder();
    Gateway::start(&data).stop();
    let house = House::open(&data);
    let shop = house.terminal(42).await;
    let down = add_endpoint(&house, DOWN, "*").await;
    let up = add_endpoint(&house, UP, "*").await;
    let began = house.now();
    let mut off_after = None;
    for _hour in 0..130 {
        let now = house.now();
        let paid = house.create(&shop, APPROVED, "well").await.id;
        let told = DeliveryId { endpoint: Some(up), ..DeliveryId::own(paid, 1) };
        let is_told =
            || async { detail(&house, told).await.record.state == DeliveryState::Delivered };
        work_until(&house, "the healthy endpoint is told", is_told).await;
        let tried = || async {
            let at = |one: &DeliveryRecord| one.last.as_ref().map(|last| last.at);
            log_of(&house, down).await.iter().filter_map(at).any(|at| at >= now)
        };
        work_until(&house, "the other is tried", tried).await;
        if off_after.is_none() && endpoint(&house, down).await.state == EndpointState::Failed {
            off_after = Some(house.now().since(began).as_secs());
        }
        house.clock.forward(HOUR);
    }
    let off_after = off_after.expect("it is switched off");
    assert!((119 * HOUR..=121 * HOUR).contains(&off_after), "after {} hours", off_after / HOUR);
    let tells = |one: &DeliveryRecord| one.event_type == Some(EventType::EndpointDisabled);
    let told: Vec<_> = log_of(&house, up).await.into_iter().filter(tells).collect();
    let [told] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((told.state, i64::from(told.id.sequence)), (DeliveryState::Delivered, -down.0));
    assert_eq!(endpoint(&house, up).await.state, EndpointState::On);
    assert!(house.receivers.acknowledged(DOWN).is_empty());
    // What was written while it was off is there too, and was not sent.
    let log = log_of(&house, down).await;
    assert_eq!(log.len(), 130);
    let why = |one: &DeliveryRecord| one.last.as_ref().and_then(|last| last.error.clone());
    assert_eq!(why(&log[0]).unwrap(), "not sent: the endpoint is switched off");
    house.receivers.recovered.store(true, Ordering::SeqCst);
    let on = ChangeEndpoint { on: Some(true), ..ChangeEndpoint::default() };
    house.gateway.change_endpoint(Actor::Operator, down, on).await.unwrap();
    // Also those that wait for their next attempt: some of them have had their time.
    let all = DeliveryFilter { endpoint: Some(down), ..DeliveryFilter::default() };
    let mut place = None;
    loop {
        let next = house.gateway.replay_next(Actor::Operator, all, place).await.unwrap().1;
        if next.is_none() {
            break;
        }
        place = next;
    }
    let all_told = || async {
        log_of(&house, down).await.iter().all(|one| one.state == DeliveryState::Delivered)
    };
    work_until(&house, "all is delivered", all_told).await;
    let heard: BTreeSet<String> = house.receivers.acknowledged(DOWN).into_iter().collect();
    let written = log.iter().map(|one| one.id.webhook_id()).collect();
    assert_eq!(heard, written);
    let since = endpoint(&house, down).await.failing_since;
    assert_eq!(since, None::<Timestamp>, "it is well again");
    house.close().await;
}

/// A figure of `/metrics`.
fn figure(gateway: &Gateway, name: &str) -> Option<u64> {
    let text = gateway.get("/metrics").body;
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")))?;
    Some(line.parse().unwrap())
}

#[test]
fn what_waits_and_what_was_sent_is_counted() {
    let (_folder, data) = folder();
    let gateway = Gateway::start(&data);
    let shop = Shop::open();
    let pay = |reference: &str, hook: &str| {
        let changes = json!({"ccno": APPROVED, "webhook_url": hook});
        gateway.post(&request_with(reference, changes)).id()
    };
    shop.webhook_of(&pay("counted", &shop.url));
    for number in 0..6 {
        pay(&format!("refused {number}"), "http://127.0.0.1:9/none");
    }
    let attempts = |result: &str| {
        let name = format!("tollgate_webhook_attempts_total{{result=\"{result}\"}}");
        figure(&gateway, &name)
    };
    eventually("five failures pause the receiver", 30, || {
        figure(&gateway, "tollgate_webhook_receivers_paused") == Some(1)
    });
    assert_eq!((attempts("acknowledged"), attempts("not_sent")), (Some(1), Some(0)));
    assert!(attempts("failed").unwrap() >= 5);
    // What waits in the database is counted every ten seconds.
    eventually("what waits is counted", 30, || {
        figure(&gateway, "tollgate_webhooks_pending") == Some(6)
    });
    let doctor = gateway.run(&["doctor"]);
    let doctor = String::from_utf8(doctor.stdout).unwrap();
    assert!(doctor.contains("6 wait to be acknowledged, "), "{doctor}");
}

/// The benchmark, on a small scale.
fn beside_receivers_that_are_not_well(more: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let output = command()
        .args(["bench", "webhooks", "--seconds", "2", "--rounds", "1", "--clients", "32"])
        .args(["--json", "--data-dir"])
        .arg(folder.path())
        .args(more)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    println!("{report}");
    assert!(output.status.success());
    assert_eq!(report["errors"], 0, "{report}");
    // A post that a busy machine answers too late is made again.
    assert!(report["repeats"].as_u64().unwrap() < 50, "{report}");
    assert_eq!((&report["queued"], &report["unwell"]), (&json!(10_000), &json!(2_000)));
    assert_eq!(report["told_beside"], 200);
    // They were under way meanwhile.
    assert!(report["reached"].as_u64().unwrap() >= 20, "{report}");
    assert!(report["p99_ms"].as_f64().unwrap() < 2_000.0, "{report}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "it leaves nothing behind");
}

#[test]
fn long_a_receiver_that_is_well_does_not_wait_for_2000_that_are_not() {
    beside_receivers_that_are_not_well(&[]);
}

#[test]
fn long_a_receiver_that_is_well_does_not_wait_on_postgres() {
    beside_receivers_that_are_not_well(&["--database", &Cluster::shared().database()]);
}

/// Shops that pay and give back at the nodes that are up.
#[derive(Default)]
struct Load {
    up: Mutex<Vec<SocketAddr>>,
    /// Per approved payment: refunds that were accepted, and that may have been.
    refunds: Mutex<BTreeMap<String, (usize, usize)>>,
    number: AtomicU32,
    ended: AtomicBool,
}

impl Load {
    fn one(&self, hook: &str) -> Option<()> {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let nodes = self.up.lock().unwrap().clone();
        let node = *nodes.get(number as usize % nodes.len().max(1))?;
        let json = [("content-type", "application/json")];
        let changes = json!({"ccno": APPROVED, "webhook_url": hook});
        let body = request_with(&format!("told {number}"), changes).to_string();
        let answer = exchange(node, "POST", "/api/s2s", &json, &body).ok()?;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let fields: Value = serde_json::from_str(&answer.body).ok()?;
        let id = fields["transID"].as_str()?.to_owned();
        if fields["order_status"] != "25" {
            return None;
        }
        self.refunds.lock().unwrap().insert(id.clone(), (0, 0));
        let key = crate::app::PUBLIC_KEY;
        let refund = json!({"transID": id, "refundAmount": "1.00", "public_key": key}).to_string();
        for _refund in 0..2 {
            self.refunds.lock().unwrap().get_mut(&id)?.1 += 1;
            let path = "/api/transactions/refund-request";
            let answer = exchange(node, "POST", path, &json, &refund).ok()?;
            assert_eq!(answer.status, 200, "{}", answer.body);
            self.refunds.lock().unwrap().get_mut(&id)?.0 += 1;
        }
        Some(())
    }

    fn run(&self, clients: usize, hook: &str, meanwhile: impl FnOnce()) {
        std::thread::scope(|scope| {
            for _client in 0..clients {
                scope.spawn(|| {
                    while !self.ended.load(Ordering::Relaxed) {
                        if self.one(hook).is_none() {
                            std::thread::sleep(Duration::from_millis(20));
                        }
                    }
                });
            }
            meanwhile();
            self.ended.store(true, Ordering::Relaxed);
        });
    }

    /// Each message of each payment arrived, under one name and with one body however often.
    fn judge(&self, shop: &Shop) {
        let refunds = self.refunds.lock().unwrap();
        let by_payment = |list: &[Received]| {
            let mut all: BTreeMap<String, BTreeMap<i32, String>> = BTreeMap::new();
            for one in list {
                let body = one.json();
                let id: DeliveryId = one.header("webhook-id").parse().unwrap();
                assert_eq!(body["transID"], id.payment.to_string());
                assert_eq!(body["sequence"], id.sequence.to_string());
                let messages = all.entry(id.payment.to_string()).or_default();
                let before = messages.insert(id.sequence, one.body.clone());
                assert!(before.is_none_or(|before| before == one.body), "{id} has two bodies");
            }
            all
        };
        let list = shop.wait_for("every message", 60, |list| {
            let heard = by_payment(list);
            let all = |(id, (accepted, _)): (&String, &(usize, usize))| {
                heard.get(id).is_some_and(|messages| messages.len() > *accepted)
            };
            refunds.iter().all(all)
        });
        let heard = by_payment(&list);
        for (id, messages) in &heard {
            let sequence: Vec<i32> = messages.keys().copied().collect();
            let gapless: Vec<i32> = (1..).take(sequence.len()).collect();
            assert_eq!(sequence, gapless, "{id}");
            let Some((accepted, asked)) = refunds.get(id) else { continue };
            assert!((accepted + 1..=asked + 1).contains(&sequence.len()), "{id}: {sequence:?}");
        }
        let messages: usize = heard.values().map(BTreeMap::len).sum();
        println!(
            "{} payments, {messages} messages, {} repeats",
            heard.len(),
            list.len() - messages
        );
        drop(refunds);
        assert!(self.was_enough(), "no load");
    }

    fn was_enough(&self) -> bool {
        self.refunds.lock().unwrap().len() >= 100
    }
}

const KILLS: u64 = 50;

#[test]
fn long_fifty_kills_of_the_deliverer() {
    let (_folder, data) = On::Sqlite.folder();
    let (shop, load) = (Shop::open(), Load::default());
    load.run(6, &shop.url, || {
        let mut round = 0;
        // On a machine that is busy otherwise, more rounds until there was a load to speak of.
        while round < KILLS || (!load.was_enough() && round < 5 * KILLS) {
            round += 1;
            let gateway = Gateway::start(&data);
            *load.up.lock().unwrap() = vec![gateway.address];
            std::thread::sleep(Duration::from_millis(100 + round * 89 % 400));
            gateway.kill();
            load.up.lock().unwrap().clear();
        }
    });
    let gateway = Gateway::start(&data);
    load.judge(&shop);
    drop(gateway);
}

#[test]
fn long_fifty_kills_of_one_of_two_deliverers_on_postgres() {
    let (_folder, data) = On::Postgres.folder();
    let (shop, load) = (Shop::open(), Load::default());
    let mut nodes = [Gateway::start(&data), Gateway::start(&data)];
    let addresses = |nodes: &[Gateway; 2]| nodes.iter().map(|node| node.address).collect();
    *load.up.lock().unwrap() = addresses(&nodes);
    load.run(4, &shop.url, || {
        for (round, place) in (0..KILLS).zip([0, 1].into_iter().cycle()) {
            std::thread::sleep(Duration::from_millis(50 + round * 89 % 300));
            let _ended_by_itself = nodes[place].child.kill();
            nodes[place].child.wait().unwrap();
            *load.up.lock().unwrap() = vec![nodes[1 - place].address];
            nodes[place] = Gateway::start(&data);
            *load.up.lock().unwrap() = addresses(&nodes);
        }
    });
    load.judge(&shop);
}
