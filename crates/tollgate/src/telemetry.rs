//! What the gateway tells about itself while it runs: lines on standard error.

use crate::config::{LogFormat, LogLevel};
use crate::failure::Failure;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;
use std::time::Duration;
use tracing_subscriber::EnvFilter;

/// Our own crates speak at the level that is asked for; the libraries below them, whose lines no
/// operator can act on, only when something is wrong.
const OURS: [&str; 6] = ["tollgate", "web", "engine", "store", "connectors", "domain"];

/// Starts the log. To be called once.
pub(crate) fn start(format: LogFormat, level: LogLevel) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(directives(level))
        .map_err(|error| Failure::could_not("the log's level", error))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(crate::config::colour_is_welcome() && stderr_is_terminal());
    let started = match format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| Failure::could_not("the log", error))
}

static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();
/// Bounds of latency histograms, in seconds.
const BOUNDS: [f64; 12] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];
const UPKEEP: Duration = Duration::from_secs(5);

/// Starts counting, once per process, and returns what renders the counts as Prometheus text.
pub(crate) fn metrics() -> fn() -> String {
    if METRICS.get().is_none()
        && let Ok(builder) = PrometheusBuilder::new().set_buckets(&BOUNDS)
        && let Ok(handle) = builder.install_recorder()
        && METRICS.set(handle).is_ok()
    {
        tokio::spawn(async {
            loop {
                tokio::time::sleep(UPKEEP).await;
                if let Some(handle) = METRICS.get() {
                    handle.run_upkeep();
                }
            }
        });
    }
    || METRICS.get().map(PrometheusHandle::render).unwrap_or_default()
}

fn stderr_is_terminal() -> bool {
    std::io::IsTerminal::is_terminal(&std::io::stderr())
}

fn directives(level: LogLevel) -> String {
    let others = if level == LogLevel::Error { "error" } else { "warn" };
    OURS.iter().fold(others.to_owned(), |all, name| format!("{all},{name}={}", level.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_stay_quiet() {
        for level in LogLevel::ALL {
            let text = directives(level);
            assert!(EnvFilter::try_new(&text).is_ok(), "{text}");
            assert!(text.contains(&format!("engine={}", level.name())));
        }
        assert!(directives(LogLevel::Trace).starts_with("warn,"));
        assert!(directives(LogLevel::Error).starts_with("error,"));
    }
}
