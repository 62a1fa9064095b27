//! Deliveries to merchants' servers: signed, retried, at least once, and so that a receiver that
//! is well never waits for one that is not.
//!
//! One loop decides and waits for nobody: claims, walks over the queues and attempts are tasks
//! that report back to it. What it decides is in [`lanes`].

mod attempt;
mod endpoints;
mod lanes;
mod told;
mod turns;

pub(crate) use told::NewWork;

use super::PERIOD;
use crate::error::StoreError;
use crate::gateway::Gateway;
use crate::ports::DueDestinations;
use domain::delivery::{Destination, DueDelivery};
use domain::id::PaymentId;
use domain::time::Timestamp;
use lanes::{Lanes, Outcome};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use told::Figures;

/// How much longer than its post an attempt may take: waiting for an earlier one of the same
/// payment, reading the terminal, recording what came of it. A lease lasts for both, so that no
/// other worker posts the same delivery meanwhile, and not much longer, so that another takes over
/// soon when this one is killed.
const BESIDE_THE_POST: Duration = Duration::from_secs(3);
/// Queues that are looked at in one step of a walk.
const STEP: u32 = 256;
/// A walk is followed by a pause of so many times its length: it costs a tenth at most.
const REST_AFTER_WALK: u32 = 10;

/// What a task reports.
enum Report {
    /// A claim was answered.
    Claimed(Vec<(Destination, u32)>, Vec<DueDelivery>),
    /// A step of a walk was made.
    Walked(Option<DueDestinations>),
    /// A delivery that was to be sent is over.
    Ended((Destination, PaymentId), Outcome),
}

/// Sends a report when it is dropped, so that a task that panics reports too.
struct Reporter {
    report: Option<Report>,
    to: mpsc::UnboundedSender<Report>,
}

impl Drop for Reporter {
    fn drop(&mut self) {
        if let Some(report) = self.report.take() {
            // When the loop has stopped, nobody listens.
            let _stopped = self.to.send(report);
        }
    }
}

/// A walk over all queues.
#[derive(Debug)]
enum Walk {
    /// A step is being made; the walk began then.
    Stepping(Timestamp),
    /// It ended at the first of these moments, and the next one begins at the second.
    Resting(Timestamp, Timestamp),
}

struct Deliverer {
    gateway: Arc<Gateway>,
    lanes: Lanes,
    walk: Walk,
    /// Something was written whose queue is not known.
    walk_again: bool,
    is_claiming: bool,
    tasks: JoinSet<()>,
    reports: mpsc::UnboundedSender<Report>,
}

impl Gateway {
    pub(super) async fn run_webhooks(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let (reports, mut reported) = mpsc::unbounded_channel();
        let now = self.clock.now();
        let mut deliverer = Deliverer {
            gateway: Arc::clone(&self),
            lanes: Lanes::default(),
            walk: Walk::Resting(now, now),
            walk_again: false,
            is_claiming: false,
            tasks: JoinSet::new(),
            reports,
        };
        loop {
            let wait = deliverer.go_on();
            tokio::select! {
                // In a fixed order, so that a simulation with the same seed runs the same way.
                biased;
                _stopped = stop.wait_for(|stop| *stop) => break,
                Some(report) = reported.recv() => {
                    deliverer.hear(report);
                    while let Ok(report) = reported.try_recv() {
                        deliverer.hear(report);
                    }
                }
                () = self.deliveries.wait() => {}
                () = self.clock.sleep(wait) => {}
            }
            while deliverer.tasks.try_join_next().is_some() {}
        }
        while deliverer.tasks.join_next().await.is_some() {}
    }

    async fn attempt_or_trouble(&self, delivery: &DueDelivery) -> Outcome {
        self.attempt(delivery).await.unwrap_or_else(|error| {
            tracing::error!(id = %delivery.id, %error, "an attempt was not recorded");
            Outcome::Broken
        })
    }

    async fn walk_on(&self, after: Option<Destination>) -> Option<DueDestinations> {
        let found = self.store.due_destinations(after, self.clock.now(), STEP).await;
        found.inspect_err(|error| tracing::error!(%error, "due deliveries were not found")).ok()
    }

