//! Every page in every state, with sample data: rendered by a test, and shown by the example
//! `pages_preview` to people and to the browser suite.

use super::view::{
    Again, CardLine, ChallengePage, ConfirmingPage, Ending, MessagePage, ResultPage, Shell, Summary,
};
use super::words;
use crate::app::Site;
use askama::Template;

/// A rendered page.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Its name in the preview's addresses.
    pub name: &'static str,
    /// The page.
    pub html: String,
}

/// All pages in all states.
pub fn samples(site: &Site) -> Result<Vec<Sample>, askama::Error> {
    let mut samples = Vec::new();
    let mut add = |name, html: String| samples.push(Sample { name, html });
    for (name, page) in challenges(site) {
        add(name, page.render()?);
    }
    add("confirming", confirming(site).render()?);
    for (name, page) in results(site) {
        add(name, page.render()?);
    }
    for (name, page) in messages(site) {
        add(name, page.render()?);
    }
    Ok(samples)
}

fn shell(site: &Site, heading: &str, test: bool) -> Shell {
    Shell {
        title: words::title(heading, "Demo Shop"),
        host: site.host().to_owned(),
        base: site.base_path().to_owned(),
        test,
        hint: None,
        reload_after: None,
    }
}

fn summary() -> Summary {
    Summary {
        merchant: "Demo Shop".to_owned(),
        initial: "D".to_owned(),
        amount: "11.11".to_owned(),
        currency: "USD".to_owned(),
        product: "Testing Product".to_owned(),
        reference: "1DEV".to_owned(),
        card: Some(CardLine { brand: "Visa", last_four: "1111".to_owned() }),
    }
}

/// Everything as long as it may be.
fn long_summary() -> Summary {
    Summary {
        merchant: "The Long-Established Trading and Shipping Company of Bremerhaven".to_owned(),
        initial: "T".to_owned(),
        amount: "9,99,99,999.99".to_owned(),
        currency: "INR".to_owned(),
        product: "Eintrittskarte für das Donaudampfschifffahrtsgesellschaftsmuseum, ".repeat(3),
        reference: "X0123456789ABCDEF".repeat(7),
        card: Some(CardLine { brand: "Mastercard", last_four: "0229".to_owned() }),
    }
}

fn challenge(site: &Site, again: Option<Again>) -> ChallengePage {
    ChallengePage {
        shell: Shell {
            hint: Some("The code is 123456.".to_owned()),
            reload_after: Some(874),
            ..shell(site, words::CHALLENGE_HEADING, true)
        },
        summary: summary(),
        bank: "Sandbox Bank".to_owned(),
        sent_to: "•••• ••12".to_owned(),
        tries_left: if again == Some(Again::Wrong) { 2 } else { 3 },
        seconds_left: 873,
        until: "14:31 UTC".to_owned(),
        problem: match again {
            Some(Again::Wrong) => Some(words::code_was_wrong(2)),
            Some(Again::Empty) => Some(words::CODE_MISSING.to_owned()),
            Some(Again::Unavailable) | None => None,
        },
        notice: (again == Some(Again::Unavailable)).then_some(words::BANK_UNAVAILABLE),
    }
}

fn challenges(site: &Site) -> Vec<(&'static str, ChallengePage)> {
    let plain = challenge(site, None);
    vec![
        ("challenge-wrong", challenge(site, Some(Again::Wrong))),
        ("challenge-empty", challenge(site, Some(Again::Empty))),
        ("challenge-unavailable", challenge(site, Some(Again::Unavailable))),
        (
            "challenge-live",
            ChallengePage {
                shell: shell(site, words::CHALLENGE_HEADING, false),
                bank: "Nordbank".to_owned(),
                tries_left: 1,
                seconds_left: 45,
                ..plain.clone()
            },
        ),
        ("challenge-long", ChallengePage { summary: long_summary(), ..plain.clone() }),
        ("challenge", plain),
    ]
}

fn confirming(site: &Site) -> ConfirmingPage {
    ConfirmingPage {
        shell: Shell { reload_after: Some(3), ..shell(site, words::CONFIRMING_HEADING, true) },
        summary: summary(),
        link: "confirming".to_owned(),
    }
}

