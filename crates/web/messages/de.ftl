test-mode = Testbetrieb.
test-mode-means = Es fließt kein echtes Geld.
secured-by = Gesichert durch Tollgate
language = Sprache

your-payment = Ihre Zahlung
pay-to = Zahlung an
product = Für
order = Bestellung
card = Karte
bank = Bank
wallet = Wallet
amount = Betrag
upi-id = UPI-ID
card-ending = Karte mit den Endziffern { $digits }
title = { $heading } – { $merchant }
working = Einen Moment…
time-left = Verbleibende Zeit
time-left-spoken = Noch { $time }, um die Zahlung abzuschließen
finish-in-seconds = { $number ->
    [one] Bitte innerhalb einer Sekunde abschließen, bis { $until }
   *[other] Bitte innerhalb von { $number } Sekunden abschließen, bis { $until }
}
finish-in-minutes = { $number ->
    [one] Bitte innerhalb einer Minute abschließen, bis { $until }
   *[other] Bitte innerhalb von { $number } Minuten abschließen, bis { $until }
}
cancel = Zahlung abbrechen
waiting = Wir warten auf Ihre Freigabe
check-now = Jetzt prüfen
try-again = Erneut versuchen
return-to = Zurück zu { $merchant }
continue-payment = Zahlung fortsetzen
goes-on = Sobald die Bank geantwortet hat, geht es von selbst weiter zu { $merchant }.

challenge-heading = Bestätigen Sie, dass Sie es sind
code-sent = { $bank } hat einen Einmalcode an { $address } gesendet. Geben Sie ihn ein, um diese Zahlung freizugeben.
code-label = Einmalcode
code-help = Code eintippen oder einfügen. Leerzeichen spielen keine Rolle.
code-form = Nur Ziffern
code-missing = Geben Sie den Code Ihrer Bank ein. Das hat keinen Versuch gekostet.
code-wrong = Der Code war nicht richtig. { tries-left }.
tries-left = { $number ->
    [one] Noch 1 Versuch
   *[other] Noch { $number } Versuche
}
bank-unavailable = Ihre Bank hat nicht geantwortet. Es ist nichts verloren: Warten Sie einen Moment und geben Sie den Code noch einmal ein.
code-resend = Neuen Code senden
code-resends-left = { $number ->
    [one] 1 neuer Code ist noch möglich
   *[other] { $number } neue Codes sind noch möglich
}
code-resends-none = Für diese Zahlung kann kein weiterer Code gesendet werden.
code-resent = Ein neuer Code ist unterwegs. Verwenden Sie den neuesten.
pay = { $amount } zahlen
challenge-next = Sobald Ihre Bank zustimmt, kehren Sie zu { $merchant } zurück. Wenn Sie abbrechen, wird kein Geld abgebucht.

confirming-heading = Bestätigung durch die Bank
confirming-text = Ihre Antwort ist angekommen, und wir fragen die Bank nach dem Ergebnis.
confirming-do-not = Bitte zahlen Sie nicht noch einmal: Diese Zahlung zählt nur einmal, was auch immer mit dieser Seite geschieht.

pick-bank-heading = Wählen Sie Ihre Bank
pick-bank-text = Sie bestätigen die Zahlung auf der Seite Ihrer Bank.
pick-bank-search = Bank suchen
pick-wallet-heading = Wählen Sie Ihr Wallet
pick-wallet-text = Sie bestätigen die Zahlung in Ihrem Wallet.
pick-wallet-search = Wallet suchen
pick-search = Suchen
pick-common = Häufig gewählt
pick-others = Alle anderen, A bis Z
pick-tests = Testfälle
pick-found = Gefunden
pick-count = Treffer: { $number }
pick-none = Nichts passt zu Ihrer Suche
pick-none-advice = Prüfen Sie die Schreibweise, versuchen Sie ein kürzeres Wort oder lassen Sie sich die ganze Liste zeigen.
pick-show-all = Ganze Liste zeigen
pick-empty = Im Moment gibt es hier nichts zur Auswahl
pick-empty-advice = Versuchen Sie es gleich noch einmal, oder kehren Sie zum Shop zurück und zahlen Sie auf anderem Weg.

handover-heading = Weiter zu { $bank }
handover-text = Dort bestätigen Sie die Zahlung und kehren dann zu { $merchant } zurück.
handover-host = Sie kommen zu
handover-button = Weiter zu { $bank }
handover-next = Wenn nach einigen Sekunden nichts geschieht, drücken Sie die Schaltfläche.

