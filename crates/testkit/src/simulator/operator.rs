//! The operator: looks through the list of what only a bank can tell, every hour once the troubles
//! are over, and has the bank give back by hand what it took wrongly and would not reverse.

use super::bank::Bank;
use super::node::Cluster;
use super::world::World;
use domain::payment::{Payment, State};
use engine::actor::Actor;
use std::sync::Arc;
use std::time::Duration;

/// For so many hours.
const HOURS: u32 = 29;

pub(super) async fn work(world: &Arc<World>, cluster: &Cluster) {
    let gateway = cluster.founder();
    for _hour in 0..HOURS {
        world.sleep(Duration::from_hours(1)).await;
        let list = gateway.payments_at_the_bank(Actor::Operator, 1000).await.unwrap();
        for payment in list {
            let given_back = payment.state.needs_an_operator(world.time())
                && took_wrongly(&payment, cluster.bank());
            if given_back {
                world.note(&format!("operator had {} given back", payment.id));
                let why = "given back by hand";
                gateway.resolve_payment(Actor::Operator, payment.id, false, why).await.unwrap();
            }
        }
    }
}

/// Whether the bank kept a wrong amount, and gave it back now.
fn took_wrongly(payment: &Payment, bank: &Bank) -> bool {
    let State::Unknown(unknown) = &payment.state else { return false };
    unknown.stands && bank.give_back(&unknown.our_reference, payment.amount.minor())
}
