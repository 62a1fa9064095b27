test-mode = Modo de teste.
test-mode-means = Nenhum dinheiro real é movimentado.
secured-by = Protegido por Tollgate
language = Idioma

your-payment = Seu pagamento
pay-to = Pagamento para
product = Referente a
order = Pedido
card = Cartão
bank = Banco
wallet = Carteira
amount = Valor
upi-id = ID UPI
card-ending = cartão com final { $digits }
title = { $heading } – { $merchant }
working = Um momento…
time-left = Tempo restante
time-left-spoken = Restam { $time } para concluir o pagamento
finish-in-seconds = { $number ->
    [one] Conclua em { $number } segundo, até { $until }
   *[other] Conclua em { $number } segundos, até { $until }
}
finish-in-minutes = { $number ->
    [one] Conclua em { $number } minuto, até { $until }
   *[other] Conclua em { $number } minutos, até { $until }
}
cancel = Cancelar pagamento
waiting = Aguardando sua aprovação
check-now = Verificar agora
try-again = Tentar novamente
return-to = Voltar para { $merchant }
continue-payment = Continuar o pagamento
goes-on = Esta página segue sozinha para { $merchant } assim que o banco responder.

challenge-heading = Confirme que é você
code-sent = { $bank } enviou um código de uso único para { $address }. Digite-o para aprovar este pagamento.
code-label = Código de uso único
code-help = Digite ou cole o código. Os espaços não importam.
code-form = Somente números
code-missing = Digite o código do seu banco. Nenhuma tentativa foi gasta.
code-wrong = Esse código não estava certo. { tries-left }.
tries-left = { $number ->
    [one] Resta { $number } tentativa
   *[other] Restam { $number } tentativas
}
bank-unavailable = Seu banco não respondeu. Nada se perdeu: espere um momento e digite o código novamente.
code-resend = Enviar novo código
code-resends-left = { $number ->
    [one] Ainda pode ser enviado { $number } novo código
   *[other] Ainda podem ser enviados { $number } novos códigos
}
code-resends-none = Não é possível enviar mais códigos para este pagamento.
code-resent = Um novo código está a caminho. Use o mais recente.
pay = Pagar { $amount }
challenge-next = Assim que seu banco concordar, você volta para { $merchant }. Se cancelar, nada é cobrado.

confirming-heading = Confirmando com o banco
confirming-text = Recebemos sua resposta e estamos perguntando o resultado ao banco.
confirming-do-not = Não pague de novo: este pagamento conta uma só vez, aconteça o que acontecer com esta página.

pick-bank-heading = Escolha seu banco
pick-bank-text = Você confirma o pagamento na página do seu banco.
pick-bank-search = Encontrar seu banco
pick-wallet-heading = Escolha sua carteira
pick-wallet-text = Você confirma o pagamento na sua carteira.
pick-wallet-search = Encontrar sua carteira
pick-search = Buscar
pick-common = Mais usados
pick-others = Todos os outros, de A a Z
pick-tests = Casos de teste
pick-found = Encontrados
pick-count = Resultados: { $number }
pick-none = Nada corresponde à sua busca
pick-none-advice = Verifique a grafia, tente uma palavra mais curta ou veja a lista inteira.
pick-show-all = Ver a lista inteira
pick-empty = Não há nada para escolher no momento
pick-empty-advice = Tente novamente daqui a pouco, ou volte à loja e pague de outra forma.

handover-heading = Próximo passo: { $bank }
handover-text = Lá você confirma o pagamento e depois volta para { $merchant }.
handover-host = Você irá para
handover-button = Continuar para { $bank }
handover-next = Se nada acontecer em alguns segundos, pressione o botão.

upi-wait-heading = Aprove no seu app UPI
upi-wait-text = Uma solicitação de pagamento foi enviada para { $address }.
upi-wait-open = Abra o app UPI que tem este endereço.
upi-wait-find = Encontre a solicitação de { $merchant } no valor de { $amount }.
upi-wait-approve = Aprove-a com seu PIN UPI.
upi-pin = Digite seu PIN UPI somente no seu app UPI. Nós nunca o pedimos.

upi-qr-heading = Pagar com um app UPI
upi-qr-text = Escaneie o código com qualquer app UPI.
upi-qr-text-phone = O valor e o recebedor já estão preenchidos.
upi-qr-open = Abrir app UPI
upi-qr-picture = Código QR deste pagamento
upi-qr-scan = Escolha “Escanear” em um app UPI e aponte a câmera para o código.
upi-qr-check = Confira se o recebedor e o valor são os mostrados aqui.
upi-qr-confirm = Confirme com seu PIN UPI.
upi-qr-show = Escanear com outro celular
upi-qr-replaced = Você recebe um código em vez de uma solicitação no app: as solicitações de cobrança UPI foram retiradas para a maioria dos lojistas.

at-bank-heading = Aguardando { $bank }
at-bank-text = { $bank } ainda não nos disse como este pagamento terminou.
at-bank-unfinished = Ainda não confirmou? Volte e conclua lá. Já confirmou? Então apenas aguarde aqui.
at-bank-button = Voltar para { $bank }
at-bank-cancel = Cancele somente se não tiver confirmado o pagamento no seu banco.

