//! A receipt as PDF: one A4 page with the typeface that every reader of PDFs has (Helvetica, with
//! the letters of Windows-1252). Equal receipts are equal bytes.

#[cfg(test)]
#[path = "receipt_tests.rs"]
mod tests;

use deunicode::deunicode_with_tofu;
use pdf_writer::{Content, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr};

/// What stands on a receipt, ready to be read. Letters that Windows-1252 does not have are written
/// with those that it has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Who was paid.
    pub merchant: String,
    /// What the page is, such as `Receipt 1234`; the document's title too.
    pub title: String,
    /// Names and values, in order. A value has room for eight lines.
    pub lines: Vec<(String, String)>,
    /// The amount with its currency.
    pub amount: String,
    /// What became of the payment.
    pub status: String,
    /// What is to be said below all that.
    pub note: String,
}

/// A size of letters: the font, its size and the distance of lines, in points (1/72 inch).
#[derive(Clone, Copy, Debug)]
struct Face {
    is_bold: bool,
    size: i16,
    leading: i16,
}

/// A4, in points.
const PAGE: (i16, i16) = (595, 842);
/// Empty on every side.
const MARGIN: i16 = 56;
/// How far to the right the values begin.
const VALUES: i16 = 150;

const HEADLINE: Face = Face { is_bold: true, size: 18, leading: 22 };
const TITLE: Face = Face { is_bold: false, size: 12, leading: 16 };
const AMOUNT: Face = Face { is_bold: true, size: 26, leading: 32 };
const TEXT: Face = Face { is_bold: false, size: 10, leading: 14 };
const NOTE: Face = Face { is_bold: false, size: 9, leading: 12 };

/// What does not fit ends with it.
const CUT: u8 = 0x85;
/// Lines of one value, and of the note.
const LINES_AT_MOST: usize = 8;

/// The document. What does not fit on the page is cut, with three dots where it goes on.
pub fn pdf(receipt: &Receipt) -> Vec<u8> {
    let [catalog, pages, page, regular, bold, content, information] =
        [1, 2, 3, 4, 5, 6, 7].map(Ref::new);
    let mut pdf = Pdf::new();
    let mut root = pdf.catalog(catalog);
    root.pages(pages).lang(TextStr("en"));
    root.viewer_preferences().display_doc_title(true);
    root.finish();
    pdf.pages(pages).kids([page]).count(1);
    let mut sheet = pdf.page(page);
    sheet.media_box(Rect::new(0.0, 0.0, f32::from(PAGE.0), f32::from(PAGE.1)));
    sheet.parent(pages).contents(content);
    sheet.resources().fonts().pair(REGULAR, regular).pair(BOLD, bold);
    sheet.finish();
    for (id, name) in [(regular, Name(b"Helvetica")), (bold, Name(b"Helvetica-Bold"))] {
        pdf.type1_font(id).base_font(name).encoding_predefined(Name(b"WinAnsiEncoding"));
    }
    pdf.stream(content, &drawn(receipt));
    pdf.document_info(information)
        .title(TextStr(&receipt.title))
        .author(TextStr(&receipt.merchant))
        .producer(TextStr("Tollgate"));
    pdf.finish()
}

const REGULAR: Name<'static> = Name(b"F1");
const BOLD: Name<'static> = Name(b"F2");

/// What is written on the page, from the top.
fn drawn(receipt: &Receipt) -> Vec<u8> {
    let whole = PAGE.0 - 2 * MARGIN;
    let mut sheet = Sheet { content: Content::new(), y: PAGE.1 - MARGIN };
    sheet.text(MARGIN, HEADLINE, &wrapped(&receipt.merchant, HEADLINE, whole, 3));
    sheet.text(MARGIN, TITLE, &wrapped(&receipt.title, TITLE, whole, 3));
    sheet.y -= 14;
    sheet.text(MARGIN, AMOUNT, &wrapped(&receipt.amount, AMOUNT, whole, 2));
    sheet.text(MARGIN, TITLE, &wrapped(&receipt.status, TITLE, whole, 3));
    sheet.rule();
    let note = wrapped(&receipt.note, NOTE, whole, LINES_AT_MOST);
    // Room for the note with the line above it.
    let mut floor = MARGIN;
    for _line in &note {
        floor += NOTE.leading;
    }
    if !note.is_empty() {
        floor += RULE;
    }
    for (name, value) in &receipt.lines {
        let name = wrapped(name, TEXT, VALUES - 12, LINES_AT_MOST);
        let value = wrapped(value, TEXT, whole - VALUES, LINES_AT_MOST);
        let (top, lines) = (sheet.y, name.len().max(value.len()));
        let height = i16::try_from(lines).unwrap_or(0) * TEXT.leading;
        if top - height - TEXT.leading < floor {
            sheet.text(MARGIN, TEXT, &[vec![CUT]]);
            break;
        }
        sheet.text(MARGIN, TEXT, &name);
        sheet.y = top;
        sheet.text(MARGIN + VALUES, TEXT, &value);
        sheet.y = top - height - 3;
    }
    if !note.is_empty() {
        sheet.rule();
        sheet.text(MARGIN, NOTE, &note);
    }
    sheet.content.finish().into_vec()
}

/// Room that a line across the page takes.
const RULE: i16 = 24;

struct Sheet {
    content: Content,
    /// Where the next line of text has its top; the page's lower edge is 0.
    y: i16,
}

impl Sheet {
    fn text(&mut self, x: i16, face: Face, lines: &[Vec<u8>]) {
        let font = if face.is_bold { BOLD } else { REGULAR };
        for line in lines {
            self.y -= face.leading;
            self.content
                .begin_text()
                .set_font(font, f32::from(face.size))
                // A part of the letters hangs below the line that they stand on.
                .next_line(f32::from(x), f32::from(self.y + face.size / 3))
                .show(Str(line))
                .end_text();
        }
    }

