use super::*;
use proptest::prelude::*;

fn sample() -> Receipt {
    let line = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Receipt {
        merchant: "Zoë’s Café & Söhne (Straße 5)".to_owned(),
        title: "Receipt 20260531-0042".to_owned(),
        lines: vec![
            line("Reference", "order-4711"),
            line("Paid with", "Visa ending 1111"),
            line("Paid at", "2026-05-31 14:16 UTC"),
            line("Payer", "Łukasz, 北京, Дмитрий"),
            line("Description", &"Seven long words about what was sold here. ".repeat(6)),
            line("Token", &"0123456789abcdef".repeat(12)),
        ],
        amount: "1,234.50 €".to_owned(),
        status: "Paid".to_owned(),
        note: "Thank you.\nQuestions: shop@example.com".to_owned(),
    }
}

fn holds(document: &[u8], text: &str) -> bool {
    document.windows(text.len()).any(|window| window == text.as_bytes())
}

/// The number behind the last word of this name.
fn number_after(document: &[u8], word: &str) -> usize {
    let text = String::from_utf8_lossy(document).into_owned();
    let after = text.rsplit_once(word).unwrap().1;
    after.split_whitespace().next().unwrap().parse().unwrap()
}

/// As a reader begins: header, end, the table of objects and each object where the table says.
fn well_formed(document: &[u8]) {
    assert!(document.starts_with(b"%PDF-1."));
    assert!(document.ends_with(b"%%EOF"));
    let table = &document[number_after(document, "startxref")..];
    assert!(table.starts_with(b"xref\n0 8\n"), "{}", String::from_utf8_lossy(table));
    let entries = table["xref\n0 8\n".len()..].chunks(20).take(8);
    for (number, entry) in entries.enumerate().skip(1) {
        let place: usize = std::str::from_utf8(&entry[..10]).unwrap().parse().unwrap();
        let object = format!("{number} 0 obj");
        assert!(document[place..].starts_with(object.as_bytes()), "{object}");
    }
    assert!(holds(document, "/Count 1"));
    assert!(!holds(document, "/Filter"));
}

#[test]
fn a_receipt_is_a_pdf_that_says_it_all() {
    let document = pdf(&sample());
    well_formed(&document);
    for text in [
        "/Title (Receipt 20260531-0042)",
        "/Lang (en)",
        "/WinAnsiEncoding",
        "(order-4711)",
        "(Visa ending 1111)",
        "(Paid)",
        "(Thank you.)",
        "(Questions: shop@example.com)",
        "(Lukasz, Bei Jing, Dmitrii)",
    ] {
        assert!(holds(&document, text), "{text}");
    }
    // The euro sign as Windows-1252 has it: not ASCII, so in hexadecimal digits.
    assert!(holds(&document, "<312C3233342E35302080>"));
    assert_eq!(document, pdf(&sample()));
}

#[test]
fn letters_are_those_of_windows_1252() {
    assert_eq!(winansi("Zoë’s €5 – ok…"), b"Zo\xeb\x92s \x805 \x96 ok\x85");
    assert_eq!(winansi("Żółć"), b"Z\xf3lc");
    assert_eq!(winansi("Дмитрий"), b"Dmitrii");
    assert_eq!(winansi("北京"), b"Bei Jing");
    assert_eq!(winansi("\u{202e}a\0b\u{ad}c\td\u{202f}e\u{2212}1"), b"abc d\xa0e-1");
    assert_eq!(winansi("₹ 5"), b"Rs 5");
    assert_eq!(winansi("\u{e000}"), b"?");
}

#[test]
fn what_is_long_is_wrapped_and_what_is_too_long_is_cut() {
    let face = TEXT;
    let lines = wrapped("one two three four", face, 40, 8);
    assert_eq!(lines, [&b"one two"[..], b"three", b"four"]);
    assert_eq!(wrapped("", face, 40, 8), Vec::<Vec<u8>>::new());
    assert_eq!(wrapped("a\n\nb", face, 40, 8), [b"a", b"b"]);
    let lines = wrapped(&"0123456789".repeat(3), face, 40, 8);
    assert_eq!(lines.concat(), "0123456789".repeat(3).as_bytes());
    assert!(lines.iter().all(|line| width(line, face) <= 4000) && lines.len() == 5);
    let lines = wrapped(&"word ".repeat(100), face, 40, 2);
    assert_eq!(lines, [&b"word"[..], b"word\x85"].map(<[u8]>::to_vec).to_vec());
}

#[test]
fn it_stays_one_page() {
    let long = "many words ".repeat(500);
    let receipt = Receipt {
        merchant: long.clone(),
        title: long.clone(),
        lines: vec![(long.clone(), long.clone()); 200],
        amount: long.clone(),
        status: long.clone(),
        note: long,
    };
    let document = pdf(&receipt);
    well_formed(&document);
    let text = String::from_utf8_lossy(&document).into_owned();
    let heights: Vec<i32> = text
        .lines()
        .filter_map(|line| line.strip_suffix(" Td")?.rsplit(' ').next()?.parse().ok())
        .collect();
    assert!(heights.len() > 30);
    assert!(heights.iter().all(|height| (40..800).contains(height)), "{heights:?}");
    well_formed(&pdf(&Receipt::default()));
}

#[test]
fn text_cannot_leave_its_place() {
    let mut receipt = sample();
    receipt.note = ") Tj ET (\\".to_owned();
    receipt.title = "\\) /Evil (".to_owned();
    let document = pdf(&receipt);
    well_formed(&document);
    assert!(holds(&document, r"(\) Tj ET \(\\)"));
    assert!(holds(&document, r"/Title (\\\) /Evil \()"));
}

proptest! {
    #[test]
    fn any_text_makes_a_whole_document(text in any::<String>(), other in "\\PC{0,300}") {
        let lines = vec![(text.clone(), other.clone()), (other.clone(), text.clone())];
        let (merchant, title) = (text.clone(), other.clone());
        let (amount, status, note) = (other.clone(), text, other);
        well_formed(&pdf(&Receipt { merchant, title, lines, amount, status, note }));
    }
}
