//! With what a payment is paid that is no card: a bank or wallet by its code, or UPI.

use super::request::Reader;
use domain::method::{BankCode, MethodCode, MethodDetails};
use domain::money::Money;
use domain::terminal::{Settings, UpiCollect};
use domain::upi::{Device, UpiAddress};

/// Whether a terminal's customers may choose this bank or wallet, for one method.
pub(super) type Offered<'a> = &'a dyn Fn(MethodCode, &BankCode) -> bool;

impl Reader<'_, '_> {
    /// The details of a method without a card.
    pub(super) fn order_details(
        &mut self,
        method: MethodCode,
        amount: Option<Money>,
        settings: Option<&Settings>,
        offered: Offered<'_>,
    ) -> Option<MethodDetails> {
        if method.is_upi() && amount.is_some_and(|amount| amount.currency().code() != "INR") {
            self.wrong("bill_currency", "1051", "must be INR: UPI pays in Indian rupees alone");
        }
        match method {
            MethodCode::NetBanking | MethodCode::Wallet => self.bank(method, offered),
            MethodCode::UpiCollect => self.collect(settings),
            MethodCode::QrIntent => Some(self.device()),
            MethodCode::CreditCard | MethodCode::DebitCard => None,
        }
    }

    fn bank(&mut self, method: MethodCode, offered: Offered<'_>) -> Option<MethodDetails> {
        let Some(text) = self.text("bankcode", "1043") else {
            return Some(MethodDetails::default());
        };
        let code = self.keep("bankcode", BankCode::parse(text))?;
        if !offered(method, &code) {
            let text = "is none of this terminal's; GET /api/methods?public_key=… lists them";
            self.wrong("bankcode", "1043", text);
        }
        Some(MethodDetails { bank_code: Some(code), ..MethodDetails::default() })
    }

    fn collect(&mut self, settings: Option<&Settings>) -> Option<MethodDetails> {
        let text = self.required("upi_address", "1040", "1043")?;
        let address = UpiAddress::parse(text)
            .map_err(|form| self.wrong("upi_address", "1043", &form.to_string()))
            .ok();
        let policy = settings.map_or(UpiCollect::Allow, |settings| settings.upi_collect);
        if policy == UpiCollect::Refuse {
            let text = "is refused by this terminal: NPCI has withdrawn most merchants' collect \
                        requests; use QRINTENT";
            self.wrong("mop", "1052", text);
        }
        let converted_to_qr = policy == UpiCollect::ConvertToQr;
        let device = converted_to_qr.then_some(Device::Web);
        Some(MethodDetails {
            upi_address: Some(address?),
            device,
            converted_to_qr,
            ..MethodDetails::default()
        })
    }

    fn device(&mut self) -> MethodDetails {
        let words =
            [Device::Android, Device::Ios, Device::Web].map(|device| (device.name(), device));
        let device = self.word("os", &words).unwrap_or(Device::Web);
        MethodDetails { device: Some(device), ..MethodDetails::default() }
    }
}
