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

const KNOWN: [Institution; 50] = [
    bank("SBIN", "State Bank of India"),
    bank("HDFC", "HDFC Bank"),
    bank("ICIC", "ICICI Bank"),
    bank("UTIB", "Axis Bank"),
    bank("KKBK", "Kotak Mahindra Bank"),
    bank("PUNB", "Punjab National Bank"),
    bank("BARB", "Bank of Baroda"),
    bank("CNRB", "Canara Bank"),
    bank("UBIN", "Union Bank of India"),
    bank("YESB", "Yes Bank"),
    bank("IDFB", "IDFC FIRST Bank"),
    bank("INDB", "IndusInd Bank"),
    bank("AUBL", "AU Small Finance Bank"),
    bank("BDBL", "Bandhan Bank"),
    bank("BKID", "Bank of India"),
    bank("MAHB", "Bank of Maharashtra"),
    bank("CBIN", "Central Bank of India"),
    bank("CIUB", "City Union Bank"),
    bank("COSB", "Cosmos Bank"),
    bank("CSBK", "CSB Bank"),
    bank("DBSS", "DBS Bank India"),
    bank("DCBL", "DCB Bank"),
    bank("DEUT", "Deutsche Bank"),
    bank("DLXB", "Dhanlaxmi Bank"),
    bank("ESFB", "Equitas Small Finance Bank"),
    bank("ESMF", "ESAF Small Finance Bank"),
    bank("FDRL", "Federal Bank"),
    bank("IBKL", "IDBI Bank"),
    bank("IDIB", "Indian Bank"),
    bank("IOBA", "Indian Overseas Bank"),
    bank("JAKA", "Jammu & Kashmir Bank"),
    bank("KARB", "Karnataka Bank"),
    bank("KVBL", "Karur Vysya Bank"),
    bank("PSIB", "Punjab & Sind Bank"),
    bank("RATN", "RBL Bank"),
    bank("SRCB", "Saraswat Bank"),
    bank("SIBL", "South Indian Bank"),
    bank("SCBL", "Standard Chartered Bank"),
    bank("TMBL", "Tamilnad Mercantile Bank"),
    bank("UCBA", "UCO Bank"),
    wallet("AMAZON", "Amazon Pay"),
    wallet("PHONEPE", "PhonePe"),
    wallet("PAYTM", "Paytm"),
    wallet("MOBIKWIK", "MobiKwik"),
    wallet("AIRTELMONEY", "Airtel Money"),
    wallet("FREECHARGE", "Freecharge"),
    wallet("JIOMONEY", "JioMoney"),
    wallet("OLAMONEY", "Ola Money"),
    wallet("PAYZAPP", "PayZapp"),
    wallet("BAJAJPAY", "Bajaj Pay"),
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
