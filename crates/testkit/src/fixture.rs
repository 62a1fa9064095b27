//! Samples of the trade's types.

use domain::call::Rules;
use domain::card::{Brand, Expiry, MaskedCard};
use domain::delivery::{DeliveryId, Destination, NewDelivery};
use domain::event_type::EventType;
use domain::id::{MerchantId, PaymentId, TerminalNumber};
use domain::merchant::Merchant;
use domain::method::{Method, MethodCode};
use domain::money::{Currency, Money};
use domain::payment::{
    Authentication, Customer, Fingerprint, Payment, Request, State, WebhookEncryption,
};
use domain::terminal::{Capture, LateApproval, Mode, Settings, WhenUnknown};
use domain::text::{ProductName, Reference, WebAddress};
use domain::time::Timestamp;
use engine::changeset::{CardChange, Changeset, PaymentChange, SealedCard, StoredTerminal};
use std::sync::Arc;
use std::time::Duration;

/// A moment in 2025.
pub fn now() -> Timestamp {
    Timestamp::from_micros(1_745_676_966_000_657)
}

/// Merchant 1.
pub fn merchant() -> Merchant {
    Merchant {
        id: MerchantId(1),
        name: "Demo Shop".to_owned(),
        active: true,
        approved: true,
        version: 1,
        created_at: now(),
    }
}

/// Terminal 42 of merchant 1.
pub fn stored_terminal() -> StoredTerminal {
    StoredTerminal {
        number: TerminalNumber(42),
        merchant: MerchantId(1),
        merchant_name: "Demo Shop".to_owned(),
        merchant_active: true,
        name: "Web shop".to_owned(),
        mode: Mode::Test,
        active: true,
        settings: Settings::for_cards(),
        public_keys: vec!["WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=".to_owned()],
        sealed_secrets: vec![1, 2, 3],
        version: 1,
        created_at: now(),
    }
}

/// A card payment of terminal 42 that waits for its customer.
pub fn payment(draw: u64, reference: &str) -> Payment {
    payment_at(draw, reference, now())
}

/// The same, made at this moment.
pub fn payment_at(draw: u64, reference: &str, created_at: Timestamp) -> Payment {
    let expires_at = created_at.plus(Duration::from_mins(15));
    Payment {
        id: PaymentId::new(created_at, draw.to_le_bytes()),
        merchant: MerchantId(1),
        terminal: TerminalNumber(42),
        mode: Mode::Test,
        reference: Reference::parse(reference).unwrap(),
        attempt: 1,
        fingerprint: Fingerprint([9; 32]),
        amount: usd("11.11"),
        method: Method::card(
            MethodCode::CreditCard,
            MaskedCard {
                brand: Brand::Visa,
                first_six: "411111".to_owned(),
                last_four: "1111".to_owned(),
            },
        ),
        authentication: Authentication::Challenge,
        capture: Capture::Automatic,
        request: Arc::new(Request {
            product_name: ProductName::parse("Testing Product").unwrap(),
            webhook_url: WebAddress::parse("https://shop.example/hook").unwrap(),
            return_url: WebAddress::parse("https://shop.example/return").unwrap(),
            customer: Customer { city: Some("Zürich".into()), ..Customer::default() },
            source: None,
            source_url: None,
            webhook_encryption: WebhookEncryption::None,
            unique_reference: false,
            caller: Some("127.0.0.1".parse().unwrap()),
        }),
        created_at,
        state: State::Waiting { expires_at },
        version: 1,
        notices: 0,
        due_at: Some(expires_at),
    }
}

/// An amount in US dollars.
pub fn usd(text: &str) -> Money {
    Money::parse(text, Currency::from_code("USD").unwrap()).unwrap()
}

/// A minute of patience, and no reversal of what stays unknown.
pub fn rules() -> Rules {
    Rules {
        patience: Duration::from_mins(1),
        when_unknown: WhenUnknown::Wait,
        asked_at: None,
        late_approval: LateApproval::Accept,
        customer_time: Duration::from_mins(15),
    }
}

/// A sealed card of no meaning.
pub fn sealed_card() -> SealedCard {
    SealedCard {
        number: vec![1; 60],
        security_code: Some(vec![2; 60]),
        expiry: Expiry { year: 2030, month: 1 },
    }
}

/// The changeset that inserts a payment and holds its card.
pub fn insert(payment: &Payment) -> Changeset {
    Changeset {
        name: "insert",
        event: Some(payment.created_event()),
        payment: Some(PaymentChange::Insert(Box::new(payment.clone()))),
        card: Some(CardChange::Hold(sealed_card())),
        ..Changeset::default()
    }
}

/// The delivery of a payment's first notice.
pub fn delivery(payment: &Payment) -> NewDelivery {
    NewDelivery {
        id: DeliveryId::own(payment.id, 1),
        merchant: payment.merchant,
        terminal: payment.terminal,
        event_type: EventType::PaymentApproved,
        url: payment.request.webhook_url.clone(),
        destination: Destination(payment.merchant.0),
        content_type: "application/json",
        body: "{}".to_owned(),
        created_at: now(),
    }
}
