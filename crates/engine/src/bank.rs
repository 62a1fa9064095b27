//! What every call to a bank shares: undoing one, and telling the log that there was no answer.

use crate::ports::{Connector, FollowUpRequest};
use domain::call::{Reversing, Word};
use domain::money::Money;
use domain::outcome::{Lookup, Outcome};
use domain::payment::Payment;

/// Goes on undoing a call of this payment.
pub(crate) async fn reverse(
    connector: &dyn Connector,
    payment: &Payment,
    reversing: &Reversing,
    amount: Money,
) -> Word {
    let request = FollowUpRequest {
        our_reference: &reversing.our_reference,
        original: &reversing.original,
        payment: payment.id,
        amount,
    };
    Word::Reversal(connector.reverse(request).await)
}

/// Tells the log when the bank did not answer, and why as far as we know.
pub(crate) fn tell_silence(connector: &dyn Connector, payment: &Payment, word: &Word) {
    if let Word::Lookup(Lookup::Unavailable(why))
    | Word::Outcome(Outcome::Unknown(why) | Outcome::NotSent(why))
    | Word::Reversal(Outcome::Unknown(why) | Outcome::NotSent(why)) = word
    {
        tracing::warn!(payment = %payment.id, connector = connector.name(), why, "no answer");
    }
}
