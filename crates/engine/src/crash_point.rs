//! Named places between a commit and a call where tests end the process, to see that what comes
//! after a crash there is right. Without the feature `crash-points`, which only dev-dependencies
//! switch on, they are nothing.

/// Every place, in the order in which a payment comes by.
pub const POINTS: [&str; 27] = [
    "create.before_commit",
    "create.committed",
    "challenge.before_answer",
    "challenge.answered",
    "send.before_call",
    "send.after_call",
    "send.recorded",
    "idempotency.begun",
    "idempotency.before_finish",
    "refund.before_commit",
    "refund.committed",
    "refund.before_call",
    "refund.after_call",
    "refund.recorded",
    "follow_up.before_call",
    "follow_up.after_call",
    "worker.before_bank",
    "worker.after_bank",
    "worker.recorded",
    "webhook.before_post",
    "webhook.after_post",
    "webhook.recorded",
    "inbound.kept",
    "inbound.followed",
    "store.before_write",
    "store.before_commit",
    "store.after_commit",
];

/// Whether the places are there.
pub const COMPILED_IN: bool = cfg!(feature = "crash-points");

#[cfg(feature = "crash-points")]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    static ARMED: OnceLock<(String, AtomicU32)> = OnceLock::new();

    pub(super) fn arm(name: &str, passes: u32) {
        let _armed_before = ARMED.set((name.to_owned(), AtomicU32::new(passes)));
    }

    pub(super) fn pass(name: &str) {
        if let Some((armed, passes)) = ARMED.get()
            && armed == name
        {
            let left =
                passes.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
            if left == Err(0) {
                std::process::abort();
            }
        }
    }
}

/// From now on the process ends when it comes to this place, after it passed it `passes` times.
#[cfg(feature = "crash-points")]
pub fn arm(name: &str, passes: u32) {
    armed::arm(name, passes);
}

/// Without the feature, nothing.
#[cfg(not(feature = "crash-points"))]
pub const fn arm(_name: &str, _passes: u32) {}

/// One of [`POINTS`].
#[cfg(feature = "crash-points")]
pub fn crash_point(name: &str) {
    armed::pass(name);
}

/// Without the feature, nothing.
#[cfg(not(feature = "crash-points"))]
pub const fn crash_point(_name: &str) {}
