//! Small drawings beside names: our own geometry, and nobody's logo. Each stands beside the name
//! that it stands for, which is what a screen reader reads.

use domain::card::Brand;

/// The figure on a small card, a path inside 24 by 16.
pub(super) const fn brand_drawing(brand: Brand) -> &'static str {
    match brand {
        // Two rising strokes.
        Brand::Visa => "m8.5 11 3-6m2 6 3-6",
        // An hourglass on its side.
        Brand::Mastercard => "M8 5v6l8-6v6Z",
        // A square and its diagonal.
        Brand::Amex => "M9 5h6v6H9Zl6 6",
        // Half a disc.
        Brand::Diners => "M12 4.5a3.5 3.5 0 0 0 0 7Zm2.5.5v6",
        // A ring between two dashes.
        Brand::Discover => "M12 6a2 2 0 1 0 0 4 2 2 0 0 0 0-4ZM8 8H6m12 0h-2",
        // Stairs.
        Brand::Jcb => "M7 11V9h3V7h3V5h3",
        // A diamond.
        Brand::RuPay => "m12 4.5 4 3.5-4 3.5L8 8Z",
        // Three lines.
        Brand::UnionPay => "M7.5 5h6M9 8h6m-4.5 3h6",
        // A wave.
        Brand::Maestro => "M6.5 8c1.8-4 3.7-4 5.5 0s3.7 4 5.5 0",
    }
}

/// A card from the front, inside 24 by 16.
pub(super) const CARD: &str =
    "M3 1h18a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H3a2 2 0 0 1-2-2V3a2 2 0 0 1 2-2ZM1 5.5h22M5 11h4";
/// A house with columns, inside 24 by 16.
pub(super) const BANK: &str = "M5 6.5 12 2l7 4.5ZM7 9v3.5m3.3-3.5v3.5m3.4-3.5v3.5M17 9v3.5M5 15h14";
/// A purse with its clasp, inside 24 by 16.
pub(super) const WALLET: &str = "M6 1.5h11a2 2 0 0 1 2 2v1H6a1.5 1.5 0 0 1 0-3Zm-1.5 1.5v9.5a2 2 0 0 0 2 2h12.5a1 1 0 0 0 1-1v-8a1 1 0 0 0-1-1m-2.5 4.5v1";
/// A telephone that sends, inside 24 by 16.
pub(super) const UPI: &str = "M6.5.9h6a1.5 1.5 0 0 1 1.5 1.5v11.2a1.5 1.5 0 0 1-1.5 1.5h-6A1.5 1.5 0 0 1 5 13.6V2.4A1.5 1.5 0 0 1 6.5.9Zm2 11.6h2M10 7h9.5m-3-3 3 3-3 3";

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_brand_has_a_figure_of_its_own() {
        let brands = [
            Brand::Visa,
            Brand::Mastercard,
            Brand::Amex,
            Brand::Diners,
            Brand::Discover,
            Brand::Jcb,
            Brand::RuPay,
            Brand::UnionPay,
            Brand::Maestro,
        ];
        let mut drawings: BTreeSet<&str> = brands.map(brand_drawing).into();
        drawings.extend([CARD, BANK, WALLET, UPI]);
        assert_eq!(drawings.len(), 13);
    }
}
