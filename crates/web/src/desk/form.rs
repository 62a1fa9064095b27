//! Forms that change something. A handler gets one only after it was proved to be ours: sent by
//! our own page, to the session that the page was made for.

use super::trouble::Trouble;
use super::visit::Visit;
use crate::app::Site;
use crate::body::{BodyError, read_body};
use crate::origin::is_another_site;
use axum::body::Body;
use bytes::Bytes;
use domain::secret::SecretText;
use engine::user::UserRefused;
use http::{HeaderMap, StatusCode, Uri, header};
use std::str::FromStr;

/// Most bytes of a form; a terminal's has its logo in it.
const FORM_MOST: usize = 512 * 1024;

/// The fields of a form, and the files that came with it.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    values: Vec<(String, String)>,
    files: Vec<(String, Bytes)>,
}

/// A form of the visitor's session.
#[derive(Clone, Debug)]
pub struct Posted(Fields);

impl std::ops::Deref for Posted {
    type Target = Fields;

    fn deref(&self) -> &Fields {
        &self.0
    }
}

/// A form of a page for those who are not signed in, sent by our own page.
#[derive(Clone, Debug)]
pub(crate) struct PublicForm(pub(crate) Fields);

impl Posted {
    /// Reads the form, and proves that it is ours.
    pub(super) async fn read(visit: &Visit, body: Body) -> Result<Self, Trouble> {
        let fields = read(&visit.app.site, &visit.uri, &visit.headers, body).await?;
        let shown = fields.text("csrf");
        let vault = visit.app.gateway.vault();
        // Digests are compared, so that the time of the answer tells nothing of the token.
        let digest = |text: &str| vault.digest(&[b"shown", text.as_bytes()]);
        if digest(&shown) != digest(&visit.csrf()) {
            return Err(Trouble::Refused(
                StatusCode::FORBIDDEN,
                "This form is of an earlier session. Go back, reload the page, and send it again."
                    .to_owned(),
            ));
        }
        Ok(Self(fields))
    }

    /// The password that was typed again, where it is needed: proves the visitor before keys are
    /// shown or much money goes back.
    pub async fn prove(&self, visit: &Visit) -> Result<(), Trouble> {
        if !visit.needs_password() {
            return Ok(());
        }
        let password = SecretText::new(self.raw("password").to_owned());
        if password.reveal().is_empty() {
            return Err(Trouble::Field("password", "type your password to go on".to_owned()));
        }
        let proved =
            visit.app.gateway.prove_again(visit.actor(), (&visit.session, &visit.user), password);
        match proved.await {
            Ok(()) => Ok(()),
            Err(UserRefused::Fault(fault)) => Err(fault.into()),
            Err(refused) => Err(Trouble::Field("password", refused.to_string())),
        }
    }
}

impl PublicForm {
    /// Reads the form of whoever is not signed in.
    pub(crate) async fn read(
        site: &Site,
        uri: &Uri,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Self, Trouble> {
        read(site, uri, headers, body).await.map(Self)
    }
}

impl Fields {
    /// A field as it was sent; empty when it was not.
    pub fn raw(&self, name: &str) -> &str {
        let found = self.values.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// The same, trimmed.
    pub fn text(&self, name: &str) -> String {
        self.raw(name).trim().to_owned()
    }

    /// The same, none when it is empty.
    pub fn optional(&self, name: &str) -> Option<String> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    /// All values of a field, as of ticked boxes.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.values.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether a box is ticked.
    pub fn is_ticked(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// A field by its form.
    pub fn parsed<T: FromStr>(&self, name: &'static str, form: &str) -> Result<T, Trouble> {
        self.text(name).parse().map_err(|_form| Trouble::Field(name, form.to_owned()))
    }

    /// A file; none when nothing was chosen.
    pub fn file(&self, name: &str) -> Option<&Bytes> {
        let found = self.files.iter().find(|(key, _)| key == name);
        found.map(|(_, bytes)| bytes).filter(|bytes| !bytes.is_empty())
    }

    /// Fields for a page that shows the form again.
    pub fn values(&self) -> &[(String, String)] {
        &self.values
    }
}

async fn read(site: &Site, uri: &Uri, headers: &HeaderMap, body: Body) -> Result<Fields, Trouble> {
    let refused = |status, text: &str| Trouble::Refused(status, text.to_owned());
    if is_another_site(site, uri, headers) {
        let text = "This form was sent by another website. Nothing was done.";
        return Err(refused(StatusCode::FORBIDDEN, text));
    }
    let bytes = read_body(body, FORM_MOST).await.map_err(|error| match error {
        BodyError::TooLarge => {
            refused(StatusCode::PAYLOAD_TOO_LARGE, "The form is larger than 512 kB.")
        }
        BodyError::TooSlow | BodyError::Broken => {
            refused(StatusCode::REQUEST_TIMEOUT, "The form did not arrive whole. Send it again.")
        }
    })?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.unwrap_or_default();
    if let Ok(boundary) = multer::parse_boundary(kind) {
        return multipart(bytes, boundary)
            .await
            .map_err(|_form| refused(StatusCode::BAD_REQUEST, "The form cannot be read."));
    }
    if !kind.starts_with("application/x-www-form-urlencoded") {
        let text = "The form must be application/x-www-form-urlencoded or multipart/form-data.";
        return Err(refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    }
    let values = form_urlencoded::parse(&bytes).into_owned().collect();
    Ok(Fields { values, files: Vec::new() })
}

async fn multipart(bytes: Bytes, boundary: String) -> Result<Fields, multer::Error> {
    let stream = OnePart(Some(bytes));
    let mut parts = multer::Multipart::new(stream, boundary);
    let mut fields = Fields::default();
    while let Some(part) = parts.next_field().await? {
        let Some(name) = part.name().map(str::to_owned) else { continue };
        if part.file_name().is_some() {
            fields.files.push((name, part.bytes().await?));
        } else {
            fields.values.push((name, part.text().await?));
        }
    }
    Ok(fields)
}

/// A body that has arrived, as a stream.
struct OnePart(Option<Bytes>);

impl futures_core::Stream for OnePart {
    type Item = Result<Bytes, std::convert::Infallible>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(self.0.take().map(Ok))
    }
}