    async fn claim(&self, wanted: &[(Destination, u32)]) -> Result<Vec<DueDelivery>, StoreError> {
        let lease = self.post_timeout.saturating_add(BESIDE_THE_POST);
        self.store.claim_deliveries(self.clock.now(), lease, wanted).await
    }
}

impl Deliverer {
    /// Starts what can be started, and says after which time to look again unless something
    /// happens.
    fn go_on(&mut self) -> Duration {
        let now = self.gateway.clock.now();
        self.lanes.time_is(now);
        let named = self.gateway.deliveries.take();
        for (destination, merchant) in named.queues {
            self.lanes.told(destination, merchant, now);
        }
        self.walk_again |= named.others;
        self.walk_when_due(now);
        self.claim_what_may_be_sent(now);
        let figures = &self.gateway.deliveries.figures;
        Figures::set(&figures.in_flight, self.lanes.in_flight());
        Figures::set(&figures.paused, self.lanes.paused());
        let opens = self.lanes.next_pause_ends().map_or(PERIOD, |at| at.since(now));
        PERIOD.min(opens)
    }

    fn walk_when_due(&mut self, now: Timestamp) {
        let Walk::Resting(ended, next) = self.walk else { return };
        // A walk that ended in the future: the clock was put back.
        if self.walk_again || now >= next || now < ended {
            self.walk_again = false;
            self.walk = Walk::Stepping(now);
            self.step(None);
        }
    }

    fn step(&mut self, after: Option<Destination>) {
        let gateway = Arc::clone(&self.gateway);
        self.start(
            Report::Walked(None),
            async move { Report::Walked(gateway.walk_on(after).await) },
        );
    }

    fn claim_what_may_be_sent(&mut self, now: Timestamp) {
        if self.is_claiming {
            return;
        }
        let wanted = self.lanes.choose(now);
        if wanted.is_empty() {
            return;
        }
        self.is_claiming = true;
        let gateway = Arc::clone(&self.gateway);
        self.start(Report::Claimed(wanted.clone(), Vec::new()), async move {
            let claimed = gateway.claim(&wanted).await.unwrap_or_else(|error| {
                tracing::error!(%error, "due deliveries were not claimed");
                Vec::new()
            });
            Report::Claimed(wanted, claimed)
        });
    }

    fn send(&mut self, delivery: DueDelivery) {
        let gateway = Arc::clone(&self.gateway);
        let key = (delivery.destination, delivery.id.payment);
        self.start(Report::Ended(key, Outcome::Broken), async move {
            Report::Ended(key, gateway.attempt_or_trouble(&delivery).await)
        });
    }

    /// `otherwise` is reported when the work panics.
    fn start(&mut self, otherwise: Report, work: impl Future<Output = Report> + Send + 'static) {
        let to = self.reports.clone();
        self.tasks.spawn(async move {
            let mut reporter = Reporter { report: Some(otherwise), to };
            reporter.report = Some(work.await);
        });
    }

    fn hear(&mut self, report: Report) {
        let now = self.gateway.clock.now();
        match report {
            Report::Claimed(wanted, claimed) => {
                self.is_claiming = false;
                for delivery in self.lanes.claimed(&wanted, claimed, now) {
                    self.send(delivery);
                }
            }
            Report::Ended(key, outcome) => {
                let jitter = self.gateway.any_number();
                if let Some(next) = self.lanes.ended(key, outcome, now, jitter) {
                    self.send(next);
                }
            }
            Report::Walked(found) => self.walked(found.unwrap_or_default(), now),
        }
    }

    fn walked(&mut self, found: DueDestinations, now: Timestamp) {
        for due in found.due {
            self.lanes.found(due, now);
        }
        if found.next.is_some() {
            self.step(found.next);
            return;
        }
        if let Walk::Stepping(began) = self.walk {
            let rest = now.since(began).saturating_mul(REST_AFTER_WALK).max(PERIOD);
            self.walk = Walk::Resting(now, now.plus(rest));
        }
        self.lanes.forget_idle(now);
    }
}
