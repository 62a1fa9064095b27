//! Finds the forms of a page, as far as a customer's browser needs them to go on. It reads the
//! gateway's own pages, which are well-formed; it is no general parser.

/// A form with its fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Form {
    /// Where it goes, relative to the page; empty for the page itself.
    pub(crate) action: String,
    /// Inputs in the page's order.
    pub(crate) inputs: Vec<Control>,
    /// Buttons that submit it.
    pub(crate) buttons: Vec<Control>,
}

/// An input or a button.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Control {
    /// Its name; empty when it sends nothing.
    pub(crate) name: String,
    /// Its value.
    pub(crate) value: String,
    /// A button's own address, if it has one.
    pub(crate) action: String,
}

impl Form {
    /// Whether it has an input of this name.
    pub(crate) fn asks_for(&self, name: &str) -> bool {
        self.inputs.iter().any(|input| input.name == name)
    }

    /// What it sends with these fields filled in.
    pub(crate) fn filled(&self, name: &str, value: &str) -> Vec<(String, String)> {
        self.inputs
            .iter()
            .filter(|input| !input.name.is_empty())
            .map(|input| {
                let value = if input.name == name { value } else { &input.value };
                (input.name.clone(), value.to_owned())
            })
            .collect()
    }

    /// Where it goes and what it sends when the customer gives up, if it is for that: the form's
    /// or a button's address, name or value speaks of cancelling.
    pub(crate) fn cancelling(&self) -> Option<(String, Vec<(String, String)>)> {
        let speaks = |text: &str| text.to_lowercase().contains("cancel");
        let button = self
            .buttons
            .iter()
            .find(|button| speaks(&button.name) || speaks(&button.value) || speaks(&button.action));
        let mut fields = self.filled("", "");
        match button {
            Some(button) => {
                if !button.name.is_empty() {
                    fields.push((button.name.clone(), button.value.clone()));
                }
                let own = Some(&button.action).filter(|action| !action.is_empty());
                Some((own.unwrap_or(&self.action).clone(), fields))
            }
            None => speaks(&self.action).then(|| (self.action.clone(), fields)),
        }
    }
}

/// All forms that are sent by POST.
pub(crate) fn forms(html: &str) -> Vec<Form> {
    let mut forms = Vec::new();
    let mut open: Option<(Form, bool)> = None;
    for tag in tags(html) {
        let name = tag.split([' ', '\n', '\t', '\r', '/']).next().unwrap_or_default();
        match (name.to_ascii_lowercase().as_str(), &mut open) {
            ("form", _) => {
                let action = attribute(tag, "action").unwrap_or_default();
                let posts =
                    attribute(tag, "method").is_some_and(|m| m.eq_ignore_ascii_case("post"));
                open = Some((Form { action, ..Form::default() }, posts));
            }
            ("input", Some((form, _))) => form.inputs.push(control(tag)),
            ("button", Some((form, _))) => form.buttons.push(control(tag)),
            ("", Some(_)) if tag.to_ascii_lowercase().starts_with("/form") => {
                forms.extend(open.take().and_then(|(form, posts)| posts.then_some(form)));
            }
            _ => {}
        }
    }
    forms
}

/// The first link or refresh of the page that leads to an address beginning with `prefix`.
pub(crate) fn way_to(html: &str, prefix: &str) -> Option<String> {
    let refresh = |tag: &str| {
        let content = attribute(tag, "content")?;
        let url = content.split_once('=').map(|(_, url)| url.trim().to_owned());
        url.filter(|_| attribute(tag, "http-equiv").is_some())
    };
    tags(html)
        .filter_map(|tag| match tag.split_once(|c: char| c.is_ascii_whitespace()) {
            Some(("a", _)) => attribute(tag, "href"),
            Some(("meta", _)) => refresh(tag),
            _ => None,
        })
        .find(|url| url.starts_with(prefix))
}

fn control(tag: &str) -> Control {
    let text = |name| attribute(tag, name).unwrap_or_default();
    Control { name: text("name"), value: text("value"), action: text("formaction") }
}

