//! placeholder

/// Against guessing.
#[derive(Debug, Default)]
pub struct Throttle;
