//! Samples of the steps beside a card's challenge.

use super::{EXPIRES_AT, Preview, Sample};
use crate::pages::shell::{PaidWith, Summary};
use crate::pages::steps::{
    AtBankPage, Choice, Choosable, Frame, HandoverPage, PickerPage, SandboxBankPage, SandboxOrder,
    SandboxRole, Screen, UpiQr, UpiQrPage, UpiWaitPage,
};
use crate::pages::words::Markup;
use domain::terminal::Mode;
use domain::text::WebAddress;
use domain::time::Timestamp;
use std::fmt::Write as _;

/// Some of India's banks, the first of them often used, as a list of the real length.
const BANKS: [&str; 40] = [
    "State Bank of India",
    "HDFC Bank",
    "ICICI Bank",
    "Axis Bank",
    "Kotak Mahindra Bank",
    "Punjab National Bank",
    "Airtel Payments Bank",
    "AU Small Finance Bank",
    "Bandhan Bank",
    "Bank of Baroda",
    "Bank of India",
    "Bank of Maharashtra",
    "Canara Bank",
    "Catholic Syrian Bank",
    "Central Bank of India",
    "City Union Bank",
    "Cosmos Bank",
    "DCB Bank",
    "Deutsche Bank",
    "Dhanlaxmi Bank",
    "Equitas Small Finance Bank",
    "Federal Bank",
    "HSBC",
    "IDBI Bank",
    "IDFC First Bank",
    "Indian Bank",
    "Indian Overseas Bank",
    "IndusInd Bank",
    "Jammu and Kashmir Bank",
    "Janata Sahakari Bank Pune",
    "Karnataka Bank",
    "Karur Vysya Bank",
    "RBL Bank",
    "Saraswat Bank",
    "South Indian Bank",
    "Standard Chartered Bank",
    "Tamilnad Mercantile Bank",
    "UCO Bank",
    "Union Bank of India",
    "Yes Bank",
];

const WALLETS: [&str; 5] = ["Sandbox Wallet", "Amazon Pay", "Mobikwik", "Paytm", "फ़ोन वॉलेट"];

/// The moment of the samples: 873 seconds are left.
const NOW: Timestamp = Timestamp::from_micros(1_745_676_994_000_657);

