//! Every page renders, in every state and language, under the content security policy.

use super::*;
use crate::assets::{SCRIPT, STYLE};
use crate::pages::Language;

fn site() -> Site {
    Site { public_url: "https://pay.example".to_owned() }
}

#[test]
fn every_page_renders_in_every_state_and_language() {
    for language in Language::ALL {
        let samples = samples(&site(), &Asked::chosen(language));
        let start = format!(
            "<!doctype html>\n<html lang=\"{}\" dir=\"{}\">",
            language.code(),
            language.direction()
        );
        for sample in samples {
            let name = sample.name;
            let html = sample.render().unwrap();
            assert!(html.starts_with(&start), "{name}");
            assert_eq!(html.matches("<h1 ").count(), 1, "{name}");
            assert!(html.contains("pay.example</bdi>"), "{name}");
            for asset in [&*STYLE, &*SCRIPT] {
                assert!(html.contains(&asset.path) && html.contains(&asset.integrity), "{name}");
            }
            // The content security policy would refuse them.
            for inline in ["<style", "style=", "onclick", "onsubmit", "javascript:", "<script>"] {
                assert!(!html.contains(inline), "{name}: {inline}");
            }
            // Texts are isolated by elements, not by invisible letters.
            assert!(!html.contains(['\u{2068}', '\u{2069}']), "{name}");
        }
    }
}

#[test]
fn what_merchants_write_is_text() {
    let (site, asked) = (site(), Asked::chosen(Language::English));
    let mut page = Preview { site: &site, asked: &asked }.challenge(None);
    page.summary.product = "<script>alert(1)</script>\"'&".to_owned();
    page.summary.merchant = "<script>alert(2)</script>".to_owned();
    let html = page.dyn_render().unwrap();
    assert!(!html.contains("<script>alert"));
    assert!(html.contains("&#60;script&#62;"));
}

#[test]
fn what_a_bank_may_still_report_is_not_denied() {
    let (site, asked) = (site(), Asked::chosen(Language::English));
    let preview = Preview { site: &site, asked: &asked };
    for ending in [Ending::Expired, Ending::Cancelled] {
        let html = |late| preview.result(ending, Mode::Live, late).dyn_render().unwrap();
        assert!(html(false).contains("No money was taken"));
        assert!(!html(true).contains("No money was taken"));
        assert!(html(true).contains("it comes back to you or counts for this order"));
        assert!(html(true).contains("<bdi>Demo Shop</bdi> is told"));
    }
    let approved = preview.result(Ending::Approved, Mode::Live, true).dyn_render().unwrap();
    assert!(!approved.contains("is told"));
}
