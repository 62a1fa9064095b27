//! Real randomness. Everything else gets it through `engine::ports::Random`.

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use engine::ports::Random;
use std::fmt;

/// AWS-LC's generator, seeded by the operating system.
#[derive(Clone)]
pub(crate) struct SystemSource(SystemRandom);

impl SystemSource {
    /// The generator.
    pub(crate) fn new() -> Self {
        Self(SystemRandom::new())
    }
}

impl fmt::Debug for SystemSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SystemSource")
    }
}

impl Random for SystemSource {
    fn fill(&self, buffer: &mut [u8]) {
        if self.0.fill(buffer).is_err() {
            // Keys and payment numbers that can be guessed are worse than no gateway.
            tracing::error!("no randomness from the operating system");
            std::process::abort();
        }
    }
}

/// So many random bytes in lower-case hexadecimal, for names that must not clash.
pub(crate) fn hexadecimal<const BYTES: usize>(random: &dyn Random) -> String {
    let mut bytes = [0_u8; BYTES];
    random.fill(&mut bytes);
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
