//! The banks and wallets of the sandbox: those that people know, by the codes that Indian gateways
//! commonly use, and one for each case of the failure lab.

use super::lab;
use domain::method::MethodCode;
use engine::ports::Institution;
use std::sync::LazyLock;

const fn bank(code: &'static str, name: &'static str) -> Institution {
    Institution { code, name, method: MethodCode::NetBanking }
}

const fn wallet(code: &'static str, name: &'static str) -> Institution {
    Institution { code, name, method: MethodCode::Wallet }
}

const KNOWN: [Institution; 32] = [
    bank("ANDB", "Andhra Bank"),
    bank("BARB", "Bank of Baroda"),
    bank("BKID", "Bank of India"),
    bank("CNRB", "Canara Bank"),
    bank("CBIN", "Central Bank of India"),
    bank("CIUB", "City Union Bank"),
    bank("DCBL", "DCB Bank"),
    bank("FDRL", "Federal Bank"),
    bank("HDFC", "HDFC Bank"),
    bank("ICIC", "ICICI Bank"),
    bank("IBKL", "IDBI Bank"),
    bank("IDFB", "IDFC FIRST Bank"),
    bank("IDIB", "Indian Bank"),
    bank("IOBA", "Indian Overseas Bank"),
    bank("INDB", "IndusInd Bank"),
    bank("KARB", "Karnataka Bank"),
    bank("KVBL", "Karur Vysya Bank"),
    bank("KKBK", "Kotak Mahindra Bank"),
    bank("PUNB", "Punjab National Bank"),
    bank("RATN", "RBL Bank"),
    bank("SIBL", "South Indian Bank"),
    bank("SBIN", "State Bank of India"),
    bank("UCBA", "UCO Bank"),
    bank("UBIN", "Union Bank of India"),
    bank("UTIB", "Axis Bank"),
    bank("YESB", "Yes Bank"),
    wallet("AMAZON", "Amazon Pay"),
    wallet("FREECHARGE", "Freecharge"),
    wallet("JIOMONEY", "JioMoney"),
    wallet("MOBIKWIK", "MobiKwik"),
    wallet("PAYTM", "Paytm"),
    wallet("PHONEPE", "PhonePe"),
];

/// Those whose page is opened by a form that is posted there, as some banks want it.
const BY_FORM: [&str; 3] = ["HDFC", "PUNB", "MOBIKWIK"];

static ALL: LazyLock<Vec<Institution>> = LazyLock::new(|| {
    let of_lab = lab::CASES.iter().filter_map(|case| Some((case.bank_code?, case.name)));
    let of_lab = of_lab.flat_map(|(code, name)| {
        // Once, for the life of the process.
        let name: &str = format!("Test case: {name}").leak();
        lab::BANK_METHODS.map(|method| Institution { code, name, method })
    });
    KNOWN.into_iter().chain(of_lab).collect()
});

/// All of them.
pub(super) fn all() -> &'static [Institution] {
    &ALL
}

/// By its code; one that is not known is named by its code.
pub(super) fn name_of(method: MethodCode, code: &str) -> &str {
    let found = ALL.iter().find(|one| one.method == method && one.code == code);
    found.map_or(code, |one| one.name)
}

/// Whether its page is opened by a posted form.
pub(super) fn is_by_form(code: &str) -> bool {
    BY_FORM.contains(&code)
}