upi-wait-heading = In Ihrer UPI-App freigeben
upi-wait-text = Eine Zahlungsanforderung wurde an { $address } gesendet.
upi-wait-open = Öffnen Sie die UPI-App mit dieser Adresse.
upi-wait-find = Suchen Sie die Anforderung von { $merchant } über { $amount }.
upi-wait-approve = Geben Sie sie mit Ihrer UPI-PIN frei.
upi-pin = Geben Sie Ihre UPI-PIN nur in Ihrer UPI-App ein. Wir fragen nie danach.

upi-qr-heading = Mit einer UPI-App zahlen
upi-qr-text = Scannen Sie den Code mit einer beliebigen UPI-App.
upi-qr-text-phone = Betrag und Empfänger sind schon eingetragen.
upi-qr-open = UPI-App öffnen
upi-qr-picture = QR-Code dieser Zahlung
upi-qr-scan = Wählen Sie in einer UPI-App „Scannen“ und richten Sie die Kamera auf den Code.
upi-qr-check = Prüfen Sie, ob Empfänger und Betrag mit dieser Seite übereinstimmen.
upi-qr-confirm = Bestätigen Sie mit Ihrer UPI-PIN.
upi-qr-show = Stattdessen mit einem anderen Telefon scannen
upi-qr-replaced = Sie erhalten einen Code statt einer Anforderung in der App: UPI-Zahlungsanforderungen wurden für die meisten Händler abgeschafft.

at-bank-heading = Warten auf { $bank }
at-bank-text = { $bank } hat uns noch nicht mitgeteilt, wie diese Zahlung ausgegangen ist.
at-bank-unfinished = Noch nicht bestätigt? Gehen Sie zurück und schließen Sie dort ab. Schon bestätigt? Dann warten Sie einfach hier.
at-bank-button = Zurück zu { $bank }
at-bank-cancel = Brechen Sie nur ab, wenn Sie die Zahlung bei Ihrer Bank nicht bestätigt haben.

sandbox-heading = Diese Zahlung freigeben?
sandbox-bank = Sandbox-Bank
sandbox-wallet = Sandbox-Wallet
sandbox-upi = Sandbox-UPI-App
sandbox-issuer = Sandbox-Kartenbank
sandbox-role = Dies ist eine Testumgebung und nicht { $bank }. Spielen Sie den Kunden und wählen Sie, wie diese Zahlung ausgeht.
sandbox-approve = Freigeben
sandbox-decline = Ablehnen
sandbox-cancel = Abbrechen und zurück
sandbox-state = Auftrag
sandbox-state-open = Offen
sandbox-state-paid = Bezahlt
sandbox-state-refused = Abgelehnt
sandbox-state-closed = Geschlossen
sandbox-state-unknown = Unbekannt
sandbox-paid-text = Dieser Auftrag wurde hier freigegeben. Er kann nicht zweimal bezahlt werden.
sandbox-refused-text = Dieser Auftrag wurde hier abgelehnt.
sandbox-closed-heading = Auftrag geschlossen
sandbox-closed-text = Der Shop wartet nicht mehr auf diesen Auftrag. Es kann nichts mehr freigegeben werden.
sandbox-unknown-heading = Diesen Auftrag kennen wir nicht
sandbox-unknown-text = Die Sandbox hat keinen Auftrag mit der Nummer in dieser Adresse.
sandbox-back = Zurück zur Zahlung

result = Ergebnis
transaction = Transaktion
time = Zeitpunkt
bank-reference = Bankreferenz
descriptor = Auf Ihrem Kontoauszug

