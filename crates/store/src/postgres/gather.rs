//! What waits is taken together. There is no window: whoever is ready to run, and may be about to
//! queue something, only goes first once.

use engine::batch::take_what_waits;
use tokio::sync::mpsc::Receiver;

/// So many that wait are a batch already.
const MANY: usize = 64;

/// Waits until something waits, and takes all of it, up to so many. None when nothing comes any more.
pub(super) async fn gather<T>(waiting: &mut Receiver<T>, most: usize) -> Option<Vec<T>> {
    let mut taken = Vec::new();
    if waiting.recv_many(&mut taken, most).await == 0 {
        return None;
    }
    if taken.len() < MANY {
        // A task that is woken goes before those that were ready already: it would find little.
        tokio::task::yield_now().await;
        // Where several wait, processors are scarce: other threads, and other nodes on this machine, go
        // first once as well. Nobody who waits alone pays for that.
        if taken.len() > 1 {
            std::thread::yield_now();
        }
    }
    take_what_waits(waiting, &mut taken, most);
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc;

    #[tokio::test]
    async fn those_who_are_ready_to_queue_something_are_in_the_same_batch() {
        let (sender, mut waiting) = mpsc::channel(16);
        let gathering = tokio::spawn(async move {
            let first = gather(&mut waiting, 3).await;
            (first, gather(&mut waiting, 3).await, gather(&mut waiting, 3).await)
        });
        tokio::task::yield_now().await;
        for number in 0..4 {
            let sender = sender.clone();
            tokio::spawn(async move { sender.send(number).await });
        }
        drop(sender);
        assert_eq!(gathering.await.unwrap(), (Some(vec![0, 1, 2]), Some(vec![3]), None));
    }
}
