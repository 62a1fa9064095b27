test-mode = Modo de prueba.
test-mode-means = No se mueve dinero real.
secured-by = Protegido por Tollgate
language = Idioma

your-payment = Su pago
pay-to = Pago a
product = Concepto
order = Pedido
card = Tarjeta
bank = Banco
wallet = Monedero
amount = Importe
upi-id = ID de UPI
card-ending = tarjeta terminada en { $digits }
title = { $heading } – { $merchant }
working = Un momento…
time-left = Tiempo restante
time-left-spoken = Quedan { $time } para terminar el pago
finish-in-seconds = { $number ->
    [one] Termine en un segundo, antes de las { $until }
   *[other] Termine en { $number } segundos, antes de las { $until }
}
finish-in-minutes = { $number ->
    [one] Termine en un minuto, antes de las { $until }
   *[other] Termine en { $number } minutos, antes de las { $until }
}
cancel = Cancelar el pago
waiting = Esperando su aprobación
check-now = Comprobar ahora
try-again = Intentar de nuevo
return-to = Volver a { $merchant }
continue-payment = Continuar con el pago
goes-on = Esta página pasa sola a { $merchant } en cuanto el banco haya respondido.

challenge-heading = Confirme que es usted
code-sent = { $bank } envió un código de un solo uso a { $address }. Introdúzcalo para aprobar este pago.
code-label = Código de un solo uso
code-help = Escriba o pegue el código. Los espacios no importan.
code-form = Solo cifras
code-missing = Introduzca el código de su banco. No se ha gastado ningún intento.
code-wrong = El código no era correcto. { tries-left }.
tries-left = { $number ->
    [one] Queda 1 intento
   *[other] Quedan { $number } intentos
}
bank-unavailable = Su banco no respondió. No se ha perdido nada: espere un momento y vuelva a introducir el código.
code-resend = Enviar un código nuevo
code-resends-left = { $number ->
    [one] Se puede enviar 1 código más
   *[other] Se pueden enviar { $number } códigos más
}
code-resends-none = No se pueden enviar más códigos para este pago.
code-resent = Un código nuevo está en camino. Use el más reciente.
pay = Pagar { $amount }
challenge-next = Cuando su banco lo acepte, volverá a { $merchant }. Si cancela, no se cobra nada.

confirming-heading = Confirmando con el banco
confirming-text = Hemos recibido su respuesta y estamos preguntando el resultado al banco.
confirming-do-not = No pague otra vez: este pago cuenta una sola vez, pase lo que pase con esta página.

pick-bank-heading = Elija su banco
pick-bank-text = Confirmará el pago en la página de su banco.
pick-bank-search = Buscar su banco
pick-wallet-heading = Elija su monedero
pick-wallet-text = Confirmará el pago en su monedero.
pick-wallet-search = Buscar su monedero
pick-search = Buscar
pick-common = Los más usados
pick-others = Todos los demás, de la A a la Z
pick-tests = Casos de prueba
pick-found = Encontrados
pick-count = Coincidencias: { $number }
pick-none = Nada coincide con su búsqueda
pick-none-advice = Revise la ortografía, pruebe con una palabra más corta o vea la lista completa.
pick-show-all = Ver la lista completa
pick-empty = Ahora mismo no hay nada que elegir
pick-empty-advice = Inténtelo de nuevo en un momento, o vuelva a la tienda y pague de otra forma.

handover-heading = Siguiente paso: { $bank }
handover-text = Allí confirmará el pago y después volverá a { $merchant }.
handover-host = Irá a
handover-button = Continuar a { $bank }
handover-next = Si no ocurre nada en unos segundos, pulse el botón.

upi-wait-heading = Apruebe en su app de UPI
upi-wait-text = Se envió una solicitud de pago a { $address }.
upi-wait-open = Abra la app de UPI que tiene esta dirección.
upi-wait-find = Busque la solicitud de { $merchant } por { $amount }.
upi-wait-approve = Apruébela con su PIN de UPI.
upi-pin = Introduzca su PIN de UPI solo en su app de UPI. Nosotros nunca se lo pedimos.

upi-qr-heading = Pagar con una app de UPI
upi-qr-text = Escanee el código con cualquier app de UPI.
upi-qr-text-phone = El importe y el destinatario ya están rellenados.
upi-qr-open = Abrir la app de UPI
upi-qr-picture = Código QR de este pago
upi-qr-scan = Elija «Escanear» en una app de UPI y apunte la cámara al código.
upi-qr-check = Compruebe que el destinatario y el importe son los que se ven aquí.
upi-qr-confirm = Confirme con su PIN de UPI.
upi-qr-show = Escanear con otro teléfono
upi-qr-replaced = Recibe un código en lugar de una solicitud en su app: las solicitudes de cobro de UPI se han retirado para la mayoría de los comercios.

at-bank-heading = Esperando a { $bank }
at-bank-text = { $bank } aún no nos ha dicho cómo terminó este pago.
at-bank-unfinished = ¿Aún no ha confirmado? Vuelva y termine allí. ¿Ya ha confirmado? Entonces solo espere aquí.
at-bank-button = Volver a { $bank }
at-bank-cancel = Cancele solo si no ha confirmado el pago en su banco.

