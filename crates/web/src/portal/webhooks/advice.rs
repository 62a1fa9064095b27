//! Why a webhook did not arrive, in words of those who can mend it.

/// Why, and what to do; none where there is nothing to mend.
pub(super) fn advice(status: Option<u16>, error: Option<&str>) -> Option<&'static str> {
    if let Some(status) = status {
        return of_status(status);
    }
    Some(match error? {
        "the name could not be resolved" => {
            "The address's name is not in the DNS. Check how it is spelt, and that its DNS entry is public."
        }
        "could not connect" => {
            "Nothing listens at this address, or a firewall lets nobody in. Check that your server runs and can be reached from outside."
        }
        "TLS failed" => {
            "No secure connection came about. Check that the certificate is valid, is for this name, and comes with its intermediate certificates."
        }
        "timed out" => {
            "Your server took too long. Store the message, answer 200 at once, and do the work afterwards."
        }
        "the address is not allowed" => {
            "The address leads into a private network, where webhooks are not sent. Use a public address."
        }
        "the address must be https" => "Live webhooks go to https addresses only. Change it.",
        "the address is not valid" | "a header is not valid" => {
            "The address cannot be used. Correct it."
        }
        "no valid answer" => {
            "Something answered that is not HTTP, or broke off. Check the port, and what stands before your server."
        }
        _ => "Look into your server's log at this time.",
    })
}

fn of_status(status: u16) -> Option<&'static str> {
    Some(match status {
        200..=299 => return None,
        300..=399 => {
            "Your server sent the message elsewhere, and redirects are not followed. Use the address that they end at."
        }
        401 | 403 => {
            "Your server asks for a login, or blocks the sender. Let webhooks in without one, and check their signature instead."
        }
        404 => "Nothing is at this address on your server. Correct the path.",
        405 => "Your server does not take POST at this address. Correct the path or the route.",
        408 | 504 => {
            "Your server took too long. Store the message, answer 200 at once, and do the work afterwards."
        }
        410 => {
            "Your server says that it is gone for good, and it is not tried again. Answer 200 to take part again, then send it again."
        }
        413 => "Your server takes no message of this size. Raise its limit to 64 kB.",
        415 => "Your server does not read this content type. It must take application/json.",
        429 => "Your server had too much to do and asked for a pause. It is tried more slowly.",
        500..=599 => "Your server failed. Look into its log at this time, and mend it.",
        _ => {
            "Only an answer from 200 to 299 counts as received. Answer 200 once the message is stored."
        }
    })
}

/// JSON with its lines broken and its order kept; any other text as it is.
pub(in crate::portal) fn pretty(text: &str) -> String {
    if serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len().saturating_mul(2));
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let mut before = ' ';
    for c in text.chars() {
        if quoted {
            shown.push(c);
            quoted = c != '"' || escaped;
            escaped = c == '\\' && !escaped;
            before = c;
            continue;
        }
        match c {
            ' ' | '\n' | '\r' | '\t' => continue,
            '"' => {
                break_after(&mut shown, before, depth);
                shown.push(c);
                quoted = true;
            }
            '{' | '[' => {
                break_after(&mut shown, before, depth);
                shown.push(c);
                depth = depth.saturating_add(1);
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                if before != '{' && before != '[' {
                    new_line(&mut shown, depth);
                }
                shown.push(c);
            }
            ',' => shown.push(c),
            ':' => shown.push_str(": "),
            _ => {
                break_after(&mut shown, before, depth);
                shown.push(c);
            }
        }
        before = c;
    }
    shown
}

fn break_after(shown: &mut String, before: char, depth: usize) {
    if matches!(before, '{' | '[' | ',') {
        new_line(shown, depth);
    }
}

fn new_line(shown: &mut String, depth: usize) {
    shown.push('\n');
    shown.push_str(&"  ".repeat(depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_broken_into_lines_in_its_order() {
        let text = r#"{"b":"x, {\"y\\","a":[1,2,{}],"c":{"d":null},"e":[]}"#;
        let shown = "{\n  \"b\": \"x, {\\\"y\\\\\",\n  \"a\": [\n    1,\n    2,\n    {}\n  ],\n  \
                     \"c\": {\n    \"d\": null\n  },\n  \"e\": []\n}";
        assert_eq!(pretty(text), shown);
        assert_eq!(pretty("<b>no json</b>"), "<b>no json</b>");
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&pretty(text)).unwrap(), value);
    }

    #[test]
    fn whatever_failed_is_explained() {
        assert_eq!(advice(Some(204), None), None);
        assert_eq!(advice(None, None), None);
        for status in [100, 301, 400, 401, 404, 405, 410, 413, 415, 429, 500, 503, 504] {
            assert!(advice(Some(status), Some("answered")).is_some(), "{status}");
        }
        for error in ["timed out", "TLS failed", "something new"] {
            assert!(advice(None, Some(error)).is_some(), "{error}");
        }
    }
}
