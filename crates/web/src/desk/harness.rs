//! For tests of the desks: a gateway over the store in memory, with two merchants that look alike
//! and somebody of every role. Requests go through the whole router, as browsers send them.
//!
//! `House::new().await`, then `house.get(Role::Owner, "/portal/test").await`, or
//! `house.post(Role::Owner, path, &[("field", "value")]).await`, which adds the form's token.
//! [`OWN`] and [`FOREIGN`] name what each merchant has.

use crate::app::{App, Caller, Site, router};
use crate::fake::World;
use aws_lc_rs::rand::SecureRandom as _;
use axum::Router;
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::api_token::{ApiToken, TokenFacts, TokenScope};
use domain::call::Word;
use domain::delivery::DeliveryId;
use domain::endpoint::EndpointState;
use domain::event_type::EventPattern;
use domain::id::{EndpointNumber, MerchantId, TerminalNumber};
use domain::merchant::Merchant;
use domain::outcome::{BankFacts, Outcome};
use domain::payment::Payment;
use domain::secret::SecretText;
use domain::terminal::{Mode, Settings};
use domain::text::WebAddress;
use domain::user::{Email, Role, Session, User, UserFacts, UserId, UserState};
use engine::changeset::{
    Changeset, DeskChange, EndpointChange, StoredEndpoint, TerminalChange, TokenChange,
};
use engine::password::code_at;
use engine::ports::{Mail, Mailer, Random, Store as _};
use engine::user::{Accept, Invite};
use engine::{Actor, Gateway, Parts};
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use testkit::fixture;
use testkit::memory_store::MemoryStore;
use tower::ServiceExt as _;

/// What a merchant has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Belongings {
    pub(crate) merchant: MerchantId,
    pub(crate) test_terminal: TerminalNumber,
    pub(crate) live_terminal: TerminalNumber,
    pub(crate) endpoint: EndpointNumber,
    /// The draws of its payments' numbers: one approved, one that waits.
    approved: u64,
    waiting: u64,
}

/// The merchant that the portal's users of this house work for.
pub(crate) const OWN: Belongings = Belongings {
    merchant: MerchantId(1),
    test_terminal: TerminalNumber(42),
    live_terminal: TerminalNumber(43),
    endpoint: EndpointNumber(1),
    approved: 1,
    waiting: 2,
};

/// Another merchant, who has the same.
pub(crate) const FOREIGN: Belongings = Belongings {
    merchant: MerchantId(2),
    test_terminal: TerminalNumber(52),
    live_terminal: TerminalNumber(53),
    endpoint: EndpointNumber(2),
    approved: 3,
    waiting: 4,
};

impl Belongings {
    /// Its approved payment of 11.11 USD, in test mode.
    pub(crate) fn approved(&self) -> Payment {
        self.payment(self.approved)
    }

    /// Its payment that waits for its customer.
    pub(crate) fn waiting(&self) -> Payment {
        self.payment(self.waiting)
    }

    fn payment(&self, draw: u64) -> Payment {
        Payment {
            merchant: self.merchant,
            terminal: self.test_terminal,
            ..fixture::payment(draw, &format!("order {draw} <b>of {}</b>", self.merchant))
        }
    }

    /// The webhook that tells of the approved payment.
    pub(crate) fn delivery(&self) -> DeliveryId {
        DeliveryId::own(self.approved().id, 1)
    }
}

/// The password of everybody.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// Mails that were sent.
#[derive(Debug, Default)]
pub(crate) struct Mailbox(pub(crate) Mutex<Vec<Mail>>);

#[async_trait::async_trait]
impl Mailer for Mailbox {
    async fn send(&self, mail: Mail) -> Result<(), String> {
        self.0.lock().unwrap().push(mail);
        Ok(())
    }
}

#[derive(Debug)]
struct Dice;

impl Random for Dice {
    fn fill(&self, buffer: &mut [u8]) {
        aws_lc_rs::rand::SystemRandom::new().fill(buffer).unwrap();
    }
}

/// The house.
pub(crate) struct House {
    pub(crate) app: App,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) world: Arc<World>,
    pub(crate) mails: Arc<Mailbox>,
    router: Router,
}