sandbox-heading = Aprovar este pagamento?
sandbox-bank = Banco de teste
sandbox-wallet = Carteira de teste
sandbox-upi = App UPI de teste
sandbox-issuer = Emissor de cartão de teste
sandbox-role = Este é um ambiente de testes, e não { $bank }. Faça o papel do cliente e escolha como este pagamento termina.
sandbox-approve = Aprovar
sandbox-decline = Recusar
sandbox-cancel = Cancelar e voltar
sandbox-state = Ordem
sandbox-state-open = Aberta
sandbox-state-paid = Paga
sandbox-state-refused = Recusada
sandbox-state-closed = Encerrada
sandbox-state-unknown = Desconhecida
sandbox-paid-text = Esta ordem foi aprovada aqui. Ela não pode ser paga duas vezes.
sandbox-refused-text = Esta ordem foi recusada aqui.
sandbox-closed-heading = Ordem encerrada
sandbox-closed-text = A loja não espera mais por esta ordem. Nada mais pode ser aprovado.
sandbox-unknown-heading = Não conhecemos esta ordem
sandbox-unknown-text = O ambiente de teste não tem nenhuma ordem com o número deste endereço.
sandbox-back = Voltar ao pagamento

result = Resultado
transaction = Transação
time = Horário
bank-reference = Referência do banco
descriptor = No seu extrato

approved-heading = Pagamento aprovado
approved-text = Obrigado. Você já pode voltar à loja.
refunding-heading = Reembolso a caminho
refunding-text = Você pagou, e a loja pediu ao banco que devolva dinheiro.
partly-refunded-heading = Reembolsado em parte
partly-refunded-text = Você pagou, e a loja devolveu uma parte. Quando ela aparece no seu extrato depende do seu banco.
refunded-heading = Pagamento reembolsado
refunded-text = Você pagou, e a loja devolveu tudo. Quando o valor aparece no seu extrato depende do seu banco.
reversed-heading = Pagamento estornado
reversed-text = Nada foi cobrado. Se seu banco mostrar o valor como reservado, ele o libera.
declined-heading = Pagamento recusado
declined-text = Nada foi cobrado. Volte à loja para pagar de outra forma.
expired-heading = O tempo acabou
expired-text = Nada foi cobrado. Volte à loja para começar de novo.
expired-late-text = Não tivemos notícia do seu banco a tempo.
cancelled-heading = Pagamento cancelado
cancelled-text = Nada foi cobrado, como você pediu.
cancelled-late-text = Interrompemos o pagamento, como você pediu.
late = Se mesmo assim seu banco tirou o dinheiro, ele volta para você ou conta para este pedido, e { $merchant } é avisado. Olhe sua conta antes de pagar de novo.
failed-heading = O pagamento falhou
failed-text = Uma falha técnica interrompeu o pagamento. Nada foi cobrado. Volte à loja para tentar novamente.
pending-heading = Pagamento pendente
pending-text = Este pagamento ainda não foi decidido.

reason-refused = Recusado pelo banco
reason-insufficient-funds = Recusado pelo banco: saldo insuficiente
reason-authentication-failed = Recusado: o banco não conseguiu confirmar que era você
reason-expired-card = Recusado pelo banco: o cartão está vencido
reason-lost-card = Recusado pelo banco: o cartão foi informado como perdido
reason-stolen-card = Recusado pelo banco: o cartão foi informado como roubado
reason-security-code = Recusado pelo banco: o código de segurança está errado
reason-limit-exceeded = Recusado pelo banco: um limite do seu cartão ou da sua conta foi atingido
reason-not-permitted = Recusado pelo banco: este tipo de pagamento não é permitido
reason-suspected-fraud = Recusado pelo banco por motivos de segurança
reason-bank-unavailable = Recusado: não foi possível contatar o banco
reason-cancelled = Recusado: cancelado no banco

not-found-heading = Não conhecemos este pagamento
not-found-text = Nenhum pagamento tem o número deste endereço.
not-found-advice = Volte à loja e comece o pagamento de novo, ou abra o link exatamente como a loja o forneceu. Nada foi cobrado por abrir esta página.
too-many-heading = Tentativas demais
too-many-text = Da sua rede foram consultados números de pagamento desconhecidos demais.
too-many-advice = Espere um minuto e abra novamente o link da loja.
cross-site-heading = Este formulário veio de outro site
cross-site-text = Para proteger você, só aceitamos respostas dadas na nossa própria página.
cross-site-advice = Nada mudou. Abra o pagamento aqui e responda novamente.
too-large-heading = Isso foi demais
too-large-text = O formulário que chegou é muito maior do que um código.
too-large-advice = Nada mudou. Abra o pagamento de novo e digite somente o código.
trouble-heading = Não conseguimos mostrar esta página agora
trouble-text = Algo do nosso lado não está funcionando no momento. Seu pagamento não se perdeu.
trouble-advice = Tente novamente daqui a pouco. Não comece um segundo pagamento: a loja fica sabendo como este termina, mesmo sem você.
