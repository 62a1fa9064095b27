//! Every text of the customer pages, in English. Nothing that a customer reads is written
//! anywhere else but in the bank's own sentences.

/// `lang` of the pages.
pub(super) const LANGUAGE: &str = "en";
/// `dir` of the pages.
pub(super) const DIRECTION: &str = "ltr";

pub(super) const TEST_MODE: &str = "Test mode.";
pub(super) const TEST_MODE_MEANS: &str = "No real money moves.";
pub(super) const SECURED_BY: &str = "Secured by Tollgate";

pub(super) const YOUR_PAYMENT: &str = "Your payment";
pub(super) const PAY_TO: &str = "Payment to";
pub(super) const PRODUCT: &str = "For";
pub(super) const ORDER: &str = "Order";
pub(super) const CARD: &str = "Card";

pub(super) const CHALLENGE_HEADING: &str = "Confirm that it is you";
pub(super) const CODE_LABEL: &str = "One-time code";
pub(super) const CODE_HELP: &str = "Type or paste the code. Spaces do not matter.";
pub(super) const CODE_FORM: &str = "Digits only";
pub(super) const CODE_MISSING: &str = "Enter the code from your bank. This did not use up a try.";
pub(super) const BANK_UNAVAILABLE: &str =
    "Your bank did not answer. Nothing is lost: wait a moment, then enter the code again.";
pub(super) const WORKING: &str = "One moment…";
pub(super) const TIME_LEFT: &str = "Time left";
/// The script puts the time where `{}` stands.
pub(super) const ANNOUNCE_TIME_LEFT: &str = "{} left to finish the payment";
pub(super) const CANCEL: &str = "Cancel payment";

pub(super) const CONFIRMING_HEADING: &str = "Confirming with the bank";
pub(super) const CONFIRMING_TEXT: &str =
    "Your answer has reached us, and we are asking the bank for the outcome.";
pub(super) const CONFIRMING_DO_NOT: &str =
    "Please do not pay again: this payment is counted once, whatever happens to this page.";
pub(super) const CHECK_NOW: &str = "Check now";

pub(super) const RESPONSE: &str = "Result";
pub(super) const TRANSACTION: &str = "Transaction";
pub(super) const TIME: &str = "Time";
pub(super) const BANK_REFERENCE: &str = "Bank reference";
pub(super) const DESCRIPTOR: &str = "On your statement";
pub(super) const CONTINUE_PAYMENT: &str = "Continue the payment";
pub(super) const TRY_AGAIN: &str = "Try again";

/// What a page without a payment says: what is wrong, and what to do about it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message {
    pub(super) heading: &'static str,
    pub(super) text: &'static str,
    pub(super) advice: &'static str,
}

pub(super) const NOT_FOUND: Message = Message {
    heading: "We do not know this payment",
    text: "No payment has the number in this address.",
    advice: "Go back to the shop and start the payment again, or open the link exactly as the \
             shop gave it to you. No money was taken by opening this page.",
};

pub(super) const TOO_MANY: Message = Message {
    heading: "Too many tries",
    text: "Too many unknown payment numbers were asked for from your network.",
    advice: "Wait a minute, then open the link from the shop again.",
};

pub(super) const CROSS_SITE: Message = Message {
    heading: "This form came from another website",
    text: "To protect you, we only accept an answer that is given on our own page.",
    advice: "Nothing has changed. Open the payment here and answer again.",
};

pub(super) const TOO_LARGE: Message = Message {
    heading: "That was too much",
    text: "The form that arrived is far larger than a code.",
    advice: "Nothing has changed. Open the payment again and enter the code alone.",
};

pub(super) const TROUBLE: Message = Message {
    heading: "We cannot show this page right now",
    text: "Something on our side does not work at the moment. Your payment is not lost.",
    advice: "Try again in a moment. Please do not start a second payment: the shop learns how \
             this one ends, also without you.",
};

pub(super) fn card_ending_in(last_four: &str) -> String {
    let digits: Vec<String> = last_four.chars().map(String::from).collect();
    format!("card ending in {}", digits.join(" "))
}

pub(super) fn code_was_sent(bank: &str, sent_to: &str) -> String {
    format!("{bank} sent a one-time code to {sent_to}. Enter it to approve this payment.")
}

pub(super) fn tries_left(tries: u32) -> String {
    match tries {
        1 => "1 try left".to_owned(),
        many => format!("{many} tries left"),
    }
}

pub(super) fn code_was_wrong(tries: u32) -> String {
    format!("That code was not right. {}.", tries_left(tries))
}

/// The time left in words that stay true while the page stands still: with the hour at which it
/// is over.
pub(super) fn finish_by(seconds: u64, until: &str) -> String {
    let time = match seconds {
        0..=1 => "one second".to_owned(),
        2..=99 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    };
    format!("Finish within {time}, by {until}")
}

pub(super) fn pay(amount: &str, currency: &str) -> String {
    format!("Pay {amount} {currency}")
}

pub(super) fn what_happens_next(merchant: &str) -> String {
    format!("Once your bank agrees, you go back to {merchant}. If you cancel, no money is taken.")
}

pub(super) fn confirming_next(merchant: &str) -> String {
    format!("This page goes on to {merchant} by itself as soon as the bank has answered.")
}

pub(super) fn return_to(merchant: &str) -> String {
    format!("Return to {merchant}")
}

pub(super) fn title(heading: &str, merchant: &str) -> String {
    format!("{heading} – {merchant}")
}

/// What a result says.
#[derive(Clone, Copy, Debug)]
pub(super) struct ResultWords {
    pub(super) heading: &'static str,
    pub(super) explanation: &'static str,
}

pub(super) const APPROVED: ResultWords = ResultWords {
    heading: "Payment approved",
    explanation: "Thank you. You can go back to the shop now.",
};
pub(super) const REFUNDING: ResultWords = ResultWords {
    heading: "Refund on its way",
    explanation: "You paid, and the shop has asked the bank to give money back.",
};
pub(super) const PARTLY_REFUNDED: ResultWords = ResultWords {
    heading: "Partly refunded",
    explanation: "You paid, and the shop has given a part of it back. When it shows on your \
                  statement depends on your bank.",
};
pub(super) const REFUNDED: ResultWords = ResultWords {
    heading: "Payment refunded",
    explanation: "You paid, and the shop has given all of it back. When it shows on your \
                  statement depends on your bank.",
};
pub(super) const REVERSED: ResultWords = ResultWords {
    heading: "Payment reversed",
    explanation: "No money was taken. If your bank shows the amount as reserved, it releases it.",
};
pub(super) const DECLINED: ResultWords = ResultWords {
    heading: "Payment declined",
    explanation: "No money was taken. Go back to the shop to try another card.",
};
pub(super) const EXPIRED: ResultWords = ResultWords {
    heading: "Time is over",
    explanation: "No money was taken. Go back to the shop to start again.",
};
pub(super) const CANCELLED: ResultWords =
    ResultWords { heading: "Payment cancelled", explanation: "No money was taken, as you asked." };
pub(super) const FAILED: ResultWords = ResultWords {
    heading: "Payment failed",
    explanation: "A technical failure stopped the payment. No money was taken. Go back to the \
                  shop to try again.",
};
pub(super) const PENDING: ResultWords =
    ResultWords { heading: "Payment pending", explanation: "This payment is not decided yet." };
