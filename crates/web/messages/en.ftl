# The texts of the customer pages. Other files have the same messages with the same variables.
# To the customer, plain, and never promising what we do not know.

test-mode = Test mode.
test-mode-means = No real money moves.
secured-by = Secured by Tollgate
language = Language

your-payment = Your payment
pay-to = Payment to
product = For
order = Order
card = Card
bank = Bank
wallet = Wallet
amount = Amount
upi-id = UPI ID
card-ending = card ending in { $digits }
title = { $heading } – { $merchant }
working = One moment…
time-left = Time left
# The script puts the time in.
time-left-spoken = { $time } left to finish the payment
finish-in-seconds = { $number ->
    [one] Finish within one second, by { $until }
   *[other] Finish within { $number } seconds, by { $until }
}
finish-in-minutes = { $number ->
    [one] Finish within one minute, by { $until }
   *[other] Finish within { $number } minutes, by { $until }
}
cancel = Cancel payment
waiting = Waiting for your approval
check-now = Check now
try-again = Try again
return-to = Return to { $merchant }
continue-payment = Continue the payment
goes-on = This page goes on to { $merchant } by itself as soon as the bank has answered.

challenge-heading = Confirm that it is you
code-sent = { $bank } sent a one-time code to { $address }. Enter it to approve this payment.
code-label = One-time code
code-help = Type or paste the code. Spaces do not matter.
code-form = Digits only
code-missing = Enter the code from your bank. This did not use up a try.
code-wrong = That code was not right. { tries-left }.
tries-left = { $number ->
    [one] 1 try left
   *[other] { $number } tries left
}
bank-unavailable = Your bank did not answer. Nothing is lost: wait a moment, then enter the code again.
code-resend = Send a new code
code-resends-left = { $number ->
    [one] 1 new code can be sent
   *[other] { $number } new codes can be sent
}
code-resends-none = No more codes can be sent for this payment.
code-resent = A new code is on its way. Use the newest one.
pay = Pay { $amount }
challenge-next = Once your bank agrees, you go back to { $merchant }. If you cancel, no money is taken.

confirming-heading = Confirming with the bank
confirming-text = Your answer has reached us, and we are asking the bank for the outcome.
confirming-do-not = Please do not pay again: this payment is counted once, whatever happens to this page.

pick-bank-heading = Choose your bank
pick-bank-text = You confirm the payment on your bank’s own page.
pick-bank-search = Find your bank
pick-wallet-heading = Choose your wallet
pick-wallet-text = You confirm the payment in your wallet.
pick-wallet-search = Find your wallet
pick-search = Search
pick-common = Often used
pick-others = All others, A to Z
pick-tests = Test cases
pick-found = Found
# The script puts the number in.
pick-count = Matches: { $number }
pick-none = Nothing matches your search
pick-none-advice = Check the spelling, try a shorter word, or show the whole list.
pick-show-all = Show the whole list
pick-empty = There is nothing to choose from right now
pick-empty-advice = Try again in a moment, or go back to the shop and pay in another way.

handover-heading = On to { $bank }
handover-text = You confirm the payment there, and then come back to { $merchant }.
handover-host = You will be at
handover-button = Continue to { $bank }
handover-next = If nothing happens within a few seconds, press the button.

upi-wait-heading = Approve in your UPI app
upi-wait-text = A payment request has been sent to { $address }.
upi-wait-open = Open the UPI app with this address.
upi-wait-find = Find the request from { $merchant } for { $amount }.
upi-wait-approve = Approve it with your UPI PIN.
upi-pin = Enter your UPI PIN in your UPI app only. We never ask for it.

upi-qr-heading = Pay with a UPI app
upi-qr-text = Scan the code with any UPI app.
upi-qr-text-phone = Amount and payee are filled in already.
upi-qr-open = Open UPI app
upi-qr-picture = QR code of this payment
upi-qr-scan = Choose “Scan” in a UPI app, and point the camera at the code.
upi-qr-check = Check that payee and amount are those shown here.
upi-qr-confirm = Confirm with your UPI PIN.
upi-qr-show = Scan with another phone instead
upi-qr-replaced = You get a code instead of a request in your app: UPI collect requests have been withdrawn for most merchants.

