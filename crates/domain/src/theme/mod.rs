//! What a merchant may set of the customer pages: a colour, the roundness of corners, a logo.
//!
//! Whatever colour is set, the pages keep the contrast that WCAG 2.2 asks for (1.4.3, level AA:
//! 4.5 to 1): where the colour is too weak for one of the two schemes, the nearest one that is
//! strong enough is shown there.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Looks of a terminal's customer pages. What is none is the house's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Theme {
    /// The colour of buttons and of the ticket's stub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accent: Option<Colour>,
    /// The radius of corners, in CSS pixels, 0 to 24.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub radius: Option<u8>,
    /// The logo, in the place of the initial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo: Option<Logo>,
}

impl Theme {
    /// The roundest corners.
    pub const RADIUS_AT_MOST: u8 = 24;
}

/// What is done with one setting of a theme.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// Back to the house's own.
    Remove,
    /// It becomes this.
    Set(T),
}

impl<T> Change<T> {
    /// The setting after the change.
    pub fn apply(self, before: Option<T>) -> Option<T> {
        match self {
            Self::Keep => before,
            Self::Remove => None,
            Self::Set(value) => Some(value),
        }
    }

    /// Whether it stays as it is.
    pub const fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }
}

/// What is changed of a theme.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ThemeChange {
    /// The colour.
    pub accent: Change<Colour>,
    /// The radius of corners.
    pub radius: Change<u8>,
    /// The logo.
    pub logo: Change<Logo>,
}

impl ThemeChange {
    /// Whether anything is changed.
    pub const fn is_nothing(&self) -> bool {
        self.accent.is_keep() && self.radius.is_keep() && self.logo.is_keep()
    }

    /// The theme after the change.
    #[must_use]
    pub fn apply(self, theme: Theme) -> Theme {
        Theme {
            accent: self.accent.apply(theme.accent),
            radius: self.radius.apply(theme.radius),
            logo: self.logo.apply(theme.logo),
        }
    }
}

/// A colour in sRGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Colour {
    red: u8,
    green: u8,
    blue: u8,
}

/// A text is no colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a colour looks like #0f6b53: a number sign and six hexadecimal digits")]
pub struct NoColour;

impl FromStr for Colour {
    type Err = NoColour;

    fn from_str(text: &str) -> Result<Self, NoColour> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6).ok_or(NoColour)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NoColour);
        }
        let part = |range| {
            let digits = digits.get(range).ok_or(NoColour)?;
            u8::from_str_radix(digits, 16).map_err(|_hidden| NoColour)
        };
        Ok(Self { red: part(0..2)?, green: part(2..4)?, blue: part(4..6)? })
    }
}

impl TryFrom<String> for Colour {
    type Error = NoColour;

    fn try_from(text: String) -> Result<Self, NoColour> {
        text.parse()
    }
}

