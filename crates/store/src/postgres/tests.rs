use super::*;
use crate::vault::Vault;
use engine::changeset::Changeset;
use engine::ports::Vault as _;
use testkit::fixture;
use testkit::postgres::Cluster;

const IDENTITY: fn() -> Identity =
    || Identity { key_check: vec![1], demo: false, made_at: "here".to_owned() };

async fn set_up(url: &str) -> Address {
    let address = Address::parse(url).unwrap();
    let setup = Setup::begin(&address, &Options::default()).await.unwrap();
    setup.migrate().await.unwrap();
    if setup.identity().await.unwrap().is_none() {
        setup.set_identity(&IDENTITY()).await.unwrap();
    }
    setup.finish().await.unwrap();
    address
}

async fn open(url: &str) -> PostgresStore {
    PostgresStore::open(&set_up(url).await, Options::default()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_contract() {
    testkit::conformance::run(&open(&Cluster::shared().database()).await).await;
}
