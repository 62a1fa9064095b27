//! What every store does when more comes than it commits.

use crate::fixture;
use domain::payment::Payment;
use engine::changeset::Changeset;
use engine::error::CommitError;
use engine::ports::Store;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

type Commit<'a> = Pin<Box<dyn Future<Output = Result<(), CommitError>> + Send + 'a>>;

/// Payments for [`payments_that_exist_have_the_rest_of_the_queue`], which the store must have.
pub fn existing() -> Vec<Payment> {
    (0..3).map(|draw| fixture::payment(800 + draw, &format!("exists {draw}"))).collect()
}

/// With a store that has [`existing`], whose queue is this long, and whose database does not answer:
/// new payments get half of the queue and are refused beyond it, changes of others get the rest.
/// What was queued must all be committed once `answers` has let the database answer again.
pub async fn payments_that_exist_have_the_rest_of_the_queue(
    store: &dyn Store,
    queue: usize,
    answers: impl Future<Output = ()> + Send,
) {
    let poll =
        |commit: &mut Commit<'_>| commit.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    let (mut queued, mut refused) = (Vec::new(), 0);
    for draw in 0..queue * 3 {
        let payment = fixture::payment(810 + u64::try_from(draw).unwrap(), &format!("new {draw}"));
        let mut commit: Commit<'_> = store.commit(fixture::insert(&payment));
        match poll(&mut commit) {
            Poll::Pending => queued.push(commit),
            Poll::Ready(Err(CommitError::Busy)) => refused += 1,
            Poll::Ready(other) => panic!("{other:?}"),
        }
    }
    // Besides half of the queue there are those that the writers hold already.
    assert!(queued.len() >= queue / 2, "{}", queued.len());
    assert!(refused >= queue, "{refused}");
    assert!(!store.admits_new_payments());
    for payment in existing() {
        let cancelled = payment.cancel(fixture::now()).unwrap();
        let mut commit: Commit<'_> = store.commit(Changeset::payment_changed("cancel", cancelled));
        assert!(poll(&mut commit).is_pending(), "there is room for payments that exist");
        queued.push(commit);
    }
    answers.await;
    for commit in queued {
        commit.await.unwrap();
    }
    assert!(store.admits_new_payments(), "right afterwards");
}
