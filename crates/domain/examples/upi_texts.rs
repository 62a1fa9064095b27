//! For `tests/browser/check_upi.js`, where libraries that are not ours judge UPI's texts: writes
//! links and codes with what went into them, or reads codes from standard input. One JSON object
//! a line.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a tool of the tests")]

use domain::merchant::MerchantCategoryCode;
use domain::merchant_qr::MerchantQr;
use domain::money::{Currency, Money};
use domain::text::MerchantCity;
use domain::upi::UpiAddress;
use domain::upi_link::{UpiLink, UpiReference};
use serde_json::json;

/// Address, name, reference, note, category, city, amount.
const SAMPLES: [[&str; 7]; 7] = [
    ["a@ok", "A", "1", "x", "0000", "B", "0.01"],
    ["demo.shop@sandbox", "Demo Shop", "100135250426141606", "Tea", "5411", "Pune", "11.11"],
    ["s-h_o.p1@okaxis2", "Tea & Cake + 100%", "A-b_c.9", "a=b&c#d?e/f", "0742", "Delhi", "120"],
    ["shop@upi", "O'Neil \"Bar\" <x>", "1", "+91 (20) 1,5; 'q' *!~", "5812", "New Delhi", "1.5"],
    ["shop@upi", "Caf\u{e9} M\u{fc}nchen", "2", "\u{20b9} 5 \u{1f980}", "5812", "K\u{f6}ln", "5"],
    ["shop@upi", "\u{926}\u{941}\u{915}\u{93e}\u{928}", "3", "\u{927}", "5812", "\u{92a}", "9"],
    [
        "ashopwhosenameisaslongaswhatabankgivestoamerchant@handle1234",
        "A name that goes on and on, beyond what a code of EMVCo holds",
        "RRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRR",
        "A note that has just the fifty characters allowed.",
        "9999",
        "Fifteen letters",
        "99999999.99",
    ],
];

fn main() {
    if std::env::args().nth(1).as_deref() == Some("read") {
        return std::io::stdin().lines().for_each(|line| read(&line.unwrap()));
    }
    for [address, name, reference, note, category, city, amount] in SAMPLES {
        let money = Money::parse(amount, Currency::from_code("INR").unwrap()).unwrap();
        let reference_number = UpiReference::parse(reference).unwrap();
        let link = UpiLink::new(UpiAddress::parse(address).unwrap(), name, reference_number, money)
            .unwrap()
            .with_category(MerchantCategoryCode::parse(category).unwrap())
            .with_note(note);
        let code = MerchantQr::of_link(&link, Some(&MerchantCity::parse(city).unwrap()));
        println!(
            "{}",
            json!({
                "link": link.to_string(), "code": code.text().unwrap(), "address": address,
                "name": name, "reference": reference, "note": note, "category": category,
                "city": city, "amount": money.to_decimal_text(),
            })
        );
    }
}

fn read(text: &str) {
    let answer = match MerchantQr::parse(text) {
        Ok(code) => json!({
            "address": code.address, "reference": code.reference.as_str(),
            "name": code.merchant_name, "city": code.merchant_city,
            "category": code.category.map(|code| code.to_string()),
            "amount": code.amount.to_decimal_text(),
        }),
        Err(error) => json!({"error": error.to_string()}),
    };
    println!("{answer}");
}