/// The insides of all tags: `form method="post"` of `<form method="post">`.
fn tags(html: &str) -> impl Iterator<Item = &str> {
    html.split('<').skip(1).filter_map(|rest| {
        let mut quote = None;
        let end = rest.find(|c: char| {
            match (quote, c) {
                (None, '>') => return true,
                (None, '"' | '\'') => quote = Some(c),
                (Some(open), c) if open == c => quote = None,
                _ => {}
            }
            false
        })?;
        rest.get(..end)
    })
}

/// The value of an attribute; empty text when it has none.
fn attribute(tag: &str, wanted: &str) -> Option<String> {
    let mut rest = tag.split_once(|c: char| c.is_ascii_whitespace())?.1;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if rest.is_empty() {
            return None;
        }
        let end = rest.find(|c: char| c.is_ascii_whitespace() || c == '=').unwrap_or(rest.len());
        let (name, after) = rest.split_at_checked(end)?;
        let (value, after) = match after.trim_start().strip_prefix('=') {
            None => ("", after),
            Some(after) => {
                let after = after.trim_start();
                match after.chars().next().filter(|c| matches!(c, '"' | '\'')) {
                    Some(quote) => after.get(1..)?.split_once(quote)?,
                    None => {
                        after.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((after, ""))
                    }
                }
            }
        };
        if name.eq_ignore_ascii_case(wanted) {
            return Some(unescape(value));
        }
        rest = after;
    }
}

fn unescape(text: &str) -> String {
    let plain = text.replace("&quot;", "\"").replace("&#34;", "\"").replace("&#39;", "'");
    let plain = plain.replace("&#x27;", "'").replace("&lt;", "<").replace("&gt;", ">");
    plain.replace("&#60;", "<").replace("&#62;", ">").replace("&#38;", "&").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<!doctype html><form action="/search"><input name=q></form>
<form class="otp" method="post"
      action="/api/authurl/1?a=1&amp;b=2">
  <input type="hidden" name="token" value="x&quot;y>z">
  <input name="otp" inputmode="numeric" autocomplete="one-time-code" required>
  <button type="submit">Pay</button>
</form>
<form method=POST action=/api/authurl/1/cancel><input type=hidden name=token value=t /><button>Cancel</button></form>"#;

    #[test]
    fn finds_the_forms_that_are_posted() {
        let found = forms(PAGE);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].action, "/api/authurl/1?a=1&b=2");
        assert!(found[0].asks_for("otp") && !found[1].asks_for("otp"));
        let sent = found[0].filled("otp", "123456");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(sent, [pair("token", "x\"y>z"), pair("otp", "123456")]);
        assert_eq!(found[0].cancelling(), None);
        let expected = ("/api/authurl/1/cancel".to_owned(), vec![pair("token", "t")]);
        assert_eq!(found[1].cancelling(), Some(expected));
    }

    #[test]
    fn a_button_may_cancel() {
        let named = r#"<form method="post"><input name="otp"><button name="action" value="cancel">
            No</button></form>"#;
        let (action, fields) = forms(named)[0].cancelling().unwrap();
        assert_eq!(action, "");
        assert_eq!(fields.last().unwrap(), &("action".to_owned(), "cancel".to_owned()));
        let elsewhere =
            r#"<form method="post" action="/a"><button formaction="/a/cancel">No</button></form>"#;
        assert_eq!(forms(elsewhere)[0].cancelling().unwrap().0, "/a/cancel");
    }

    #[test]
    fn a_page_may_lead_on_by_a_link_or_a_refresh() {
        let page = r#"<meta charset="utf-8"><meta http-equiv="refresh"
            content="0; url=http://shop.test/back?a=1&amp;b=2"><a href="/x">x</a>"#;
        let shop = "http://shop.test/back";
        assert_eq!(way_to(page, shop).as_deref(), Some("http://shop.test/back?a=1&b=2"));
        let link = r#"<a class="on" href='http://shop.test/back?c=3'>On</a>"#;
        assert_eq!(way_to(link, shop).as_deref(), Some("http://shop.test/back?c=3"));
        assert_eq!(way_to("<a href=http://elsewhere.test/>x</a>", shop), None);
    }

    #[test]
    fn broken_pages_have_no_forms_and_do_no_harm() {
        for page in
            ["", "<", "<form", "<form method=post action='x", "<form method=post>", "</form>"]
        {
            assert!(forms(page).is_empty(), "{page}");
        }
    }
}
