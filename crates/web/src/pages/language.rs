//! The languages of the customer pages: which there are, and which one a browser asks for.

/// A language of the customer pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    /// English, the one that everything falls back to.
    English,
    /// Hindi.
    Hindi,
    /// Spanish.
    Spanish,
    /// French.
    French,
    /// German.
    German,
    /// Portuguese, as in Brazil.
    Portuguese,
    /// Arabic.
    Arabic,
    /// Russian.
    Russian,
    /// Indonesian.
    Indonesian,
    /// Chinese, in simplified characters.
    Chinese,
}

impl Language {
    /// All of them, in the menu's order.
    pub const ALL: [Self; 10] = [
        Self::English,
        Self::Hindi,
        Self::Spanish,
        Self::French,
        Self::German,
        Self::Portuguese,
        Self::Arabic,
        Self::Russian,
        Self::Indonesian,
        Self::Chinese,
    ];

    /// `lang` of the pages, and the value of `lang` in their addresses (ISO 639-1).
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Hindi => "hi",
            Self::Spanish => "es",
            Self::French => "fr",
            Self::German => "de",
            Self::Portuguese => "pt",
            Self::Arabic => "ar",
            Self::Russian => "ru",
            Self::Indonesian => "id",
            Self::Chinese => "zh",
        }
    }

    /// Its name in itself: who looks for it may read no other.
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Hindi => "हिन्दी",
            Self::Spanish => "Español",
            Self::French => "Français",
            Self::German => "Deutsch",
            Self::Portuguese => "Português",
            Self::Arabic => "العربية",
            Self::Russian => "Русский",
            Self::Indonesian => "Bahasa Indonesia",
            Self::Chinese => "中文",
        }
    }

    /// `dir` of the pages.
    pub const fn direction(self) -> &'static str {
        match self {
            Self::Arabic => "rtl",
            Self::English
            | Self::Hindi
            | Self::Spanish
            | Self::French
            | Self::German
            | Self::Portuguese
            | Self::Russian
            | Self::Indonesian
            | Self::Chinese => "ltr",
        }
    }

    /// By a language tag (RFC 5646) in any case, whatever its region: `pt-BR`, `zh-Hans-CN`.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.trim().split(['-', '_']).next()?;
        // Old Java still says "in" for Indonesian.
        let primary = if primary.eq_ignore_ascii_case("in") { "id" } else { primary };
        Self::ALL.into_iter().find(|it| it.code().eq_ignore_ascii_case(primary))
    }

    /// The one that `Accept-Language` (RFC 9110, 12.5.4) likes best of those we have; of equals
    /// the first.
    pub fn preferred(accepted: &str) -> Self {
        let wanted = accepted.split(',').filter_map(|range| {
            let (tag, parameters) = range.split_once(';').unwrap_or((range, "q=1"));
            let language = if tag.trim() == "*" { Self::English } else { Self::from_tag(tag)? };
            let weight = weight(parameters)?;
            (weight > 0).then_some((weight, language))
        });
        // The first of the heaviest: `max_by_key` would take the last.
        let best = wanted.fold(None, |best: Option<(u32, Self)>, one| match best {
            Some(best) if best.0 >= one.0 => Some(best),
            Some(_) | None => Some(one),
        });
        best.map_or(Self::English, |(_weight, language)| language)
    }
}

/// `q=0.8` in thousandths; none when it is no weight.
fn weight(parameters: &str) -> Option<u32> {
    let (name, value) = parameters.split_once('=')?;
    if !name.trim().eq_ignore_ascii_case("q") {
        return None;
    }
    let (whole, fraction) = value.trim().split_once('.').unwrap_or((value.trim(), ""));
    if fraction.len() > 3 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let thousandths: u32 = format!("{fraction:0<3}").parse().ok()?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_gets_the_language_it_likes_best() {
        for (accepted, expected) in [
            ("", Language::English),
            ("de", Language::German),
            ("de-AT,de;q=0.9,en;q=0.8", Language::German),
            ("en;q=0.5, ru;q=0.9", Language::Russian),
            ("nl, fr;q=0.3", Language::French),
            ("nl", Language::English),
            ("fr;q=0, en;q=0.1, es;q=0.05", Language::English),
            ("es;q=0", Language::English),
            ("*;q=0.9, id;q=0.8", Language::English),
            ("pt-BR;q=1.000, zh", Language::Portuguese),
            ("PT-br", Language::Portuguese),
            ("zh-Hans-CN", Language::Chinese),
            ("in-ID", Language::Indonesian),
            ("ar;q=1.5, hi;q=0.1", Language::Hindi),
            ("ar;q=x, hi ; q=0.1", Language::Hindi),
            ("ar;level=1, de;q=0.1", Language::German),
            (";;,,=;q", Language::English),
        ] {
            assert_eq!(Language::preferred(accepted), expected, "{accepted:?}");
        }
    }

    #[test]
    fn each_has_its_own_code_and_name() {
        for language in Language::ALL {
            assert_eq!(Language::from_tag(language.code()), Some(language));
            assert_eq!(
                Language::ALL.iter().filter(|l| l.own_name() == language.own_name()).count(),
                1
            );
        }
        assert_eq!(Language::from_tag("english"), None);
    }
}
