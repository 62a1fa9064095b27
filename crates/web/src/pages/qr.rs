//! QR codes as SVG, to stand in a page: black on white in either colour scheme, for scanners
//! expect dark on light.

#[cfg(test)]
#[path = "qr_tests.rs"]
mod tests;

use askama::Template;
use fast_qr::{ECL, QRBuilder};
use std::fmt::Write as _;

/// White modules on every side (ISO/IEC 18004, 9.1).
const QUIET_ZONE: usize = 4;
/// How large a module is where no style sheet says otherwise.
const PIXELS_PER_MODULE: usize = 4;

/// A text of more than 2,331 bytes, which is what the largest code holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text is too long for a QR code")]
pub(crate) struct TooLong;

#[derive(Template)]
#[template(path = "pages/qr.svg", escape = "html")]
struct Drawing {
    /// Modules with the quiet zone on both sides.
    side: usize,
    pixels: usize,
    path: String,
}

/// The smallest code that holds the text, with error correction M, as an `svg` element without
/// styles. It has no name of its own: what stands around it has.
pub(crate) fn svg(text: &str) -> Result<String, TooLong> {
    let code = QRBuilder::new(text).ecl(ECL::M).build().map_err(|_too_long| TooLong)?;
    let side = code.size.saturating_add(2 * QUIET_ZONE);
    let mut path = String::new();
    for (row, modules) in code.data.chunks(code.size).take(code.size).enumerate() {
        draw_row(&mut path, row.saturating_add(QUIET_ZONE), modules.iter().map(|m| m.value()));
    }
    let pixels = side.saturating_mul(PIXELS_PER_MODULE);
    let drawing = Drawing { side, pixels, path };
    // What is drawn are numbers, which cannot fail to be written.
    drawing.render().map_err(|_impossible| TooLong)
}

/// Lines along the middle of a row, as wide as a module: one for each run of black ones.
fn draw_row(path: &mut String, row: usize, modules: impl Iterator<Item = bool>) {
    let mut runs: Vec<(bool, usize)> = vec![(false, QUIET_ZONE)];
    for black in modules {
        match runs.last_mut() {
            Some((last, length)) if *last == black => *length = length.saturating_add(1),
            _ => runs.push((black, 1)),
        }
    }
    let mut started = false;
    for (black, length) in runs {
        // Infallible: a `String` takes everything.
        let _infallible = match (black, started) {
            (true, _) => write!(path, "h{length}"),
            (false, true) => write!(path, "m{length} 0"),
            (false, false) => write!(path, "M{length} {row}.5"),
        };
        started = true;
    }
}