/// The public key of a terminal of this house.
pub(crate) fn public_key(number: TerminalNumber) -> String {
    STANDARD.encode([u8::try_from(number.0).unwrap(); 32])
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Page {
    /// Where the browser is sent.
    pub(crate) fn location(&self) -> &str {
        self.headers.get(header::LOCATION).map_or("", |value| value.to_str().unwrap())
    }

    /// The value of a hidden field.
    pub(crate) fn hidden(&self, name: &str) -> String {
        let before = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.body.split_once(&before).expect(name);
        rest.split('"').next().unwrap().to_owned()
    }
}

/// Every role there is, the operator's included.
pub(crate) const ROLES: [Role; 7] = [
    Role::Owner,
    Role::Admin,
    Role::Developer,
    Role::Finance,
    Role::Support,
    Role::ReadOnly,
    Role::Operator,
];

fn user_number(role: Role) -> UserId {
    UserId(
        100 + ROLES.iter().position(|one| *one == role).map_or(0, |at| i64::try_from(at).unwrap()),
    )
}

/// The token that every user of a merchant has; nobody knows its text.
pub(crate) fn token_of(user: UserId, merchant: MerchantId) -> ApiToken {
    ApiToken {
        digest: [u8::try_from(user.0).unwrap(); 32],
        user,
        merchant,
        facts: TokenFacts {
            name: format!("Token <s>of</s> {user}"),
            mode: Mode::Test,
            scopes: vec![TokenScope::ReadBalance],
        },
        created_at: fixture::now(),
        expires_at: fixture::now().plus(Duration::from_hours(24 * 7)),
        used_at: None,
    }
}

/// The user of a role of the other merchant.
pub(crate) const STRANGER: UserId = UserId(200);

impl House {
    /// The house with everybody in it.
    pub(crate) async fn new() -> Self {
        let world = Arc::new(World::with(fixture::payment(99, "nobody's"), fixture::now()));
        let store = Arc::new(MemoryStore::default());
        let gateway = Gateway::new(Parts {
            store: Arc::<MemoryStore>::clone(&store),
            desks: Arc::<MemoryStore>::clone(&store),
            vault: Arc::<World>::clone(&world),
            clock: Arc::<World>::clone(&world),
            random: Arc::new(Dice),
            connectors: vec![Arc::<World>::clone(&world)],
            notices: Arc::new(crate::notice::PageNotices),
            dialer: Arc::<World>::clone(&world),
            post_timeout: Duration::from_secs(5),
        });
        let mails = Arc::new(Mailbox::default());
        let site = Site { public_url: "https://pay.example".to_owned() };
        let app = App::new(gateway, site).with_mailer(Arc::<Mailbox>::clone(&mails));
        let house = Self { router: router(app.clone()), app, store, world, mails };
        for belongings in [OWN, FOREIGN] {
            house.furnish(belongings).await;
        }
        let password = house.password_hash().await;
        for role in ROLES {
            let merchant = (role != Role::Operator).then_some(OWN.merchant);
            house.add_user(user_number(role), merchant, role, &password).await;
        }
        house.add_user(STRANGER, Some(FOREIGN.merchant), Role::Owner, &password).await;
        house
    }

    async fn commit(&self, changeset: Changeset) {
        self.store.commit(changeset).await.unwrap();
    }

    async fn furnish(&self, it: Belongings) {
        let name = format!("Shop {} <script>alert(1)</script>", it.merchant);
        let merchant = Merchant { id: it.merchant, name: name.clone(), ..fixture::merchant() };
        self.commit(Changeset { merchant: Some(merchant), ..Changeset::default() }).await;
        for (number, mode) in [(it.test_terminal, Mode::Test), (it.live_terminal, Mode::Live)] {
            let mut terminal = fixture::stored_terminal();
            terminal.number = number;
            terminal.merchant = it.merchant;
            terminal.merchant_name.clone_from(&name);
            terminal.name = format!("Terminal {number} <img src=x onerror=alert(1)>");
            terminal.mode = mode;
            terminal.settings = Settings::for_all_methods();
            terminal.public_keys = vec![public_key(number)];
            terminal.sealed_secrets = self.world.terminal.lock().unwrap().sealed_secrets.clone();
            let change = TerminalChange { terminal, expected_version: None };
            self.commit(Changeset { terminal: Some(change), ..Changeset::default() }).await;
        }
        let waiting = it.waiting();
        self.commit(fixture::insert(&waiting)).await;
        let payment = it.approved();
        self.commit(fixture::insert(&payment)).await;
        let now = payment.created_at;
        let sending = payment.begin_sending(now).unwrap();
        let sent = sending.payment.clone();
        self.commit(Changeset::payment_changed("send", sending)).await;
        let yes = Word::Outcome(Outcome::Approved(BankFacts::default()));
        let done = sent.record(yes, fixture::rules(), now).unwrap();
        let delivery = fixture::delivery(&done.payment);
        let changeset = Changeset::payment_changed("decide", done);
        self.commit(Changeset { deliveries: vec![delivery], ..changeset }).await;
        let endpoint = StoredEndpoint {
            number: it.endpoint,
            merchant: it.merchant,
            terminal: None,
            mode: Mode::Test,
            url: WebAddress::parse(&format!("https://shop{}.example/hook", it.merchant)).unwrap(),
            events: vec![EventPattern::parse("*").unwrap()],
            description: "Main <i>endpoint</i>".to_owned(),
            state: EndpointState::On,
            state_since: now,
            failing_since: None,
            sealed_secrets: br#"[{"text":"whsec_secret","created_at":0,"retires_at":null}]"#
                .to_vec(),
            version: 1,
            created_at: now,
        };
        let change = EndpointChange { endpoint, expected_version: None };
        self.commit(Changeset { endpoint: Some(change), ..Changeset::default() }).await;
    }

    /// The hash of [`PASSWORD`], made by accepting an invitation, which is tested by that.
    async fn password_hash(&self) -> String {
        let gateway = &self.app.gateway;
        let invite = Invite {
            merchant: Some(FOREIGN.merchant),
            email: Email::parse("first@shop.example").unwrap(),
            name: "First".to_owned(),
            role: Role::ReadOnly,
        };
        let invited = gateway.invite(Actor::Operator, Role::Operator, invite).await.unwrap();
        let secret = gateway.totp_secret(&invited.user).unwrap();
        let accept = Accept {
            name: "First".to_owned(),
            password: SecretText::new(PASSWORD.to_owned()),
            code: code_at(&secret, gateway.clock().now()).unwrap(),
        };
        let accepted = gateway.accept_invitation(invited.secret.reveal(), accept).await.unwrap();
        accepted.0.facts.password.unwrap()
    }

    async fn add_user(&self, id: UserId, merchant: Option<MerchantId>, role: Role, password: &str) {
        let now = fixture::now();
        let user = User {
            id,
            merchant,
            email: Email::parse(&format!("user{id}@people.example")).unwrap(),
            link: None,
            facts: UserFacts {
                name: format!("{} <u>of</u> {id}", role.title()),
                role,
                state: UserState::Active,
                password: Some(password.to_owned()),
                sealed_totp: Some(b"12345678901234567890".to_vec()),
                last_step: 0,
                recovery: Vec::new(),
                link_until: None,
                invited_by: None,
                signed_in_at: None,
                views: Vec::new(),
            },
            version: 1,
            created_at: now,
        };
        let change = DeskChange::User { user: Box::new(user), expected_version: None };
        self.commit(Changeset::desk("user", change, None)).await;
        if let Some(merchant) = merchant {
            let token = token_of(id, merchant);
            let change = DeskChange::Token(TokenChange::Made(token));
            self.commit(Changeset::desk("token", change, None)).await;
        }
        let session = Session {
            digest: self.app.gateway.digest_of_secret(&format!("session of {id}")),
            user: id,
            created_at: now,
            seen_at: now,
            proved_at: now,
            caller: String::new(),
            agent: "Test".to_owned(),
        };
        self.commit(Changeset::desk("session", DeskChange::SessionBegun(session), None)).await;
    }

    /// Lets time pass; sessions are kept alive by requests every few minutes.
    pub(crate) fn pass(&self, time: Duration) {
        let mut now = self.world.now.lock().unwrap();
        *now = now.plus(time);
    }

    /// The number of the user of a role.
    #[expect(clippy::unused_self, reason = "of this house")]
    pub(crate) fn user(&self, role: Role) -> UserId {
        user_number(role)
    }

    /// The cookie of the user of a role.
    #[expect(clippy::unused_self, reason = "of this house")]
    pub(crate) fn cookie(&self, role: Role) -> String {
        format!("__Host-tollgate=session of {}", user_number(role))
    }

    /// The token of that user's forms.
    pub(crate) fn csrf(&self, role: Role) -> String {
        let gateway = &self.app.gateway;
        let session = gateway.digest_of_secret(&format!("session of {}", user_number(role)));
        URL_SAFE_NO_PAD.encode(gateway.vault().digest(&[b"form of session", &session]))
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, mut request: Request<Body>) -> Page {
        request.extensions_mut().insert(Caller(Some("203.0.113.7".parse().unwrap())));
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = String::from_utf8_lossy(&bytes).into_owned();
        Page { status: parts.status, headers: parts.headers, body }
    }

    /// Looks at a page.
    pub(crate) async fn get(&self, role: Role, path: &str) -> Page {
        let request = Request::get(path).header(header::COOKIE, self.cookie(role));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Sends a form with its token, as a page of ours does.
    pub(crate) async fn post(&self, role: Role, path: &str, fields: &[(&str, &str)]) -> Page {
        let csrf = self.csrf(role);
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("csrf", &csrf)
            .extend_pairs(fields)
            .finish();
        let request = Request::post(path)
            .header(header::COOKIE, self.cookie(role))
            .header(header::ORIGIN, "https://pay.example")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(body)).unwrap()).await
    }
}