fn results(site: &Site) -> Vec<(&'static str, ResultPage)> {
    let result = |outcome: Ending, response, test| ResultPage {
        shell: shell(site, outcome.name(), test),
        summary: summary(),
        outcome,
        response,
        trans_id: "417823250426141606".to_owned(),
        time: "2025-04-26 14:16 UTC".to_owned(),
        time_iso: "2025-04-26T14:16:06.000657Z".to_owned(),
        rrn: None,
        descriptor: None,
        link: "https://shop.example/return?transID=417823250426141606&order_status=25".to_owned(),
        link_text: words::return_to("Demo Shop"),
    };
    let approved = ResultPage {
        rrn: Some("511614123456".to_owned()),
        descriptor: Some("DEMO SHOP*SANDBOX".to_owned()),
        ..result(Ending::Approved, "Payment successful", true)
    };
    let declined = "Declined by the bank: insufficient funds";
    vec![
        (
            "result-approved-live",
            ResultPage { shell: shell(site, "approved", false), ..approved.clone() },
        ),
        ("result-approved-long", ResultPage { summary: long_summary(), ..approved.clone() }),
        ("result-approved", approved),
        ("result-declined", result(Ending::Declined, declined, true)),
        ("result-expired", result(Ending::Expired, "The customer did not act in time", true)),
        ("result-cancelled", result(Ending::Cancelled, "The customer cancelled the payment", true)),
        ("result-reversed", result(Ending::Reversed, "Payment reversed, no money was taken", true)),
        (
            "result-refunding",
            result(Ending::Refunding, "Refund is being processed by the bank", true),
        ),
        (
            "result-partly-refunded",
            result(Ending::PartlyRefunded, "Payment refunded in part", false),
        ),
        ("result-refunded", result(Ending::Refunded, "Payment refunded in full", true)),
        ("result-failed", result(Ending::Failed, "Technical failure, no money was taken", false)),
        (
            "result-pending",
            ResultPage {
                link: "challenge".to_owned(),
                link_text: words::CONTINUE_PAYMENT.to_owned(),
                ..result(Ending::Pending, "Payment is pending", true)
            },
        ),
    ]
}

fn messages(site: &Site) -> Vec<(&'static str, MessagePage)> {
    let again = || Some("challenge".to_owned());
    vec![
        ("not-found", MessagePage::new(site, words::NOT_FOUND, None)),
        ("too-many", MessagePage::new(site, words::TOO_MANY, None)),
        ("cross-site", MessagePage::new(site, words::CROSS_SITE, again())),
        ("too-large", MessagePage::new(site, words::TOO_LARGE, again())),
        ("trouble", MessagePage::new(site, words::TROUBLE, again())),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::{SCRIPT, STYLE};

    #[test]
    fn every_page_renders_in_every_state() {
        let site = Site { public_url: "https://pay.example".to_owned() };
        let samples = samples(&site).unwrap();
        assert_eq!(samples.len(), 24);
        let assets =
            include_str!("../../assets/pay.css").len() + include_str!("../../assets/pay.js").len();
        for Sample { name, html } in samples {
            assert!(html.starts_with("<!doctype html>\n<html lang=\"en\" dir=\"ltr\">"), "{name}");
            assert_eq!(html.matches("<h1 ").count(), 1, "{name}");
            assert!(html.contains("pay.example</bdi>"), "{name}");
            for asset in [&*STYLE, &*SCRIPT] {
                assert!(html.contains(&asset.path) && html.contains(&asset.integrity), "{name}");
            }
            // The content security policy would refuse them.
            for inline in ["<style", "style=", "onclick", "onsubmit", "javascript:", "<script>"] {
                assert!(!html.contains(inline), "{name}: {inline}");
            }
            assert!(html.len() + assets < 30_000, "{name} weighs {}", html.len() + assets);
        }
    }

    #[test]
    fn what_merchants_write_is_text() {
        let site = Site { public_url: "https://pay.example".to_owned() };
        let mut page = challenge(&site, None);
        page.summary.product = "<script>alert(1)</script>\"'&".to_owned();
        let html = page.render().unwrap();
        assert!(!html.contains("<script>alert"));
        assert!(html.contains("&#60;script&#62;"));
    }
}
