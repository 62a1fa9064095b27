//! The process's environment: the only place that reads it.

use super::keys::{self, KEYS};
use super::{Given, Layers, Origin};
use domain::secret::SecretText;
use std::path::PathBuf;

/// Names the file of settings; no key of the file itself.
const CONFIG_VARIABLE: &str = "TOLLGATE_CONFIG";

/// Holds a terminal's private key; no key of the file either.
const PRIVATE_KEY_VARIABLE: &str = "TOLLGATE_PRIVATE_KEY";

/// Where a test wants the process to end, `NAME:PASSES`; only a binary built for tests asks.
pub(crate) fn crash_point() -> Option<(String, u32)> {
    if !engine::crash_point::COMPILED_IN {
        return None;
    }
    let text = std::env::var_os("TOLLGATE_CRASH_AT")?.into_string().ok()?;
    let (name, passes) = text.split_once(':')?;
    Some((name.to_owned(), passes.parse().ok()?))
}

/// The `TOLLGATE_` variables, by name.
pub(super) fn variables() -> Result<Vec<(String, String)>, String> {
    let mut found = Vec::new();
    for (name, value) in std::env::vars_os() {
        let Some(name) = name.to_str().filter(|name| name.starts_with("TOLLGATE_")) else {
            continue;
        };
        let value = value.into_string().map_err(|_hidden| format!("{name} is not UTF-8 text"))?;
        found.push((name.to_owned(), value));
    }
    found.sort();
    Ok(found)
}

/// The file of settings that the environment names.
pub(super) fn config_file() -> Option<PathBuf> {
    std::env::var_os(CONFIG_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// A terminal's private key, for commands that speak to a gateway elsewhere.
pub(crate) fn private_key() -> Option<SecretText> {
    let key = std::env::var_os(PRIVATE_KEY_VARIABLE)?.into_string().ok()?;
    let key = key.trim();
    (!key.is_empty()).then(|| SecretText::new(key.to_owned()))
}

/// Whether colour is welcome: `NO_COLOR` (any value but an empty one) and a dumb terminal say no.
pub(crate) fn colour_is_welcome() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    !refused && !dumb
}

/// What Kubernetes gives to every container where a service has the name `tollgate`; none of it is
/// meant for us.
fn of_kubernetes(name: &str) -> bool {
    name == "TOLLGATE_PORT"
        || ["TOLLGATE_PORT_", "TOLLGATE_SERVICE_"].iter().any(|start| name.starts_with(start))
}

/// Puts what the variables say into the layers.
pub(super) fn read(
    variables: &[(String, String)],
    layers: &mut Layers,
    problems: &mut Vec<String>,
) {
    let others = [CONFIG_VARIABLE, PRIVATE_KEY_VARIABLE];
    let ours = |name: &str| !others.contains(&name) && !of_kubernetes(name);
    for (name, value) in variables.iter().filter(|(name, _)| ours(name)) {
        let Some(key) = KEYS.iter().find(|key| key.variable() == *name) else {
            // The prefix that all have in common must not make strangers look alike.
            let bare = |name: &str| name.trim_start_matches("TOLLGATE_").to_owned();
            let candidates = KEYS.iter().map(|key| bare(&key.variable()));
            let near = keys::nearest(&bare(name), candidates.chain(others.map(bare)));
            // What looks like none of ours is meant for another program: a file belongs to the
            // gateway alone, the environment does not.
            problems.extend(near.map(|near| {
                format!("{name}: there is no such variable; did you mean TOLLGATE_{near}?")
            }));
            continue;
        };
        let words = if key.kind == keys::Kind::List {
            value.split([',', ' ']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
        } else {
            vec![value.trim().to_owned()]
        };
        layers.put(key.name, Given { words, origin: Origin::Variable(name.clone()) });
    }
}