impl From<Colour> for String {
    fn from(colour: Colour) -> Self {
        colour.to_string()
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

/// How much light each of the 256 steps of sRGB stands for, of 65,535 (IEC 61966-2-1).
const LINEAR: [u16; 256] = [
    0, 20, 40, 60, 80, 99, 119, 139, 159, 179, 199, 219, 241, 264, 288, 313, 340, 367, 396, 427,
    458, 491, 526, 562, 599, 637, 677, 718, 761, 805, 851, 898, 947, 997, 1048, 1101, 1156, 1212,
    1270, 1330, 1391, 1453, 1517, 1583, 1651, 1720, 1790, 1863, 1937, 2013, 2090, 2170, 2250, 2333,
    2418, 2504, 2592, 2681, 2773, 2866, 2961, 3058, 3157, 3258, 3360, 3464, 3570, 3678, 3788, 3900,
    4014, 4129, 4247, 4366, 4488, 4611, 4736, 4864, 4993, 5124, 5257, 5392, 5530, 5669, 5810, 5953,
    6099, 6246, 6395, 6547, 6700, 6856, 7014, 7174, 7335, 7500, 7666, 7834, 8004, 8177, 8352, 8528,
    8708, 8889, 9072, 9258, 9445, 9635, 9828, 10_022, 10_219, 10_417, 10_619, 10_822, 11_028,
    11_235, 11_446, 11_658, 11_873, 12_090, 12_309, 12_530, 12_754, 12_980, 13_209, 13_440, 13_673,
    13_909, 14_146, 14_387, 14_629, 14_874, 15_122, 15_371, 15_623, 15_878, 16_135, 16_394, 16_656,
    16_920, 17_187, 17_456, 17_727, 18_001, 18_277, 18_556, 18_837, 19_121, 19_407, 19_696, 19_987,
    20_281, 20_577, 20_876, 21_177, 21_481, 21_787, 22_096, 22_407, 22_721, 23_038, 23_357, 23_678,
    24_002, 24_329, 24_658, 24_990, 25_325, 25_662, 26_001, 26_344, 26_688, 27_036, 27_386, 27_739,
    28_094, 28_452, 28_813, 29_176, 29_542, 29_911, 30_282, 30_656, 31_033, 31_412, 31_794, 32_179,
    32_567, 32_957, 33_350, 33_745, 34_143, 34_544, 34_948, 35_355, 35_764, 36_176, 36_591, 37_008,
    37_429, 37_852, 38_278, 38_706, 39_138, 39_572, 40_009, 40_449, 40_891, 41_337, 41_785, 42_236,
    42_690, 43_147, 43_606, 44_069, 44_534, 45_002, 45_473, 45_947, 46_423, 46_903, 47_385, 47_871,
    48_359, 48_850, 49_344, 49_841, 50_341, 50_844, 51_349, 51_858, 52_369, 52_884, 53_401, 53_921,
    54_445, 54_971, 55_500, 56_032, 56_567, 57_105, 57_646, 58_190, 58_737, 59_287, 59_840, 60_396,
    60_955, 61_517, 62_082, 62_650, 63_221, 63_795, 64_372, 64_952, 65_535,
];

impl Colour {
    /// Black.
    pub const BLACK: Self = Self { red: 0, green: 0, blue: 0 };
    /// White.
    pub const WHITE: Self = Self { red: 255, green: 255, blue: 255 };

    /// Relative luminance as WCAG defines it, of 655,350,000.
    fn luminance(self) -> u64 {
        let light = |step: u8| LINEAR.get(usize::from(step)).copied().map_or(0, u64::from);
        let part = |step: u8, weight: u64| light(step).saturating_mul(weight);
        part(self.red, 2126)
            .saturating_add(part(self.green, 7152))
            .saturating_add(part(self.blue, 722))
    }

    /// The contrast ratio of two colours in hundredths, rounded down: 100 to 2,100 (WCAG 2.2).
    pub fn contrast(self, other: Self) -> u64 {
        /// 0.05 of the whole light.
        const FLARE: u64 = 32_767_500;
        let one = self.luminance().saturating_add(FLARE);
        let two = other.luminance().saturating_add(FLARE);
        one.max(two).saturating_mul(100).checked_div(one.min(two)).unwrap_or(100)
    }

    /// This colour with `hundredths` of another mixed in.
    #[must_use]
    pub fn mixed(self, other: Self, hundredths: u8) -> Self {
        let share = u16::from(hundredths.min(100));
        let rest = 100_u16.saturating_sub(share);
        let mix = |one: u8, two: u8| {
            let sum = u16::from(one).saturating_mul(rest);
            let sum = sum.saturating_add(u16::from(two).saturating_mul(share));
            let mean = sum.saturating_add(50).checked_div(100).unwrap_or(0);
            u8::try_from(mean).unwrap_or(u8::MAX)
        };
        Self {
            red: mix(self.red, other.red),
            green: mix(self.green, other.green),
            blue: mix(self.blue, other.blue),
        }
    }

    /// The nearest colour on the way to `towards` whose contrast with `ground` suffices.
    fn strengthened(self, towards: Self, ground: Self, hundredths: u64) -> Self {
        (0..=100)
            .map(|share| self.mixed(towards, share))
            .find(|colour| colour.contrast(ground) >= hundredths)
            .unwrap_or(towards)
    }
}

/// The colours of one scheme that follow from an accent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheme {
    /// Buttons.
    pub accent: Colour,
    /// Buttons under the pointer.
    pub accent_strong: Colour,
    /// Text on either.
    pub on_accent: Colour,
    /// The ticket's stub, with white text on it.
    pub stub: Colour,
    /// Lesser text on the stub.
    pub stub_soft: Colour,
    /// Lines on the stub.
    pub stub_line: Colour,
}

/// The colours that follow from an accent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    /// On a light surface.
    pub light: Scheme,
    /// On a dark surface.
    pub dark: Scheme,
}