impl Preview<'_> {
    fn frame(&self, path: &str, paid_with: Option<PaidWith>) -> Frame<'_> {
        Frame {
            site: self.site,
            asked: self.asked,
            summary: Summary {
                amount: self.amount(11_111_100, "INR"),
                paid_with,
                ..self.summary()
            },
            mode: Mode::Test,
            path: path.to_owned(),
        }
    }

    fn picker(&self, path: &'static str, choice: Choice, names: &[&str]) -> Sample {
        let few = if choice == Choice::Bank { 6 } else { 1 };
        let codes: Vec<String> = (1..=names.len()).map(|number| format!("B{number:03}")).collect();
        let list: Vec<Choosable<'_>> = names
            .iter()
            .zip(&codes)
            .enumerate()
            .map(|(place, (name, code))| Choosable {
                code,
                name,
                is_common: place < few,
                is_test: false,
            })
            .collect();
        Sample::new(path, PickerPage::new(self.frame(path, None), choice, &list))
    }

    fn upi_qr(&self, path: &'static str, screen: Screen, replaces_collect: bool) -> Sample {
        let qr = UpiQr {
            svg: qr_sample(),
            app_link: "upi://pay?pa=demo.shop@sandbox&pn=Demo%20Shop&am=111111.00&cu=INR"
                .to_owned(),
            payee: "demo.shop@sandbox".to_owned(),
            screen,
            replaces_collect,
        };
        let frame = self.frame(path, None);
        Sample::new(path, UpiQrPage::new(frame, qr, EXPIRES_AT, NOW))
    }

    fn sandbox(&self, path: &'static str, role: SandboxRole, order: SandboxOrder) -> Sample {
        let (bank, paid_with) = match role {
            SandboxRole::Bank => ("Sandbox Bank", Some(bank("Sandbox Bank"))),
            SandboxRole::Wallet => {
                let name = "Sandbox Wallet".to_owned();
                ("Sandbox Wallet", Some(PaidWith::Wallet { name }))
            }
            SandboxRole::UpiApp => {
                let address = "ra••••@sandbox".to_owned();
                ("Sandbox UPI", Some(PaidWith::Upi { address }))
            }
            SandboxRole::Issuer => ("Sandbox Issuer", self.summary().paid_with),
        };
        let back = (order != SandboxOrder::Unknown).then(|| self.asked.link("at-bank", &[]));
        let frame = self.frame(path, paid_with);
        Sample::new(path, SandboxBankPage::new(frame, role, bank, order, back))
    }

    pub(super) fn steps(&self) -> Vec<Sample> {
        let sandbox_bank = || Some(bank("Sandbox Bank"));
        let mut samples = vec![
            self.picker("pick-bank", Choice::Bank, &BANKS),
            self.picker("pick-wallet", Choice::Wallet, &WALLETS),
            self.picker("pick-empty", Choice::Bank, &[]),
            self.upi_qr("upi-qr", Screen::Computer, false),
            self.upi_qr("upi-qr-phone", Screen::Phone, false),
            self.upi_qr("upi-qr-replaced", Screen::Computer, true),
            self.sandbox("sandbox-bank", SandboxRole::Bank, SandboxOrder::Open),
            self.sandbox("sandbox-wallet", SandboxRole::Wallet, SandboxOrder::Refused),
            self.sandbox("sandbox-upi", SandboxRole::UpiApp, SandboxOrder::Paid),
            self.sandbox("sandbox-issuer", SandboxRole::Issuer, SandboxOrder::Closed),
            self.sandbox("sandbox-unknown", SandboxRole::Bank, SandboxOrder::Unknown),
            Sample::new(
                "upi-wait",
                UpiWaitPage::new(self.frame("upi-wait", None), "ra•••ar@sandbox", EXPIRES_AT, NOW),
            ),
            Sample::new(
                "at-bank",
                AtBankPage::new(
                    self.frame("at-bank", sandbox_bank()),
                    "Sandbox Bank",
                    self.asked.link("sandbox-bank", &[]),
                    EXPIRES_AT,
                    NOW,
                ),
            ),
        ];
        // A parsed constant; were it wrong, the list of samples would be short, and a test fails.
        if let Ok(action) = WebAddress::parse("https://bank.example/netbanking/pay") {
            let fields = vec![
                ("merchant".to_owned(), "4471".to_owned()),
                ("payload".to_owned(), "a\"b<c>&".to_owned()),
            ];
            let frame = self.frame("handover", sandbox_bank());
            let page = HandoverPage::new(frame, "Sandbox Bank", action, fields);
            samples.push(Sample::new("handover", page));
        }
        samples
    }
}

fn bank(name: &str) -> PaidWith {
    PaidWith::Bank { name: name.to_owned() }
}

/// What looks like a QR code of usual size, and is none: the pages are given theirs.
fn qr_sample() -> Markup {
    const SIDE: u32 = 33;
    let mut path = String::new();
    let mut noise = 7_u32;
    let corner = |x: u32, y: u32| {
        let near = |at: u32| at < 8 || at >= SIDE.saturating_sub(8);
        near(x) && near(y) && !(x > 8 && y > 8)
    };
    for (x, y) in (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| (x, y))) {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        if !corner(x, y) && noise & 0x4000_0000 != 0 {
            // Writing to a String cannot fail.
            let _written = write!(path, "M{x} {y}h1v1h-1z");
        }
    }
    let last = SIDE.saturating_sub(7);
    for (x, y) in [(0, 0), (last, 0), (0, last)] {
        let _written = write!(path, "M{x} {y}h7v7h-7zm1 1v5h5v-5zm1 1h3v3h-3z");
    }
    Markup::trusted(format!(
        "<svg viewBox=\"0 0 {SIDE} {SIDE}\" aria-hidden=\"true\" shape-rendering=\"crispEdges\">\
         <path fill-rule=\"evenodd\" d=\"{path}\"/></svg>"
    ))
}