approved-heading = Zahlung genehmigt
approved-text = Vielen Dank. Sie können jetzt zum Shop zurückkehren.
refunding-heading = Erstattung unterwegs
refunding-text = Sie haben gezahlt, und der Shop hat die Bank um eine Rückzahlung gebeten.
partly-refunded-heading = Teilweise erstattet
partly-refunded-text = Sie haben gezahlt, und der Shop hat einen Teil davon erstattet. Wann er auf Ihrem Kontoauszug erscheint, hängt von Ihrer Bank ab.
refunded-heading = Zahlung erstattet
refunded-text = Sie haben gezahlt, und der Shop hat alles erstattet. Wann es auf Ihrem Kontoauszug erscheint, hängt von Ihrer Bank ab.
reversed-heading = Zahlung storniert
reversed-text = Es wurde kein Geld abgebucht. Falls Ihre Bank den Betrag als reserviert anzeigt, gibt sie ihn wieder frei.
declined-heading = Zahlung abgelehnt
declined-text = Es wurde kein Geld abgebucht. Kehren Sie zum Shop zurück, um auf anderem Weg zu zahlen.
expired-heading = Die Zeit ist abgelaufen
expired-text = Es wurde kein Geld abgebucht. Kehren Sie zum Shop zurück, um neu zu beginnen.
expired-late-text = Wir haben von Ihrer Bank nicht rechtzeitig gehört.
cancelled-heading = Zahlung abgebrochen
cancelled-text = Es wurde kein Geld abgebucht, wie Sie es wollten.
cancelled-late-text = Wir haben die Zahlung gestoppt, wie Sie es wollten.
late = Falls Ihre Bank das Geld doch abgebucht hat, kommt es zurück oder zählt für diese Bestellung, und { $merchant } erfährt davon. Sehen Sie auf Ihr Konto, bevor Sie noch einmal zahlen.
failed-heading = Zahlung fehlgeschlagen
failed-text = Ein technischer Fehler hat die Zahlung gestoppt. Es wurde kein Geld abgebucht. Kehren Sie zum Shop zurück, um es erneut zu versuchen.
pending-heading = Zahlung ausstehend
pending-text = Über diese Zahlung ist noch nicht entschieden.

reason-refused = Von der Bank abgelehnt
reason-insufficient-funds = Von der Bank abgelehnt: keine ausreichende Deckung
reason-authentication-failed = Abgelehnt: Die Bank konnte nicht bestätigen, dass Sie es waren
reason-expired-card = Von der Bank abgelehnt: Die Karte ist abgelaufen
reason-lost-card = Von der Bank abgelehnt: Die Karte wurde als verloren gemeldet
reason-stolen-card = Von der Bank abgelehnt: Die Karte wurde als gestohlen gemeldet
reason-security-code = Von der Bank abgelehnt: Die Prüfnummer ist falsch
reason-limit-exceeded = Von der Bank abgelehnt: Ein Limit Ihrer Karte oder Ihres Kontos ist erreicht
reason-not-permitted = Von der Bank abgelehnt: Diese Art von Zahlung ist nicht erlaubt
reason-suspected-fraud = Von der Bank aus Sicherheitsgründen abgelehnt
reason-bank-unavailable = Abgelehnt: Die Bank war nicht erreichbar
reason-cancelled = Abgelehnt: bei der Bank abgebrochen

not-found-heading = Diese Zahlung kennen wir nicht
not-found-text = Keine Zahlung hat die Nummer in dieser Adresse.
not-found-advice = Kehren Sie zum Shop zurück und beginnen Sie die Zahlung neu, oder öffnen Sie den Link genau so, wie Sie ihn vom Shop bekommen haben. Durch das Öffnen dieser Seite wurde kein Geld abgebucht.
too-many-heading = Zu viele Versuche
too-many-text = Aus Ihrem Netz wurde nach zu vielen unbekannten Zahlungsnummern gefragt.
too-many-advice = Warten Sie eine Minute und öffnen Sie dann den Link des Shops noch einmal.
cross-site-heading = Dieses Formular kam von einer anderen Website
cross-site-text = Zu Ihrem Schutz nehmen wir nur Antworten an, die auf unserer eigenen Seite gegeben werden.
cross-site-advice = Es hat sich nichts geändert. Öffnen Sie die Zahlung hier und antworten Sie noch einmal.
too-large-heading = Das war zu viel
too-large-text = Das Formular, das ankam, ist viel größer als ein Code.
too-large-advice = Es hat sich nichts geändert. Öffnen Sie die Zahlung noch einmal und geben Sie nur den Code ein.
trouble-heading = Wir können diese Seite gerade nicht anzeigen
trouble-text = Bei uns funktioniert im Moment etwas nicht. Ihre Zahlung ist nicht verloren.
trouble-advice = Versuchen Sie es gleich noch einmal. Bitte beginnen Sie keine zweite Zahlung: Der Shop erfährt auch ohne Sie, wie diese ausgeht.
