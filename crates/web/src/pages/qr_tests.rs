//! Every code is drawn by librsvg and read by zbar, which are not ours.

use super::*;
use domain::merchant::MerchantCategoryCode;
use domain::merchant_qr::MerchantQr;
use domain::money::{Currency, Money};
use domain::text::MerchantCity;
use domain::upi::UpiAddress;
use domain::upi_link::{LinkMode, UpiLink, UpiReference};
use std::path::Path;
use std::process::Command;

fn link(address: &str, name: &str, reference: &str) -> UpiLink {
    let amount = Money::parse("11.11", Currency::from_code("INR").unwrap()).unwrap();
    let address = UpiAddress::parse(address).unwrap();
    UpiLink::new(address, name, UpiReference::parse(reference).unwrap(), amount).unwrap()
}

fn typical() -> UpiLink {
    link("demo.shop@sandbox", "Demo Shop", "100135250426141606")
        .with_category(MerchantCategoryCode::parse("5411").unwrap())
        .with_note("Two tickets to the opera")
        .with_mode(LinkMode::QrCode)
}

fn printed(command: &mut Command) -> String {
    let name = command.get_program().to_owned();
    let output = command.output().unwrap_or_else(|error| panic!("{}: {error}", name.display()));
    assert!(output.status.success(), "{}: {output:?}", name.display());
    String::from_utf8(output.stdout).unwrap()
}

/// What a scanner reads.
fn scanned(svg: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (drawing, picture) = (folder.path().join("code.svg"), folder.path().join("code.png"));
    std::fs::write(&drawing, svg).unwrap();
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    printed(Command::new("rsvg-convert").args(["-o", &path(&picture), &path(&drawing)]));
    let read = printed(Command::new("zbarimg").args(["--quiet", "--raw", &path(&picture)]));
    read.strip_suffix('\n').unwrap().to_owned()
}

#[test]
fn scanners_read_links_and_merchant_codes() {
    let longest = link(
        &format!("{}@{}", "a".repeat(190), "b".repeat(64)),
        &"\u{1f980}".repeat(99),
        &"R".repeat(35),
    );
    let longest = longest
        .with_category(MerchantCategoryCode::parse("5411").unwrap())
        .with_transaction_id(UpiReference::parse(&"T".repeat(35)).unwrap())
        .with_note(&"\u{20b9}".repeat(50))
        .with_mode(LinkMode::Intent);
    let unicode = link("a@ok", "\u{926}\u{941}\u{915}\u{93e}\u{928} M\u{fc}nchen", "1");
    let city = MerchantCity::parse("M\u{fc}nchen").unwrap();
    let codes = [&typical(), &unicode].map(|link| MerchantQr::of_link(link, Some(&city)));
    let mut texts = codes.map(|code| code.text().unwrap()).to_vec();
    texts
        .extend([&link("a@ok", "A", "1"), &unicode, &typical(), &longest].map(ToString::to_string));
    for text in texts {
        assert_eq!(scanned(&svg(&text).unwrap()), text);
    }
}

#[test]
fn codes_are_small_and_plain() {
    let drawn = svg(&typical().to_string()).unwrap();
    assert!(drawn.len() < 6_000, "{}", drawn.len());
    assert_eq!(drawn.matches("<path ").count(), 1);
    assert!(drawn.contains(r##"stroke="#000""##) && drawn.contains(r##"fill="#fff""##));
    assert!(drawn.contains(r#"shape-rendering="crispEdges""#));
    // The content security policy forbids inline styles.
    assert!(!drawn.contains("style"), "{drawn}");
    // A code of 21 modules, the smallest there is, between four white ones on either side; its
    // first row begins with the corner's seven black modules.
    let small = svg("A").unwrap();
    assert!(small.contains(r#"viewBox="0 0 29 29" width="116""#), "{small}");
    assert!(small.contains(r#"d="M4 4.5h7m1 0"#), "{small}");
    assert!(small.contains("M4 24.5h7m1 0") && !small.contains("25.5"), "{small}");
}

#[test]
fn what_no_code_holds_is_refused() {
    assert!(svg(&"x".repeat(2331)).is_ok());
    assert_eq!(svg(&"x".repeat(2332)), Err(TooLong));
}
