//! What several pages of a payment are put together of.

/// A name with its value.
pub(super) struct Fact {
    pub(super) name: &'static str,
    pub(super) value: String,
    /// Where the value leads; empty for nowhere.
    pub(super) href: String,
    /// A number or code that people copy.
    pub(super) is_code: bool,
}

/// Plain words.
pub(super) fn fact(name: &'static str, value: impl Into<String>) -> Fact {
    Fact { name, value: value.into(), href: String::new(), is_code: false }
}

/// What is copied elsewhere.
pub(super) fn code(name: &'static str, value: impl Into<String>) -> Fact {
    Fact { is_code: true, ..fact(name, value) }
}

/// What leads somewhere.
pub(super) fn link(name: &'static str, value: impl Into<String>, href: String) -> Fact {
    Fact { href, ..fact(name, value) }
}
