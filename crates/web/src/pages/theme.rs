//! A terminal's looks: a small style sheet over the house's own, and its logo.
//!
//! The style sheet's address says all that it depends on (`theme.<accent>-<radius>.<hash>.css`),
//! so that any node serves it without asking a database, and a browser keeps it for ever.

use crate::app::{App, Caller};
use aws_lc_rs::digest::{SHA384, digest};
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::id::TerminalNumber;
use domain::theme::{Colour, Logo, Palette, Scheme, Theme};
use engine::Actor;
use engine::error::Fault;
use std::fmt::Write as _;

/// A logo that is opened by itself is a picture and nothing else.
const LOGO_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// What a page names of a theme's style sheet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ThemeLink {
    /// `/assets/theme.<accent>-<radius>.<hash>.css`
    pub(super) path: String,
    /// For the `integrity` attribute.
    pub(super) integrity: String,
}

impl ThemeLink {
    /// None where nothing is set that a style sheet would say.
    pub(super) fn of(theme: &Theme) -> Option<Self> {
        if theme.accent.is_none() && theme.radius.is_none() {
            return None;
        }
        let hash = digest(&SHA384, style_sheet(theme.accent, theme.radius).as_bytes());
        let accent = theme.accent.map(|accent| accent.to_string().replace('#', ""));
        let radius = theme.radius.map(|radius| radius.to_string());
        let short = hash.as_ref().get(..12).unwrap_or_default();
        Some(Self {
            path: format!(
                "/assets/theme.{}-{}.{}.css",
                accent.unwrap_or_default(),
                radius.unwrap_or_default(),
                URL_SAFE_NO_PAD.encode(short)
            ),
            integrity: format!("sha384-{}", STANDARD.encode(hash)),
        })
    }
}

/// The style sheet behind a file's name; none where the name is not one that a page would say.
pub(crate) fn style_sheet_named(file: &str) -> Option<String> {
    let tokens = file.strip_prefix("theme.")?.split('.').next()?;
    let (accent, radius) = tokens.split_once('-')?;
    let accent: Option<Colour> =
        if accent.is_empty() { None } else { Some(format!("#{accent}").parse().ok()?) };
    let radius = if radius.is_empty() { None } else { Some(radius.parse().ok()?) };
    let theme = Theme { accent, radius, logo: None };
    let link = ThemeLink::of(&theme)?;
    let said = link.path.strip_prefix("/assets/") == Some(file);
    said.then(|| style_sheet(accent, radius))
}

fn style_sheet(accent: Option<Colour>, radius: Option<u8>) -> String {
    let mut css = String::new();
    if let Some(radius) = radius {
        // Writing to a String cannot fail.
        let _written = write!(css, ":root{{--round:{radius}px}}");
    }
    if let Some(Palette { light, dark }) = accent.map(Palette::of) {
        let stub = |scheme: &Scheme| {
            format!(
                "--stub:{};--stub-ink:#fff;--stub-soft:{};--stub-line:{}",
                scheme.stub, scheme.stub_soft, scheme.stub_line
            )
        };
        let tokens = |scheme: &Scheme| {
            format!(
                "--accent:{};--accent-strong:{};--on-accent:{}",
                scheme.accent, scheme.accent_strong, scheme.on_accent
            )
        };
        let _written = write!(
            css,
            "@media screen{{:root{{{};{}}}}}\
             @media screen and (prefers-color-scheme:dark){{:root{{{}}}}}",
            tokens(&light),
            stub(&light),
            tokens(&dark)
        );
    }
    css
}

/// A logo's path inside the site.
pub(super) fn logo_path(terminal: TerminalNumber, logo: &Logo) -> String {
    format!("/assets/logo/{terminal}.{}.{}", hash_of(logo), logo.kind().extension())
}

fn hash_of(logo: &Logo) -> String {
    let hash = digest(&SHA384, &logo.bytes());
    URL_SAFE_NO_PAD.encode(hash.as_ref().get(..12).unwrap_or_default())
}

/// `GET /assets/logo/{terminal}.{hash}.{extension}`. A logo that was changed is not found by its
/// former name.
pub(super) async fn logo(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(file): Path<String>,
) -> Response {
    let number = file.split('.').next().and_then(|number| number.parse().ok());
    let Some(number) = number.map(TerminalNumber) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match app.gateway.logo(Actor::Holder { caller }, number).await {
        Ok(Some(logo)) if logo_path(number, &logo).ends_with(&format!("/{file}")) => {
            logo_response(&logo)
        }
        Ok(_) => StatusCode::NOT_FOUND.into_response(),
        Err(Fault::Busy | Fault::Unavailable(_)) => {
            ([(header::RETRY_AFTER, "1")], StatusCode::SERVICE_UNAVAILABLE).into_response()
        }
        Err(Fault::Broken(why)) => {
            tracing::error!(why, "a logo was not shown");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// A logo with the headers that keep it a picture.
pub(super) fn logo_response(logo: &Logo) -> Response {
    let mut response = logo.bytes().into_response();
    for (name, value) in [
        (header::CONTENT_TYPE, logo.kind().content_type()),
        (header::CACHE_CONTROL, FOR_EVER),
        (header::CONTENT_SECURITY_POLICY, LOGO_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn theme(accent: Option<&str>, radius: Option<u8>) -> Theme {
        Theme { accent: accent.map(|text| text.parse().unwrap()), radius, logo: None }
    }

    #[test]
    fn a_style_sheet_is_found_by_its_own_name_only() {
        assert_eq!(ThemeLink::of(&Theme::default()), None);
        for theme in
            [theme(Some("#ff6600"), Some(0)), theme(Some("#001f5b"), None), theme(None, Some(24))]
        {
            let link = ThemeLink::of(&theme).unwrap();
            let file = link.path.strip_prefix("/assets/").unwrap();
            let css = style_sheet_named(file).unwrap();
            let hash = STANDARD.encode(digest(&SHA384, css.as_bytes()));
            assert_eq!(link.integrity, format!("sha384-{hash}"));
            assert!(css.len() < 400, "{css}");
            for other in [file.replace(".css", ".js"), file.replace("theme.", "theme.1")] {
                assert_eq!(style_sheet_named(&other), None, "{other}");
            }
        }
        for bad in ["theme.", "theme.-.x.css", "theme.}-1.x.css", "pay.css", "theme.ff6600-9.css"] {
            assert_eq!(style_sheet_named(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_too_weak_is_shown_stronger() {
        let css = style_sheet(Some("#ff6600".parse().unwrap()), Some(4));
        assert!(css.starts_with(":root{--round:4px}@media screen{:root{--accent:#c"), "{css}");
        assert!(css.contains("dark){:root{--accent:#ff6600;"), "{css}");
    }

    #[test]
    fn the_surfaces_are_those_of_the_style_sheet() {
        let css = include_str!("../../assets/pay.css");
        let (light, dark) = css.split_once("@media (prefers-color-scheme: dark)").unwrap();
        assert!(light.contains("--surface: #fff;"));
        assert_eq!(domain::theme::LIGHT_SURFACE.to_string(), "#ffffff");
        assert!(dark.contains(&format!("--surface: {};", domain::theme::DARK_SURFACE)));
    }
}