at-bank-heading = Waiting for { $bank }
at-bank-text = { $bank } has not told us yet how this payment ended.
at-bank-unfinished = Not confirmed yet? Go back and finish there. Already confirmed? Then just wait here.
at-bank-button = Back to { $bank }
at-bank-cancel = Cancel only if you have not confirmed the payment at your bank.

sandbox-heading = Approve this payment?
sandbox-bank = Sandbox bank
sandbox-wallet = Sandbox wallet
sandbox-upi = Sandbox UPI app
sandbox-issuer = Sandbox card issuer
sandbox-role = This is a sandbox, and not { $bank }. Play the customer, and choose how this payment ends.
sandbox-approve = Approve
sandbox-decline = Decline
sandbox-cancel = Cancel and go back
sandbox-state = Order
sandbox-state-open = Open
sandbox-state-paid = Paid
sandbox-state-refused = Refused
sandbox-state-closed = Closed
sandbox-state-unknown = Unknown
sandbox-paid-text = This order was approved here. It cannot be paid twice.
sandbox-refused-text = This order was declined here.
sandbox-closed-heading = Order closed
sandbox-closed-text = The shop no longer waits for this order. Nothing can be approved any more.
sandbox-unknown-heading = We do not know this order
sandbox-unknown-text = The sandbox has no order with the number in this address.
sandbox-back = Back to the payment

result = Result
transaction = Transaction
time = Time
bank-reference = Bank reference
descriptor = On your statement

approved-heading = Payment approved
approved-text = Thank you. You can go back to the shop now.
refunding-heading = Refund on its way
refunding-text = You paid, and the shop has asked the bank to give money back.
partly-refunded-heading = Partly refunded
partly-refunded-text = You paid, and the shop has given a part of it back. When it shows on your statement depends on your bank.
refunded-heading = Payment refunded
refunded-text = You paid, and the shop has given all of it back. When it shows on your statement depends on your bank.
reversed-heading = Payment reversed
reversed-text = No money was taken. If your bank shows the amount as reserved, it releases it.
declined-heading = Payment declined
declined-text = No money was taken. Go back to the shop to pay in another way.
expired-heading = Time is over
expired-text = No money was taken. Go back to the shop to start again.
expired-late-text = We did not hear from your bank in time.
cancelled-heading = Payment cancelled
cancelled-text = No money was taken, as you asked.
cancelled-late-text = We have stopped the payment, as you asked.
late = If your bank did take the money, it comes back to you or counts for this order, and { $merchant } is told. Look at your account before you pay again.
failed-heading = Payment failed
failed-text = A technical failure stopped the payment. No money was taken. Go back to the shop to try again.
pending-heading = Payment pending
pending-text = This payment is not decided yet.

reason-refused = Declined by the bank
reason-insufficient-funds = Declined by the bank: insufficient funds
reason-authentication-failed = Declined: the bank could not confirm that it was you
reason-expired-card = Declined by the bank: the card has expired
reason-lost-card = Declined by the bank: the card was reported lost
reason-stolen-card = Declined by the bank: the card was reported stolen
reason-security-code = Declined by the bank: the security code is wrong
reason-limit-exceeded = Declined by the bank: a limit of your card or account was reached
reason-not-permitted = Declined by the bank: this kind of payment is not allowed
reason-suspected-fraud = Declined by the bank for security reasons
reason-bank-unavailable = Declined: the bank could not be reached
reason-cancelled = Declined: cancelled at the bank

not-found-heading = We do not know this payment
not-found-text = No payment has the number in this address.
not-found-advice = Go back to the shop and start the payment again, or open the link exactly as the shop gave it to you. No money was taken by opening this page.
too-many-heading = Too many tries
too-many-text = Too many unknown payment numbers were asked for from your network.
too-many-advice = Wait a minute, then open the link from the shop again.
cross-site-heading = This form came from another website
cross-site-text = To protect you, we only accept an answer that is given on our own page.
cross-site-advice = Nothing has changed. Open the payment here and answer again.
too-large-heading = That was too much
too-large-text = The form that arrived is far larger than a code.
too-large-advice = Nothing has changed. Open the payment again and enter the code alone.
trouble-heading = We cannot show this page right now
trouble-text = Something on our side does not work at the moment. Your payment is not lost.
trouble-advice = Try again in a moment. Please do not start a second payment: the shop learns how this one ends, also without you.
