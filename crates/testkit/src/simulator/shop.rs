//! The merchant's server, which gets webhooks: it keeps a log of what it received, and answers
//! well, late, badly or not at all.

use super::node::Gate;
use super::world::World;
use async_trait::async_trait;
use engine::ports::{Dialer, Post, PostResult};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A webhook that reached the merchant's server.
#[derive(Clone, Debug)]
pub struct Received {
    /// When, among all that happened in the run.
    pub order: u64,
    /// `webhook-id`
    pub webhook_id: String,
    /// Whether it was signed.
    pub signed: bool,
    /// The body.
    pub body: String,
    /// What the server answered, whether or not the answer arrived.
    pub answered: u16,
}

/// The server.
#[derive(Debug, Default)]
pub struct Shop {
    received: Mutex<Vec<Received>>,
    /// Webhooks that the server wants to hear no more of.
    gone: Mutex<BTreeSet<String>>,
}

impl Shop {
    fn log(&self) -> MutexGuard<'_, Vec<Received>> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All it received.
    pub fn received(&self) -> Vec<Received> {
        self.log().clone()
    }

    /// Decides what to answer.
    fn status(&self, world: &World, id: &str) -> u16 {
        let mut gone = self.gone.lock().unwrap_or_else(PoisonError::into_inner);
        if world.strikes(world.weather.hook_gone) {
            gone.insert(id.to_owned());
        }
        if gone.contains(id) {
            return 410;
        }
        if world.strikes(world.weather.hook_fails) {
            return world.draw(|dice| dice.pick(&[500, 503, 429, 404, 302]));
        }
        world.draw(|dice| dice.pick(&[200, 200, 204]))
    }
}

/// The link of one node.
#[derive(Debug)]
pub struct ShopLink {
    world: Arc<World>,
    shop: Arc<Shop>,
    gate: Arc<Gate>,
}

impl ShopLink {
    /// A link to this server.
    pub fn new(world: &Arc<World>, shop: &Arc<Shop>, gate: &Arc<Gate>) -> Self {
        Self { world: Arc::clone(world), shop: Arc::clone(shop), gate: Arc::clone(gate) }
    }
}

fn header(post: &Post<'_>, name: &str) -> String {
    let found = post.headers.iter().find(|(header, _value)| *header == name);
    found.map_or_else(String::new, |(_header, value)| value.clone())
}

#[async_trait]
impl Dialer for ShopLink {
    async fn post(&self, post: Post<'_>) -> PostResult {
        let (world, weather) = (&self.world, &self.world.weather);
        self.gate.pass("before a webhook").await;
        world.sleep(world.latency()).await;
        if world.strikes(weather.hook_fails / 2) {
            self.gate.pass("after a webhook").await;
            return PostResult::Failed("no connection".to_owned());
        }
        let webhook_id = header(&post, "webhook-id");
        let answered = self.shop.status(world, &webhook_id);
        world.note(&format!("webhook {webhook_id}: {} -> {answered}", post.body));
        self.shop.log().push(Received {
            order: world.order.next(),
            signed: header(&post, "webhook-signature").starts_with("v1,"),
            webhook_id,
            body: post.body.to_owned(),
            answered,
        });
        world.sleep(world.latency()).await;
        self.gate.pass("after a webhook").await;
        if world.strikes(weather.hook_fails / 2) {
            return PostResult::Failed("no answer".to_owned());
        }
        let retry_after = (answered == 429 || answered == 503)
            .then(|| world.draw(|dice| dice.pick(&[1, 60, 7200])));
        PostResult::Answered { status: answered, retry_after, body: String::new() }
    }
}
