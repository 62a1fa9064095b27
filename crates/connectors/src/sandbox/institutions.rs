//! The banks and wallets that the sandbox offers for net banking and wallet payments, by the codes
//! that Indian gateways commonly use: the first four letters of a bank's IFSC, a wallet's own name.
//! None of them is behind it; whoever is chosen, the sandbox bank answers.

/// What an institution is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Pays by net banking.
    Bank,
    /// Pays from a balance.
    Wallet,
}

/// A bank or a wallet that a customer can choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Institution {
    /// The page's `bankcode`.
    pub code: &'static str,
    /// The name that customers know.
    pub name: &'static str,
    /// Bank or wallet.
    pub kind: Kind,
}

impl Institution {
    /// By its code, in any case.
    pub fn from_code(code: &str) -> Option<&'static Self> {
        ALL.iter().find(|institution| institution.code.eq_ignore_ascii_case(code))
    }

    /// All of a kind, those that most customers have first.
    pub fn of_kind(kind: Kind) -> impl Iterator<Item = &'static Self> {
        ALL.iter().filter(move |institution| institution.kind == kind)
    }

    /// Two capital letters to stand where others have a logo: of the first two words, or the
    /// first two letters of a single word.
    pub fn initials(&self) -> String {
        let words = self.name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        let mut initials: String = words.filter_map(|word| word.chars().next()).take(2).collect();
        if initials.len() < 2 {
            initials = self.name.chars().take(2).collect();
        }
        initials.to_uppercase()
    }
}

const fn bank(code: &'static str, name: &'static str) -> Institution {
    Institution { code, name, kind: Kind::Bank }
}

const fn wallet(code: &'static str, name: &'static str) -> Institution {
    Institution { code, name, kind: Kind::Wallet }
}

const ALL: [Institution; 50] = [
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
    wallet("amazon", "Amazon Pay"),
    wallet("phonepe", "PhonePe"),
    wallet("paytm", "Paytm"),
    wallet("mobikwik", "MobiKwik"),
    wallet("airtelmoney", "Airtel Money"),
    wallet("freecharge", "Freecharge"),
    wallet("jiomoney", "JioMoney"),
    wallet("olamoney", "Ola Money"),
    wallet("payzapp", "PayZapp"),
    wallet("bajajpay", "Bajaj Pay"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn institutions_are_found_by_code_in_any_case() {
        for (code, name, kind, initials) in [
            ("SBIN", "State Bank of India", Kind::Bank, "SB"),
            ("sbin", "State Bank of India", Kind::Bank, "SB"),
            ("jaka", "Jammu & Kashmir Bank", Kind::Bank, "JK"),
            ("Amazon", "Amazon Pay", Kind::Wallet, "AP"),
            ("MOBIKWIK", "MobiKwik", Kind::Wallet, "MO"),
        ] {
            let found = Institution::from_code(code).unwrap();
            assert_eq!((found.name, found.kind, &*found.initials()), (name, kind, initials));
        }
        for unknown in ["", "SBI", "SBIN ", "XXXX"] {
            assert_eq!(Institution::from_code(unknown), None, "{unknown:?}");
        }
    }

    #[test]
    fn codes_and_names_are_unlike() {
        let count = |kind| Institution::of_kind(kind).count();
        assert_eq!((count(Kind::Bank), count(Kind::Wallet)), (40, 10));
        let codes: BTreeSet<String> = ALL.iter().map(|one| one.code.to_lowercase()).collect();
        let names: BTreeSet<&str> = ALL.iter().map(|one| one.name).collect();
        assert_eq!((codes.len(), names.len()), (ALL.len(), ALL.len()));
        for institution in ALL {
            assert_eq!(institution.initials().len(), 2, "{institution:?}");
            let is_ifsc = institution.code.len() == 4
                && institution.code.bytes().all(|byte| byte.is_ascii_uppercase());
            assert_eq!(is_ifsc, institution.kind == Kind::Bank, "{institution:?}");
        }
    }
}