    fn rule(&mut self) {
        self.y -= RULE / 2;
        let (from, to, y) = (MARGIN, PAGE.0 - MARGIN, f32::from(self.y));
        self.content
            .save_state()
            .set_line_width(0.5)
            .set_stroke_gray(0.6)
            .move_to(f32::from(from), y)
            .line_to(f32::from(to), y)
            .stroke()
            .restore_state();
        self.y -= RULE - RULE / 2;
    }
}

/// The text in lines that are not wider than this many points, broken between words where there
/// are some; the last one that there is room for ends with dots when there is more.
fn wrapped(text: &str, face: Face, points: i16, at_most: usize) -> Vec<Vec<u8>> {
    let room = i32::from(points) * 1000 / i32::from(face.size);
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = Vec::new();
        for word in winansi(paragraph).split(|&byte| byte == b' ').filter(|word| !word.is_empty()) {
            let mut word = word.to_vec();
            let space: &[u8] = if line.is_empty() { b"" } else { b" " };
            if width(&[&line, space, &word].concat(), face) <= room {
                line.extend_from_slice(space);
                line.append(&mut word);
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            // A word that is too long for any line is broken anywhere.
            for byte in word {
                line.push(byte);
                if width(&line, face) > room {
                    line.pop();
                    lines.push(std::mem::replace(&mut line, vec![byte]));
                }
            }
        }
        // Empty lines say nothing.
        if !line.is_empty() {
            lines.push(line);
        }
    }
    if lines.len() > at_most {
        lines.truncate(at_most);
        if let Some(last) = lines.last_mut() {
            while !last.is_empty() && width(last, face).saturating_add(1000) > room {
                last.pop();
            }
            last.push(CUT);
        }
    }
    lines
}

/// The width in thousandths of the letters' size, never less than it is.
fn width(line: &[u8], face: Face) -> i32 {
    let regular: i32 = line.iter().map(|&byte| letter_width(byte)).sum();
    // No bold letter is wider than that.
    if face.is_bold { regular * 5 / 4 } else { regular }
}

/// After Adobe's metrics of Helvetica; letters outside of ASCII are given room for the widest.
const fn letter_width(byte: u8) -> i32 {
    match byte {
        b'i' | b'j' | b'l' | b'\'' => 222,
        b' ' | b'!' | b',' | b'.' | b'/' | b':' | b';' | b'I' | b'[' | b'\\' | b']' | b'f'
        | b't' | 0xa0 => 278,
        b'(' | b')' | b'-' | b'`' | b'r' | b'{' | b'}' | b'|' => 334,
        b'"' | b'*' => 389,
        b'J' | b'c' | b'k' | b's' | b'v' | b'x' | b'y' | b'z' | b'^' => 500,
        b'#'
        | b'$'
        | b'0'..=b'9'
        | b'?'
        | b'L'
        | b'_'
        | b'a'
        | b'b'
        | b'd'
        | b'e'
        | b'g'
        | b'h'
        | b'n'
        | b'o'
        | b'p'
        | b'q'
        | b'u' => 556,
        b'+' | b'<' | b'=' | b'>' | b'~' | b'F' | b'T' | b'Z' => 611,
        b'&' | b'A' | b'B' | b'E' | b'K' | b'P' | b'S' | b'V' | b'X' | b'Y' => 667,
        b'C' | b'D' | b'H' | b'N' | b'R' | b'U' | b'w' => 722,
        b'G' | b'O' | b'Q' => 778,
        b'M' | b'm' => 833,
        b'%' | b'W' => 944,
        b'@' => 1015,
        // Capital and small letters with marks.
        0xc0..=0xc5 | 0xc7..=0xff => 778,
        _ => 1000,
    }
}

/// What Windows-1252 has between 0x80 and 0x9F, in order; `\0` stands where it has nothing.
const HIGH: [char; 32] = [
    '€', '\0', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\0', 'Ž', '\0', '\0', '‘',
    '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\0', 'ž', 'Ÿ',
];

/// The letter's number in Windows-1252; none when it has no such letter.
fn winansi_byte(c: char) -> Option<u8> {
    match c {
        ' '..='~' | '\u{a0}'..='\u{ac}' | '\u{ae}'..='\u{ff}' => u8::try_from(c).ok(),
        // Narrow and other spaces that no line breaks at.
        '\u{202f}' | '\u{2007}' => Some(0xa0),
        '\u{2010}' | '\u{2011}' | '\u{2212}' => Some(b'-'),
        '\0' => None,
        _ => {
            let place = HIGH.iter().position(|&high| high == c)?;
            u8::try_from(place).ok()?.checked_add(0x80)
        }
    }
}

/// The text in Windows-1252, without control characters; runs of other letters are written with
/// ASCII ones.
fn winansi(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut foreign = String::new();
    for c in text.chars() {
        if c.is_whitespace() && winansi_byte(c).is_none() {
            flush(&mut foreign, &mut bytes);
            bytes.push(b' ');
        } else if c.is_control() || is_invisible(c) {
            // Seen nowhere else either.
        } else if let Some(byte) = winansi_byte(c) {
            flush(&mut foreign, &mut bytes);
            bytes.push(byte);
        } else {
            foreign.push(c);
        }
    }
    flush(&mut foreign, &mut bytes);
    bytes
}

/// Soft hyphens, joiners and what turns lines around.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn flush(foreign: &mut String, bytes: &mut Vec<u8>) {
    if !foreign.is_empty() {
        let written = deunicode_with_tofu(foreign, "?");
        bytes.extend(written.bytes().filter(|byte| matches!(byte, b' '..=b'~')));
        foreign.clear();
    }
}
