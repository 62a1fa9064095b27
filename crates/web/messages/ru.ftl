test-mode = Тестовый режим.
test-mode-means = Настоящие деньги не переводятся.
secured-by = Под защитой Tollgate
language = Язык

your-payment = Ваш платёж
pay-to = Получатель
product = За что
order = Заказ
card = Карта
bank = Банк
wallet = Кошелёк
amount = Сумма
upi-id = UPI-адрес
card-ending = карта, последние цифры { $digits }
title = { $heading } – { $merchant }
working = Одну минуту…
time-left = Осталось
time-left-spoken = Чтобы завершить платёж, осталось { $time }
finish-in-seconds = { $number ->
    [one] Завершите за { $number } секунду, до { $until }
    [few] Завершите за { $number } секунды, до { $until }
    [many] Завершите за { $number } секунд, до { $until }
   *[other] Завершите за { $number } секунды, до { $until }
}
finish-in-minutes = { $number ->
    [one] Завершите за { $number } минуту, до { $until }
    [few] Завершите за { $number } минуты, до { $until }
    [many] Завершите за { $number } минут, до { $until }
   *[other] Завершите за { $number } минуты, до { $until }
}
cancel = Отменить платёж
waiting = Ждём вашего подтверждения
check-now = Проверить сейчас
try-again = Попробовать снова
return-to = Вернуться в { $merchant }
continue-payment = Продолжить платёж
goes-on = Как только банк ответит, страница сама перейдёт в { $merchant }.

challenge-heading = Подтвердите, что это вы
code-sent = { $bank }: одноразовый код отправлен на { $address }. Введите его, чтобы подтвердить этот платёж.
code-label = Одноразовый код
code-help = Введите или вставьте код. Пробелы не важны.
code-form = Только цифры
code-missing = Введите код из банка. Попытка не потрачена.
code-wrong = Код неверный. { tries-left }.
tries-left = { $number ->
    [one] Осталась { $number } попытка
    [few] Осталось { $number } попытки
    [many] Осталось { $number } попыток
   *[other] Осталось { $number } попытки
}
bank-unavailable = Ваш банк не ответил. Ничего не потеряно: подождите немного и введите код ещё раз.
code-resend = Отправить новый код
code-resends-left = { $number ->
    [one] Можно отправить ещё { $number } код
    [few] Можно отправить ещё { $number } кода
    [many] Можно отправить ещё { $number } кодов
   *[other] Можно отправить ещё { $number } кода
}
code-resends-none = Для этого платежа больше нельзя отправить код.
code-resent = Новый код уже отправлен. Используйте самый последний.
pay = Заплатить { $amount }
challenge-next = Когда банк одобрит платёж, вы вернётесь в { $merchant }. Если отменить, деньги не спишутся.

confirming-heading = Уточняем у банка
confirming-text = Ваш ответ получен, мы узнаём у банка результат.
confirming-do-not = Пожалуйста, не платите ещё раз: этот платёж учитывается один раз, что бы ни случилось с этой страницей.

pick-bank-heading = Выберите свой банк
pick-bank-text = Вы подтвердите платёж на странице своего банка.
pick-bank-search = Найти банк
pick-wallet-heading = Выберите свой кошелёк
pick-wallet-text = Вы подтвердите платёж в своём кошельке.
pick-wallet-search = Найти кошелёк
pick-search = Искать
pick-common = Часто выбирают
pick-others = Все остальные по алфавиту
pick-tests = Тестовые случаи
pick-found = Найдено
pick-count = Найдено: { $number }
pick-none = По вашему запросу ничего нет
pick-none-advice = Проверьте написание, попробуйте слово короче или откройте весь список.
pick-show-all = Показать весь список
pick-empty = Сейчас выбирать не из чего
pick-empty-advice = Попробуйте чуть позже или вернитесь в магазин и заплатите другим способом.

handover-heading = Далее: { $bank }
handover-text = Там вы подтвердите платёж, а потом вернётесь в { $merchant }.
handover-host = Вы перейдёте на
handover-button = Перейти: { $bank }
handover-next = Если за несколько секунд ничего не произойдёт, нажмите кнопку.

upi-wait-heading = Подтвердите в приложении UPI
upi-wait-text = Запрос на оплату отправлен на { $address }.
upi-wait-open = Откройте приложение UPI с этим адресом.
upi-wait-find = Найдите запрос от { $merchant } на { $amount }.
upi-wait-approve = Подтвердите его своим UPI PIN.
upi-pin = Вводите UPI PIN только в своём приложении UPI. Мы его никогда не спрашиваем.

upi-qr-heading = Оплата через приложение UPI
upi-qr-text = Отсканируйте код любым приложением UPI.
upi-qr-text-phone = Сумма и получатель уже заполнены.
upi-qr-open = Открыть приложение UPI
upi-qr-picture = QR-код этого платежа
upi-qr-scan = Выберите «Сканировать» в приложении UPI и наведите камеру на код.
upi-qr-check = Проверьте, что получатель и сумма те же, что и здесь.
upi-qr-confirm = Подтвердите своим UPI PIN.
upi-qr-show = Отсканировать другим телефоном
upi-qr-replaced = Вместо запроса в приложении вы получаете код: запросы UPI на оплату отменены для большинства продавцов.

