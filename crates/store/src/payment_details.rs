//! What there is to say of a payment's method beside its card, as both dialects keep it.

use crate::json::json;
use domain::method::MethodDetails;
use domain::payment::Payment;
use engine::error::CommitError;

/// The column `payments.details`; null for most cards, of which there is nothing to say.
pub(crate) fn to_json(payment: &Payment) -> Result<Option<String>, CommitError> {
    let details = &payment.method.details;
    if *details == MethodDetails::default() {
        return Ok(None);
    }
    json(details).map(Some)
}
