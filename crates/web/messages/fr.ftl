test-mode = Mode test.
test-mode-means = Aucun argent réel ne circule.
secured-by = Sécurisé par Tollgate
language = Langue

your-payment = Votre paiement
pay-to = Paiement à
product = Objet
order = Commande
card = Carte
bank = Banque
wallet = Portefeuille
amount = Montant
upi-id = Identifiant UPI
card-ending = carte se terminant par { $digits }
title = { $heading } – { $merchant }
working = Un instant…
time-left = Temps restant
time-left-spoken = Il reste { $time } pour terminer le paiement
finish-in-seconds = { $number ->
    [one] Terminez d’ici { $number } seconde, avant { $until }
   *[other] Terminez d’ici { $number } secondes, avant { $until }
}
finish-in-minutes = { $number ->
    [one] Terminez d’ici { $number } minute, avant { $until }
   *[other] Terminez d’ici { $number } minutes, avant { $until }
}
cancel = Annuler le paiement
waiting = En attente de votre accord
check-now = Vérifier maintenant
try-again = Réessayer
return-to = Retour à { $merchant }
continue-payment = Poursuivre le paiement
goes-on = Cette page passe d’elle-même à { $merchant } dès que la banque a répondu.

challenge-heading = Confirmez que c’est bien vous
code-sent = { $bank } a envoyé un code à usage unique à { $address }. Saisissez-le pour approuver ce paiement.
code-label = Code à usage unique
code-help = Tapez ou collez le code. Les espaces ne comptent pas.
code-form = Chiffres uniquement
code-missing = Saisissez le code de votre banque. Aucun essai n’a été décompté.
code-wrong = Ce code n’était pas le bon. { tries-left }.
tries-left = { $number ->
    [one] Encore { $number } essai
   *[other] Encore { $number } essais
}
bank-unavailable = Votre banque n’a pas répondu. Rien n’est perdu : patientez un instant, puis saisissez à nouveau le code.
code-resend = Envoyer un nouveau code
code-resends-left = { $number ->
    [one] Encore { $number } envoi possible
   *[other] Encore { $number } envois possibles
}
code-resends-none = Aucun autre code ne peut être envoyé pour ce paiement.
code-resent = Un nouveau code est en route. Utilisez le plus récent.
pay = Payer { $amount }
challenge-next = Dès que votre banque accepte, vous revenez chez { $merchant }. Si vous annulez, rien n’est débité.

confirming-heading = Confirmation auprès de la banque
confirming-text = Nous avons reçu votre réponse et demandons le résultat à la banque.
confirming-do-not = Ne payez pas une seconde fois : ce paiement ne compte qu’une fois, quoi qu’il arrive à cette page.

pick-bank-heading = Choisissez votre banque
pick-bank-text = Vous confirmez le paiement sur la page de votre banque.
pick-bank-search = Trouver votre banque
pick-wallet-heading = Choisissez votre portefeuille
pick-wallet-text = Vous confirmez le paiement dans votre portefeuille.
pick-wallet-search = Trouver votre portefeuille
pick-search = Rechercher
pick-common = Souvent utilisés
pick-others = Tous les autres, de A à Z
pick-tests = Cas de test
pick-found = Trouvés
pick-count = Résultats : { $number }
pick-none = Rien ne correspond à votre recherche
pick-none-advice = Vérifiez l’orthographe, essayez un mot plus court ou affichez toute la liste.
pick-show-all = Afficher toute la liste
pick-empty = Il n’y a rien à choisir pour le moment
pick-empty-advice = Réessayez dans un instant, ou retournez à la boutique et payez autrement.

handover-heading = Étape suivante : { $bank }
handover-text = Vous y confirmez le paiement, puis vous revenez chez { $merchant }.
handover-host = Vous serez sur
handover-button = Continuer vers { $bank }
handover-next = Si rien ne se passe au bout de quelques secondes, appuyez sur le bouton.

upi-wait-heading = Approuvez dans votre appli UPI
upi-wait-text = Une demande de paiement a été envoyée à { $address }.
upi-wait-open = Ouvrez l’appli UPI liée à cette adresse.
upi-wait-find = Cherchez la demande de { $merchant } d’un montant de { $amount }.
upi-wait-approve = Approuvez-la avec votre code PIN UPI.
upi-pin = Saisissez votre code PIN UPI uniquement dans votre appli UPI. Nous ne le demandons jamais.

upi-qr-heading = Payer avec une appli UPI
upi-qr-text = Scannez le code avec n’importe quelle appli UPI.
upi-qr-text-phone = Le montant et le bénéficiaire sont déjà remplis.
upi-qr-open = Ouvrir l’appli UPI
upi-qr-picture = Code QR de ce paiement
upi-qr-scan = Choisissez « Scanner » dans une appli UPI et dirigez l’appareil photo vers le code.
upi-qr-check = Vérifiez que le bénéficiaire et le montant sont ceux affichés ici.
upi-qr-confirm = Confirmez avec votre code PIN UPI.
upi-qr-show = Scanner plutôt avec un autre téléphone
upi-qr-replaced = Vous recevez un code au lieu d’une demande dans votre appli : les demandes de paiement UPI ont été supprimées pour la plupart des commerçants.

at-bank-heading = En attente de { $bank }
at-bank-text = { $bank } ne nous a pas encore dit comment ce paiement s’est terminé.
at-bank-unfinished = Pas encore confirmé ? Retournez-y pour terminer. Déjà confirmé ? Alors patientez simplement ici.
at-bank-button = Retour à { $bank }
at-bank-cancel = N’annulez que si vous n’avez pas confirmé le paiement auprès de votre banque.

