//! The form of server-sent events (WHATWG HTML, "Interpreting an event stream"): bytes in, in
//! whatever pieces they come, events out. Bounded: a line or an event has a largest size.

/// Largest line, and largest data of an event, in bytes. No webhook is larger.
const LARGEST: usize = 4 << 20;
/// A mark that a text may begin with, and that means nothing.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// An event of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StreamEvent {
    /// Its kind; `message` where the stream names none.
    pub(crate) kind: String,
    /// Its data; lines are separated by line feeds.
    pub(crate) data: String,
}

/// A line or an event is larger than any that is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event is larger than {LARGEST} bytes")]
pub(crate) struct TooLarge;

/// What has come so far of a line and of an event.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    line: Vec<u8>,
    began: bool,
    after_carriage_return: bool,
    kind: String,
    data: String,
    id: Option<String>,
    last_id: Option<String>,
}

impl Decoder {
    /// Takes the next bytes; the events that are complete with them.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Vec<StreamEvent>, TooLarge> {
        let mut events = Vec::new();
        for &byte in bytes {
            // CR LF is one end of a line, and may be cut in between.
            let half = std::mem::replace(&mut self.after_carriage_return, byte == b'\r');
            match byte {
                b'\n' if half => {}
                b'\n' | b'\r' => {
                    let line = std::mem::take(&mut self.line);
                    events.extend(self.end_of_line(&line)?);
                }
                _ if self.line.len() >= LARGEST => return Err(TooLarge),
                _ => self.line.push(byte),
            }
        }
        Ok(events)
    }

    /// The id that the stream gave last, to go on behind it on another connection.
    pub(crate) fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    fn end_of_line(&mut self, line: &[u8]) -> Result<Option<StreamEvent>, TooLarge> {
        let first = !std::mem::replace(&mut self.began, true);
        let line = if first { line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line) } else { line };
        let line = String::from_utf8_lossy(line);
        if line.is_empty() {
            return Ok(self.end_of_event());
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.kind),
            "data" if self.data.len().saturating_add(value.len()) >= LARGEST => {
                return Err(TooLarge);
            }
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            // A comment, the pause that the stream wishes for, or what nobody has heard of.
            _ => {}
        }
        Ok(None)
    }

    fn end_of_event(&mut self) -> Option<StreamEvent> {
        self.last_id.clone_from(&self.id);
        let kind = std::mem::take(&mut self.kind);
        let mut data = std::mem::take(&mut self.data);
        // Without any line of data it is no event.
        data.pop()?;
        let kind = if kind.is_empty() { "message".to_owned() } else { kind };
        Some(StreamEvent { kind, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event(kind: &str, data: &str) -> StreamEvent {
        StreamEvent { kind: kind.to_owned(), data: data.to_owned() }
    }

    /// The events of a text, and the id behind which to go on.
    fn decoded(text: &str, piece: usize) -> (Vec<StreamEvent>, Option<String>) {
        let mut decoder = Decoder::default();
        let pieces = text.as_bytes().chunks(piece);
        let events = pieces.flat_map(|piece| decoder.push(piece).unwrap()).collect();
        (events, decoder.last_id().map(str::to_owned))
    }

    const STREAM: &str = "\u{feff}: welcome\n\nid: 7\nevent: delivery\ndata: {\"a\":\ndata:  \"\u{e9}\"}\n\n\
        data\n\n: keep-alive\r\n\r\nretry: 10\r\nid:8\r\nevent:delivery\r\ndata:x\r\n\r\n\
        event: empty\rid\r\rdata: y\r\runknown: z\nid: never\ndata: cut off\n";

    #[test]
    fn every_end_of_line_in_every_piece() {
        let expected = vec![
            event("delivery", "{\"a\":\n \"\u{e9}\"}"),
            event("message", ""),
            event("delivery", "x"),
            event("message", "y"),
        ];
        for piece in 1..=STREAM.len() {
            let (events, last_id) = decoded(STREAM, piece);
            assert_eq!(events, expected, "pieces of {piece}");
            // Set back by the event without data; the one that was cut off does not count.
            assert_eq!(last_id.as_deref(), Some(""), "pieces of {piece}");
        }
    }

    #[test]
    fn an_id_counts_from_the_end_of_its_event() {
        assert_eq!(decoded("id: 7\n\nid: 8\ndata: x\n", 4).1.as_deref(), Some("7"));
        assert_eq!(decoded("id: 7\n\nid: a\0b\n\ndata: x\n\n", 4).1.as_deref(), Some("7"));
        assert_eq!(decoded("data: x\n\n", 4).1, None);
    }

    #[test]
    fn what_is_too_large_ends_it() {
        let half = vec![b'x'; LARGEST / 2 + 1];
        let mut decoder = Decoder::default();
        assert_eq!(decoder.push(&half), Ok(Vec::new()));
        assert_eq!(decoder.push(&half), Err(TooLarge));
        let mut decoder = Decoder::default();
        let line = [b"data: ", half.as_slice(), b"\n"].concat();
        assert_eq!(decoder.push(&line), Ok(Vec::new()));
        assert_eq!(decoder.push(&line), Err(TooLarge));
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(bytes in "[a-d:\u{e9} \r\n]{0,60}", piece in 1_usize..9) {
            let text = bytes.replace('a', "data").replace('b', "id").replace('c', "event");
            prop_assert_eq!(decoded(&text, piece), decoded(&text, usize::MAX));
        }
    }
}