/// The surface of the light scheme.
pub const LIGHT_SURFACE: Colour = Colour::WHITE;
/// The surface of the dark scheme.
pub const DARK_SURFACE: Colour = Colour { red: 0x17, green: 0x20, blue: 0x1c };
/// What text needs, in hundredths (WCAG 2.2, 1.4.3).
pub const TEXT_CONTRAST: u64 = 450;
/// What the stub needs under white text, so that lesser text on it is still strong enough.
const STUB_CONTRAST: u64 = 700;

impl Palette {
    /// The colours for this accent. Text on the accent has the colour of the surface, so that one
    /// contrast counts both ways.
    pub fn of(accent: Colour) -> Self {
        let scheme = |surface: Colour, towards: Colour| {
            let shown = accent.strengthened(towards, surface, TEXT_CONTRAST);
            let stub = accent.strengthened(Colour::BLACK, Colour::WHITE, STUB_CONTRAST);
            Scheme {
                accent: shown,
                accent_strong: shown.mixed(towards, 20),
                on_accent: surface,
                stub,
                stub_soft: stub.mixed(Colour::WHITE, 72).strengthened(
                    Colour::WHITE,
                    stub,
                    TEXT_CONTRAST,
                ),
                stub_line: stub.mixed(Colour::WHITE, 22),
            }
        };
        Self {
            light: scheme(LIGHT_SURFACE, Colour::BLACK),
            dark: scheme(DARK_SURFACE, Colour::WHITE),
        }
    }
}

/// What a logo is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogoKind {
    /// Portable Network Graphics.
    Png,
    /// Scalable Vector Graphics.
    Svg,
}

impl LogoKind {
    /// The ending of a file's name.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Svg => "svg",
        }
    }

    /// The media type.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Svg => "image/svg+xml",
        }
    }
}

/// A merchant's logo, checked when it was set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logo {
    kind: LogoKind,
    /// Standard base64.
    data: String,
}

/// Why a file is no logo.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogoError {
    /// Too large.
    #[error("a logo has at most 8192 bytes, and this file has {0}")]
    Size(usize),
    /// Neither of the two formats.
    #[error("a logo is a PNG or an SVG file, and this is neither")]
    Format,
    /// A PNG file that is broken.
    #[error("this PNG file is broken: {0}")]
    Png(&'static str),
    /// An SVG file that does not parse.
    #[error("this SVG file does not parse: {0}")]
    Xml(String),
    /// An SVG file that holds more than a drawing.
    #[error("this SVG file holds more than a drawing: {0}; save it as a plain SVG, or as a PNG")]
    Svg(String),
}

impl Logo {
    /// The largest file.
    pub const BYTES_AT_MOST: usize = 8 * 1024;
    /// The widest and highest PNG, in pixels.
    const PIXELS_AT_MOST: u32 = 2048;

    /// A logo from a file's content; what it is, its first bytes tell.
    pub fn parse(bytes: &[u8]) -> Result<Self, LogoError> {
        if bytes.len() > Self::BYTES_AT_MOST {
            return Err(LogoError::Size(bytes.len()));
        }
        let kind = if let Some(rest) = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n") {
            check_png(rest)?;
            LogoKind::Png
        } else {
            let text = std::str::from_utf8(bytes).map_err(|_hidden| LogoError::Format)?;
            if !text.trim_start_matches('\u{feff}').trim_start().starts_with('<') {
                return Err(LogoError::Format);
            }
            check_svg(text)?;
            LogoKind::Svg
        };
        Ok(Self { kind, data: STANDARD.encode(bytes) })
    }

    /// What it is.
    pub const fn kind(&self) -> LogoKind {
        self.kind
    }

    /// The file; empty where the stored text is no base64.
    pub fn bytes(&self) -> Vec<u8> {
        STANDARD.decode(&self.data).unwrap_or_default()
    }
}