sandbox-heading = Approuver ce paiement ?
sandbox-bank = Banque de test
sandbox-wallet = Portefeuille de test
sandbox-upi = Appli UPI de test
sandbox-issuer = Émetteur de carte de test
sandbox-role = Ceci est un bac à sable, et non { $bank }. Jouez le client et choisissez l’issue de ce paiement.
sandbox-approve = Approuver
sandbox-decline = Refuser
sandbox-cancel = Annuler et revenir
sandbox-state = Ordre
sandbox-state-open = Ouvert
sandbox-state-paid = Payé
sandbox-state-refused = Refusé
sandbox-state-closed = Fermé
sandbox-state-unknown = Inconnu
sandbox-paid-text = Cet ordre a été approuvé ici. Il ne peut pas être payé deux fois.
sandbox-refused-text = Cet ordre a été refusé ici.
sandbox-closed-heading = Ordre fermé
sandbox-closed-text = La boutique n’attend plus cet ordre. Plus rien ne peut être approuvé.
sandbox-unknown-heading = Nous ne connaissons pas cet ordre
sandbox-unknown-text = L’environnement de test n’a aucun ordre portant le numéro de cette adresse.
sandbox-back = Retour au paiement

result = Résultat
transaction = Transaction
time = Heure
bank-reference = Référence bancaire
descriptor = Sur votre relevé

approved-heading = Paiement approuvé
approved-text = Merci. Vous pouvez maintenant revenir à la boutique.
refunding-heading = Remboursement en cours
refunding-text = Vous avez payé, et la boutique a demandé à la banque de rendre de l’argent.
partly-refunded-heading = Remboursé en partie
partly-refunded-text = Vous avez payé, et la boutique en a remboursé une partie. La date à laquelle elle figure sur votre relevé dépend de votre banque.
refunded-heading = Paiement remboursé
refunded-text = Vous avez payé, et la boutique a tout remboursé. La date à laquelle cela figure sur votre relevé dépend de votre banque.
reversed-heading = Paiement annulé par la banque
reversed-text = Rien n’a été débité. Si votre banque affiche le montant comme réservé, elle le libérera.
declined-heading = Paiement refusé
declined-text = Rien n’a été débité. Retournez à la boutique pour payer autrement.
expired-heading = Le temps est écoulé
expired-text = Rien n’a été débité. Retournez à la boutique pour recommencer.
expired-late-text = Nous n’avons pas eu de nouvelles de votre banque à temps.
cancelled-heading = Paiement annulé
cancelled-text = Rien n’a été débité, comme vous l’avez demandé.
cancelled-late-text = Nous avons arrêté le paiement, comme vous l’avez demandé.
late = Si votre banque a tout de même débité l’argent, il vous est rendu ou compte pour cette commande, et { $merchant } en est informé. Regardez votre compte avant de payer à nouveau.
failed-heading = Le paiement a échoué
failed-text = Une panne technique a arrêté le paiement. Rien n’a été débité. Retournez à la boutique pour réessayer.
pending-heading = Paiement en attente
pending-text = Ce paiement n’est pas encore décidé.

reason-refused = Refusé par la banque
reason-insufficient-funds = Refusé par la banque : provision insuffisante
reason-authentication-failed = Refusé : la banque n’a pas pu confirmer que c’était bien vous
reason-expired-card = Refusé par la banque : la carte a expiré
reason-lost-card = Refusé par la banque : la carte a été déclarée perdue
reason-stolen-card = Refusé par la banque : la carte a été déclarée volée
reason-security-code = Refusé par la banque : le code de sécurité est faux
reason-limit-exceeded = Refusé par la banque : un plafond de votre carte ou de votre compte est atteint
reason-not-permitted = Refusé par la banque : ce type de paiement n’est pas autorisé
reason-suspected-fraud = Refusé par la banque pour des raisons de sécurité
reason-bank-unavailable = Refusé : la banque était injoignable
reason-cancelled = Refusé : annulé auprès de la banque

not-found-heading = Nous ne connaissons pas ce paiement
not-found-text = Aucun paiement ne porte le numéro de cette adresse.
not-found-advice = Retournez à la boutique et recommencez le paiement, ou ouvrez le lien exactement tel que la boutique vous l’a donné. Ouvrir cette page n’a rien débité.
too-many-heading = Trop d’essais
too-many-text = Trop de numéros de paiement inconnus ont été demandés depuis votre réseau.
too-many-advice = Patientez une minute, puis ouvrez à nouveau le lien de la boutique.
cross-site-heading = Ce formulaire venait d’un autre site
cross-site-text = Pour vous protéger, nous n’acceptons que les réponses données sur notre propre page.
cross-site-advice = Rien n’a changé. Ouvrez le paiement ici et répondez à nouveau.
too-large-heading = C’était trop
too-large-text = Le formulaire reçu est bien plus grand qu’un code.
too-large-advice = Rien n’a changé. Ouvrez à nouveau le paiement et saisissez uniquement le code.
trouble-heading = Nous ne pouvons pas afficher cette page pour le moment
trouble-text = Quelque chose ne fonctionne pas chez nous en ce moment. Votre paiement n’est pas perdu.
trouble-advice = Réessayez dans un instant. Ne commencez pas un second paiement : la boutique apprend comment celui-ci se termine, même sans vous.