at-bank-heading = Ждём ответа: { $bank }
at-bank-text = { $bank } пока не сообщает, чем закончился этот платёж.
at-bank-unfinished = Ещё не подтвердили? Вернитесь и завершите там. Уже подтвердили? Тогда просто подождите здесь.
at-bank-button = Вернуться: { $bank }
at-bank-cancel = Отменяйте, только если вы не подтвердили платёж в банке.

sandbox-heading = Подтвердить этот платёж?
sandbox-bank = Тестовый банк
sandbox-wallet = Тестовый кошелёк
sandbox-upi = Тестовое приложение UPI
sandbox-issuer = Тестовый эмитент карты
sandbox-role = Это тестовая среда, а не { $bank }. Сыграйте роль клиента и выберите, чем закончится платёж.
sandbox-approve = Подтвердить
sandbox-decline = Отклонить
sandbox-cancel = Отменить и вернуться
sandbox-state = Поручение
sandbox-state-open = Открыто
sandbox-state-paid = Оплачено
sandbox-state-refused = Отклонено
sandbox-state-closed = Закрыто
sandbox-state-unknown = Неизвестно
sandbox-paid-text = Это поручение подтверждено здесь. Дважды оплатить его нельзя.
sandbox-refused-text = Это поручение отклонено здесь.
sandbox-closed-heading = Поручение закрыто
sandbox-closed-text = Магазин больше не ждёт это поручение. Подтвердить уже ничего нельзя.
sandbox-unknown-heading = Мы не знаем такого поручения
sandbox-unknown-text = В тестовой среде нет поручения с номером из этого адреса.
sandbox-back = Назад к платежу

result = Результат
transaction = Транзакция
time = Время
bank-reference = Номер в банке
descriptor = В вашей выписке

approved-heading = Платёж одобрен
approved-text = Спасибо. Теперь можно вернуться в магазин.
refunding-heading = Возврат в пути
refunding-text = Вы заплатили, и магазин попросил банк вернуть деньги.
partly-refunded-heading = Возвращено частично
partly-refunded-text = Вы заплатили, и магазин вернул часть денег. Когда они появятся в выписке, зависит от вашего банка.
refunded-heading = Платёж возвращён
refunded-text = Вы заплатили, и магазин вернул всю сумму. Когда она появится в выписке, зависит от вашего банка.
reversed-heading = Платёж аннулирован
reversed-text = Деньги не списаны. Если банк показывает сумму как зарезервированную, он её освободит.
declined-heading = Платёж отклонён
declined-text = Деньги не списаны. Вернитесь в магазин, чтобы заплатить другим способом.
expired-heading = Время вышло
expired-text = Деньги не списаны. Вернитесь в магазин, чтобы начать заново.
expired-late-text = Ваш банк не ответил нам вовремя.
cancelled-heading = Платёж отменён
cancelled-text = Деньги не списаны, как вы и хотели.
cancelled-late-text = Мы остановили платёж, как вы и хотели.
late = Если банк всё-таки списал деньги, они вернутся к вам или пойдут в счёт этого заказа, и { $merchant } об этом узнает. Прежде чем платить снова, проверьте свой счёт.
failed-heading = Платёж не прошёл
failed-text = Платёж остановлен из-за технического сбоя. Деньги не списаны. Вернитесь в магазин, чтобы попробовать ещё раз.
pending-heading = Платёж обрабатывается
pending-text = По этому платежу ещё нет решения.

reason-refused = Отклонено банком
reason-insufficient-funds = Отклонено банком: недостаточно средств
reason-authentication-failed = Отклонено: банк не смог убедиться, что это вы
reason-expired-card = Отклонено банком: срок действия карты истёк
reason-lost-card = Отклонено банком: карта заявлена как утерянная
reason-stolen-card = Отклонено банком: карта заявлена как украденная
reason-security-code = Отклонено банком: неверный код безопасности
reason-limit-exceeded = Отклонено банком: достигнут лимит вашей карты или счёта
reason-not-permitted = Отклонено банком: такой вид платежа не разрешён
reason-suspected-fraud = Отклонено банком из соображений безопасности
reason-bank-unavailable = Отклонено: с банком не удалось связаться
reason-cancelled = Отклонено: отменено в банке

not-found-heading = Мы не знаем такого платежа
not-found-text = Платежа с номером из этого адреса нет.
not-found-advice = Вернитесь в магазин и начните платёж заново или откройте ссылку точно в том виде, в каком её дал магазин. От открытия этой страницы деньги не списались.
too-many-heading = Слишком много попыток
too-many-text = Из вашей сети запрашивали слишком много неизвестных номеров платежей.
too-many-advice = Подождите минуту и снова откройте ссылку из магазина.
cross-site-heading = Эта форма пришла с другого сайта
cross-site-text = Чтобы защитить вас, мы принимаем только ответы, данные на нашей странице.
cross-site-advice = Ничего не изменилось. Откройте платёж здесь и ответьте ещё раз.
too-large-heading = Слишком много данных
too-large-text = Пришедшая форма намного больше, чем код.
too-large-advice = Ничего не изменилось. Откройте платёж снова и введите только код.
trouble-heading = Сейчас мы не можем показать эту страницу
trouble-text = У нас сейчас что-то не работает. Ваш платёж не потерян.
trouble-advice = Попробуйте ещё раз через минуту. Пожалуйста, не начинайте второй платёж: магазин узнает, чем закончится этот, и без вас.