/// What follows the signature: a header that makes sense, chunks of the length they say, an end.
fn check_png(mut rest: &[u8]) -> Result<(), LogoError> {
    let mut is_first = true;
    loop {
        let (length, after) =
            rest.split_first_chunk::<4>().ok_or(LogoError::Png("it ends early"))?;
        let (kind, after) =
            after.split_first_chunk::<4>().ok_or(LogoError::Png("it ends early"))?;
        let length = usize::try_from(u32::from_be_bytes(*length))
            .map_err(|_hidden| LogoError::Png("a chunk is too long"))?;
        let body = after.get(..length).ok_or(LogoError::Png("it ends early"))?;
        // Four bytes of checksum, which the browser compares.
        let next = length.checked_add(4).and_then(|end| after.get(end..));
        rest = next.ok_or(LogoError::Png("it ends early"))?;
        if is_first {
            if kind != b"IHDR" {
                return Err(LogoError::Png("it has no header"));
            }
            let size = |at: usize| {
                let bytes = body.get(at..).and_then(|bytes| bytes.first_chunk::<4>());
                bytes.map_or(0, |bytes| u32::from_be_bytes(*bytes))
            };
            let fits = |size| (1..=Logo::PIXELS_AT_MOST).contains(&size);
            if !fits(size(0)) || !fits(size(4)) {
                return Err(LogoError::Png("it must be 1 to 2048 pixels wide and high"));
            }
            is_first = false;
        }
        if kind == b"IEND" {
            return if rest.is_empty() {
                Ok(())
            } else {
                Err(LogoError::Png("it goes on after its end"))
            };
        }
    }
}

/// Elements of a plain drawing.
const DRAWING: [&str; 17] = [
    "svg",
    "g",
    "defs",
    "title",
    "desc",
    "path",
    "rect",
    "circle",
    "ellipse",
    "line",
    "polyline",
    "polygon",
    "linearGradient",
    "radialGradient",
    "stop",
    "clipPath",
    "use",
];
const SVG: &str = "http://www.w3.org/2000/svg";

/// A drawing and nothing else: known elements, no script, no event, nothing from elsewhere. As an
/// `<img>` it could do no harm anyway; this is for who opens its address.
fn check_svg(text: &str) -> Result<(), LogoError> {
    // The parser refuses document types, and with them entities.
    let document =
        roxmltree::Document::parse(text).map_err(|error| LogoError::Xml(error.to_string()))?;
    if !document.root_element().has_tag_name((SVG, "svg")) {
        return Err(LogoError::Format);
    }
    for node in document.descendants() {
        if node.is_pi() {
            return Err(LogoError::Svg("a processing instruction".to_owned()));
        }
        if !node.is_element() {
            continue;
        }
        let name = node.tag_name().name();
        if !DRAWING.contains(&name) || node.tag_name().namespace() != Some(SVG) {
            return Err(LogoError::Svg(format!("the element {name}")));
        }
        for attribute in node.attributes() {
            let value = attribute.value().trim().to_ascii_lowercase();
            let name = attribute.name();
            let is_event = name.len() > 2 && name.to_ascii_lowercase().starts_with("on");
            let is_foreign = name == "href" && !value.starts_with('#');
            let inner = value.replace(char::is_whitespace, "").replace(['"', '\''], "");
            let refers = inner.contains("url(") && inner.replace("url(#", "").contains("url(");
            if is_event
                || is_foreign
                || refers
                || inner.contains("javascript:")
                || inner.contains('\\')
            {
                return Err(LogoError::Svg(format!("the attribute {name}")));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