sandbox-heading = ¿Aprobar este pago?
sandbox-bank = Banco de pruebas
sandbox-wallet = Monedero de pruebas
sandbox-upi = App de UPI de pruebas
sandbox-issuer = Emisor de tarjetas de pruebas
sandbox-role = Esto es un entorno de pruebas y no { $bank }. Haga de cliente y elija cómo termina este pago.
sandbox-approve = Aprobar
sandbox-decline = Rechazar
sandbox-cancel = Cancelar y volver
sandbox-state = Orden
sandbox-state-open = Abierta
sandbox-state-paid = Pagada
sandbox-state-refused = Rechazada
sandbox-state-closed = Cerrada
sandbox-state-unknown = Desconocida
sandbox-paid-text = Esta orden se aprobó aquí. No se puede pagar dos veces.
sandbox-refused-text = Esta orden se rechazó aquí.
sandbox-closed-heading = Orden cerrada
sandbox-closed-text = La tienda ya no espera esta orden. No se puede aprobar nada más.
sandbox-unknown-heading = No conocemos esta orden
sandbox-unknown-text = El entorno de pruebas no tiene ninguna orden con el número de esta dirección.
sandbox-back = Volver al pago

result = Resultado
transaction = Transacción
time = Hora
bank-reference = Referencia bancaria
descriptor = En su extracto

approved-heading = Pago aprobado
approved-text = Gracias. Ya puede volver a la tienda.
refunding-heading = Reembolso en camino
refunding-text = Usted pagó, y la tienda ha pedido al banco que devuelva dinero.
partly-refunded-heading = Reembolsado en parte
partly-refunded-text = Usted pagó, y la tienda ha devuelto una parte. Cuándo aparece en su extracto depende de su banco.
refunded-heading = Pago reembolsado
refunded-text = Usted pagó, y la tienda lo ha devuelto todo. Cuándo aparece en su extracto depende de su banco.
reversed-heading = Pago anulado
reversed-text = No se cobró nada. Si su banco muestra el importe como retenido, lo liberará.
declined-heading = Pago rechazado
declined-text = No se cobró nada. Vuelva a la tienda para pagar de otra forma.
expired-heading = Se acabó el tiempo
expired-text = No se cobró nada. Vuelva a la tienda para empezar de nuevo.
expired-late-text = No tuvimos noticias de su banco a tiempo.
cancelled-heading = Pago cancelado
cancelled-text = No se cobró nada, como usted pidió.
cancelled-late-text = Hemos detenido el pago, como usted pidió.
late = Si su banco llegó a cobrar el dinero, se le devuelve o cuenta para este pedido, y se avisa a { $merchant }. Mire su cuenta antes de volver a pagar.
failed-heading = El pago falló
failed-text = Un fallo técnico detuvo el pago. No se cobró nada. Vuelva a la tienda para intentarlo de nuevo.
pending-heading = Pago pendiente
pending-text = Este pago aún no está decidido.

reason-refused = Rechazado por el banco
reason-insufficient-funds = Rechazado por el banco: fondos insuficientes
reason-authentication-failed = Rechazado: el banco no pudo confirmar que era usted
reason-expired-card = Rechazado por el banco: la tarjeta ha caducado
reason-lost-card = Rechazado por el banco: la tarjeta consta como perdida
reason-stolen-card = Rechazado por el banco: la tarjeta consta como robada
reason-security-code = Rechazado por el banco: el código de seguridad no es correcto
reason-limit-exceeded = Rechazado por el banco: se alcanzó un límite de su tarjeta o cuenta
reason-not-permitted = Rechazado por el banco: este tipo de pago no está permitido
reason-suspected-fraud = Rechazado por el banco por motivos de seguridad
reason-bank-unavailable = Rechazado: no se pudo contactar con el banco
reason-cancelled = Rechazado: cancelado en el banco

not-found-heading = No conocemos este pago
not-found-text = Ningún pago tiene el número de esta dirección.
not-found-advice = Vuelva a la tienda y empiece el pago de nuevo, o abra el enlace exactamente como se lo dio la tienda. Abrir esta página no ha cobrado nada.
too-many-heading = Demasiados intentos
too-many-text = Desde su red se preguntó por demasiados números de pago desconocidos.
too-many-advice = Espere un minuto y abra otra vez el enlace de la tienda.
cross-site-heading = Este formulario vino de otro sitio web
cross-site-text = Para protegerle, solo aceptamos respuestas dadas en nuestra propia página.
cross-site-advice = No ha cambiado nada. Abra el pago aquí y responda de nuevo.
too-large-heading = Eso fue demasiado
too-large-text = El formulario recibido es mucho más grande que un código.
too-large-advice = No ha cambiado nada. Abra el pago otra vez e introduzca solo el código.
trouble-heading = Ahora no podemos mostrar esta página
trouble-text = Algo nuestro no funciona en este momento. Su pago no se ha perdido.
trouble-advice = Inténtelo de nuevo en un momento. No inicie un segundo pago: la tienda sabrá cómo termina este, también sin usted.
