//! Test cards of the sandbox (contract, section 7).

/// What the sandbox does with a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardResult {
    /// The customer is asked for the one-time password.
    Challenge,
    /// Approved in the create call.
    Approved,
    /// Declined in the create call.
    Declined,
}

impl CardResult {
    /// `order_status` in the answer to the create call.
    pub const fn order_status(self) -> &'static str {
        match self {
            Self::Challenge => "0",
            Self::Approved => "25",
            Self::Declined => "26",
        }
    }

    /// In words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Challenge => "3-D Secure: pending, then 25 or 26",
            Self::Approved => "Test Approved at once",
            Self::Declined => "Test Declined at once",
        }
    }
}

/// The sandbox bank refuses a refund of this amount.
pub const REFUSED_REFUND: &str = "13.13";

/// One test card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestCard {
    /// Its number.
    pub number: &'static str,
    /// Its brand, as `mop` shows it.
    pub brand: &'static str,
    /// What the sandbox does with it.
    pub result: CardResult,
}

impl TestCard {
    /// The number in groups of four, for the eye.
    pub fn grouped(&self) -> String {
        grouped(self.number)
    }

    /// A security code of the right length.
    pub fn security_code(&self) -> &'static str {
        if self.brand == "Amex" { "1234" } else { "123" }
    }
}

/// A card number in groups of four, for the eye.
pub fn grouped(number: &str) -> String {
    let mut grouped = String::new();
    for (place, digit) in number.chars().enumerate() {
        if place > 0 && place % 4 == 0 {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

const fn card(number: &'static str, brand: &'static str, result: CardResult) -> TestCard {
    TestCard { number, brand, result }
}

/// One-time password of the sandbox's challenge.
pub const ONE_TIME_PASSWORD: &str = "123456";
/// The demo terminal's number.
pub const DEMO_TERMINAL: &str = "42";
/// The demo terminal's public key.
pub const DEMO_PUBLIC_KEY: &str = "WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=";

/// The cards. Any other valid number is challenged as well.
pub const TEST_CARDS: [TestCard; 14] = [
    card("4111111111111111", "Visa", CardResult::Challenge),
    card("5111111111111111", "Mastercard", CardResult::Challenge),
    card("4012000033330026", "Visa", CardResult::Approved),
    card("5123450000000008", "Mastercard", CardResult::Approved),
    card("4043409999991437", "Visa", CardResult::Declined),
    card("5555229999997722", "Mastercard", CardResult::Declined),
    card("4242424242424242", "Visa", CardResult::Challenge),
    card("5438890000000229", "Mastercard", CardResult::Challenge),
    card("378282246310005", "Amex", CardResult::Challenge),
    card("30569309025904", "Diners", CardResult::Challenge),
    card("6011000990139424", "Discover", CardResult::Challenge),
    card("3530111333300000", "JCB", CardResult::Challenge),
    card("6759649826438453", "Maestro", CardResult::Challenge),
    card("6521111111111117", "Discover", CardResult::Challenge),
];
