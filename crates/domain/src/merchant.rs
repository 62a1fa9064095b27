//! A merchant: who owns terminals and payments.

use crate::id::MerchantId;
use crate::time::Timestamp;

/// A merchant of this gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merchant {
    /// Its number.
    pub id: MerchantId,
    /// The name customers see.
    pub name: String,
    /// An inactive merchant's terminals take no payments.
    pub active: bool,
    /// When it was added.
    pub created_at: Timestamp,
}
