//! Colours keep their contrast, and a logo is a drawing.

use super::*;
use proptest::prelude::*;

fn colour(text: &str) -> Colour {
    text.parse().unwrap()
}

#[test]
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the standard's own formula, to compare the table with"
)]
fn the_table_of_light_is_the_standards() {
    for (step, light) in LINEAR.iter().enumerate() {
        let share = f64::from(u32::try_from(step).unwrap()) / 255.0;
        let linear =
            if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) };
        assert_eq!(*light, (linear * 65_535.0).round() as u16, "{step}");
    }
}

#[test]
fn contrasts_are_those_that_wcag_tools_tell() {
    for (one, two, hundredths) in [
        ("#000000", "#ffffff", 2100),
        ("#777777", "#ffffff", 447),
        ("#767676", "#ffffff", 454),
        ("#ff6600", "#ffffff", 293),
        ("#0f6b53", "#ffffff", 646),
        ("#123456", "#123456", 100),
    ] {
        assert_eq!(colour(one).contrast(colour(two)), hundredths, "{one} on {two}");
    }
}

#[test]
fn a_strong_colour_stays_and_a_weak_one_is_strengthened_where_it_is_weak() {
    let orange = Palette::of(colour("#ff6600"));
    assert_eq!(orange.dark.accent, colour("#ff6600"));
    assert_eq!(orange.light.accent, colour("#c95100"));
    let navy = Palette::of(colour("#001f5b"));
    assert_eq!(navy.light.accent, colour("#001f5b"));
    assert_ne!(navy.dark.accent, colour("#001f5b"));
    assert_eq!(navy.light.stub, colour("#001f5b"));
}

#[test]
fn colours_have_one_form() {
    assert_eq!(colour("#0F6b53").to_string(), "#0f6b53");
    for bad in ["", "0f6b53", "#0f6b5", "#0f6b533", "#0f6b5g", "#+f6b53", "red", "#é6b53"] {
        assert_eq!(bad.parse::<Colour>(), Err(NoColour), "{bad}");
    }
    let theme: Theme = serde_json::from_str("{}").unwrap();
    assert_eq!(theme, Theme::default());
    let theme = Theme { accent: Some(colour("#0f6b53")), radius: Some(8), logo: None };
    let text = serde_json::to_string(&theme).unwrap();
    assert_eq!(text, r##"{"accent":"#0f6b53","radius":8}"##);
    assert_eq!(serde_json::from_str::<Theme>(&text).unwrap(), theme);
    assert!(serde_json::from_str::<Theme>(r#"{"accent":"red;}"}"#).is_err());
}

#[test]
fn a_change_touches_what_it_names() {
    let before = Theme { accent: Some(colour("#0f6b53")), radius: Some(8), logo: None };
    let change = ThemeChange { accent: Change::Remove, ..ThemeChange::default() };
    assert!(ThemeChange::default().is_nothing() && !change.is_nothing());
    assert_eq!(change.apply(before), Theme { radius: Some(8), ..Theme::default() });
}

proptest! {
    #[test]
    fn whatever_the_colour_everything_can_be_read(red: u8, green: u8, blue: u8) {
        let Palette { light, dark } = Palette::of(Colour { red, green, blue });
        for (scheme, surface) in [(light, LIGHT_SURFACE), (dark, DARK_SURFACE)] {
            for (text, ground) in [
                (scheme.accent, surface),
                (scheme.on_accent, scheme.accent),
                (scheme.on_accent, scheme.accent_strong),
                (Colour::WHITE, scheme.stub),
                (scheme.stub_soft, scheme.stub),
            ] {
                let contrast = text.contrast(ground);
                prop_assert!(contrast >= TEXT_CONTRAST, "{} on {}: {}", text, ground, contrast);
            }
        }
    }

    #[test]
    fn any_file_is_answered(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _answer = Logo::parse(&bytes);
        let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
        png.extend(bytes);
        let _answer = Logo::parse(&png);
    }
}

/// A chunk with no checksum worth the name.
fn chunk(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&length, &kind[..], body, &[0; 4]].concat()
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 6, 0, 0, 0]].concat();
    [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(*b"IHDR", &header),
        chunk(*b"IDAT", b"x"),
        chunk(*b"IEND", b""),
    ]
    .concat()
}

#[test]
fn a_png_is_whole_and_of_a_sensible_size() {
    let good = png(40, 40);
    let logo = Logo::parse(&good).unwrap();
    assert_eq!((logo.kind(), logo.bytes()), (LogoKind::Png, good.clone()));
    for bad in [png(0, 40), png(40, 4096), good[..good.len() - 5].to_vec(), {
        let mut longer = good.clone();
        longer.push(0);
        longer
    }] {
        assert!(matches!(Logo::parse(&bad), Err(LogoError::Png(_))), "{bad:?}");
    }
    assert_eq!(Logo::parse(&[b'<'; 9000]), Err(LogoError::Size(9000)));
    assert_eq!(Logo::parse(b"GIF89a"), Err(LogoError::Format));
    assert_eq!(Logo::parse(b"\xff\xd8\xff"), Err(LogoError::Format));
}

#[test]
fn an_svg_is_a_drawing_and_nothing_else() {
    let svg = |inner: &str| {
        format!(
            "<?xml version=\"1.0\"?>\n<svg xmlns=\"{SVG}\" \
             xmlns:xlink=\"http://www.w3.org/1999/xlink\" viewBox=\"0 0 9 9\">{inner}</svg>"
        )
    };
    for good in [
        "<path d=\"M0 0h9v9z\" fill=\"#f60\"/>",
        "<defs><linearGradient id=\"a\"><stop offset=\"0\"/></linearGradient></defs>\
         <rect fill=\"url(#a)\" style=\"opacity:.5\" width=\"9\" height=\"9\"/>",
        "<g id=\"b\"/><use xlink:href=\"#b\"/>",
        "<title>Shop</title>",
    ] {
        assert_eq!(Logo::parse(svg(good).as_bytes()).map(|logo| logo.kind()), Ok(LogoKind::Svg));
    }
    for bad in [
        "<script>alert(1)</script>",
        "<path onclick=\"alert(1)\" d=\"M0 0\"/>",
        "<image href=\"https://evil.example/x.png\"/>",
        "<use href=\"https://evil.example/x.svg#a\"/>",
        "<use xlink:href=\"data:image/svg+xml,x\"/>",
        "<rect fill=\"url(https://evil.example/#a)\"/>",
        "<rect style=\"fill: url( 'https://evil.example/#a')\"/>",
        "<rect fill=\"url(#a) url(//evil.example)\"/>",
        "<foreignObject/>",
        "<style>@import 'https://evil.example'</style>",
        "<animate attributeName=\"href\"/>",
        "<a href=\"#x\"/>",
        "<h:script xmlns:h=\"http://www.w3.org/1999/xhtml\"/>",
        "<metadata/>",
        "<?xml-stylesheet href=\"https://evil.example\"?>",
    ] {
        assert!(matches!(Logo::parse(svg(bad).as_bytes()), Err(LogoError::Svg(_))), "{bad}");
    }
    let entity = "<!DOCTYPE svg [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><svg/>";
    assert!(matches!(Logo::parse(entity.as_bytes()), Err(LogoError::Xml(_))));
    assert_eq!(Logo::parse(b"<html/>"), Err(LogoError::Format));
    assert!(matches!(Logo::parse(b"<svg"), Err(LogoError::Xml(_))));
}
