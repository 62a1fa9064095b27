# Numbers are written in the digits 0 to 9, as on the card, in the code and in the bank's messages.

test-mode = وضع الاختبار.
test-mode-means = لا تنتقل أي أموال حقيقية.
secured-by = بحماية Tollgate
language = اللغة

your-payment = دفعتك
pay-to = الدفع إلى
product = مقابل
order = الطلب
card = البطاقة
bank = البنك
wallet = المحفظة
amount = المبلغ
upi-id = معرّف UPI
card-ending = بطاقة تنتهي بالأرقام { $digits }
title = { $heading } – { $merchant }
working = لحظة من فضلك…
time-left = الوقت المتبقي
time-left-spoken = بقي { $time } لإتمام الدفع
finish-in-seconds = { $number ->
    [zero] أتمم الدفع الآن، قبل { $until }
    [one] أتمم الدفع خلال ثانية واحدة، قبل { $until }
    [two] أتمم الدفع خلال ثانيتين، قبل { $until }
    [few] أتمم الدفع خلال { $number } ثوانٍ، قبل { $until }
    [many] أتمم الدفع خلال { $number } ثانية، قبل { $until }
   *[other] أتمم الدفع خلال { $number } ثانية، قبل { $until }
}
finish-in-minutes = { $number ->
    [zero] أتمم الدفع الآن، قبل { $until }
    [one] أتمم الدفع خلال دقيقة واحدة، قبل { $until }
    [two] أتمم الدفع خلال دقيقتين، قبل { $until }
    [few] أتمم الدفع خلال { $number } دقائق، قبل { $until }
    [many] أتمم الدفع خلال { $number } دقيقة، قبل { $until }
   *[other] أتمم الدفع خلال { $number } دقيقة، قبل { $until }
}
cancel = إلغاء الدفع
waiting = في انتظار موافقتك
check-now = تحقّق الآن
try-again = حاول مرة أخرى
return-to = العودة إلى { $merchant }
continue-payment = متابعة الدفع
goes-on = تنتقل هذه الصفحة تلقائيًا إلى { $merchant } فور ردّ البنك.

challenge-heading = أكّد أنك أنت
code-sent = أرسل { $bank } رمزًا لمرة واحدة إلى { $address }. أدخله للموافقة على هذه الدفعة.
code-label = الرمز لمرة واحدة
code-help = اكتب الرمز أو الصقه. المسافات لا تهم.
code-form = أرقام فقط
code-missing = أدخل الرمز من بنكك. لم تُحتسب هذه محاولة.
code-wrong = لم يكن هذا الرمز صحيحًا. { tries-left }.
tries-left = { $number ->
    [zero] لم تبقَ أي محاولة
    [one] بقيت محاولة واحدة
    [two] بقيت محاولتان
    [few] بقيت { $number } محاولات
    [many] بقيت { $number } محاولة
   *[other] بقيت { $number } محاولة
}
bank-unavailable = لم يردّ بنكك. لم يضِع شيء: انتظر لحظة ثم أدخل الرمز مرة أخرى.
code-resend = إرسال رمز جديد
code-resends-left = { $number ->
    [zero] لا يمكن إرسال أي رمز جديد
    [one] يمكن إرسال رمز جديد واحد
    [two] يمكن إرسال رمزين جديدين
    [few] يمكن إرسال { $number } رموز جديدة
    [many] يمكن إرسال { $number } رمزًا جديدًا
   *[other] يمكن إرسال { $number } رمز جديد
}
code-resends-none = لا يمكن إرسال المزيد من الرموز لهذه الدفعة.
code-resent = رمز جديد في الطريق إليك. استخدم أحدث رمز.
pay = ادفع { $amount }
challenge-next = بعد موافقة بنكك تعود إلى { $merchant }. إذا ألغيت فلن يُخصم أي مبلغ.

confirming-heading = جارٍ التأكيد مع البنك
confirming-text = وصلنا ردّك، ونحن نسأل البنك عن النتيجة.
confirming-do-not = من فضلك لا تدفع مرة أخرى: تُحتسب هذه الدفعة مرة واحدة مهما حدث لهذه الصفحة.

pick-bank-heading = اختر بنكك
pick-bank-text = تؤكّد الدفع على صفحة بنكك.
pick-bank-search = ابحث عن بنكك
pick-wallet-heading = اختر محفظتك
pick-wallet-text = تؤكّد الدفع في محفظتك.
pick-wallet-search = ابحث عن محفظتك
pick-search = بحث
pick-common = الأكثر استخدامًا
pick-others = كل البقية، بالترتيب الأبجدي
pick-tests = حالات اختبار
pick-found = نتائج البحث
pick-count = عدد النتائج: { $number }
pick-none = لا شيء يطابق بحثك
pick-none-advice = تحقّق من الإملاء، أو جرّب كلمة أقصر، أو اعرض القائمة كاملة.
pick-show-all = عرض القائمة كاملة
pick-empty = لا توجد خيارات في الوقت الحالي
pick-empty-advice = حاول مرة أخرى بعد لحظة، أو عُد إلى المتجر وادفع بطريقة أخرى.

handover-heading = إلى { $bank }
handover-text = تؤكّد الدفع هناك، ثم تعود إلى { $merchant }.
handover-host = ستنتقل إلى
handover-button = المتابعة إلى { $bank }
handover-next = إذا لم يحدث شيء خلال ثوانٍ فاضغط الزر.

upi-wait-heading = وافق في تطبيق UPI
upi-wait-text = أُرسل طلب دفع إلى { $address }.
upi-wait-open = افتح تطبيق UPI الذي يحمل هذا العنوان.
upi-wait-find = ابحث عن طلب { $merchant } بمبلغ { $amount }.
upi-wait-approve = وافق عليه برقم UPI PIN الخاص بك.
upi-pin = أدخل رقم UPI PIN في تطبيق UPI فقط. نحن لا نطلبه أبدًا.

upi-qr-heading = ادفع بتطبيق UPI
upi-qr-text = امسح الرمز بأي تطبيق UPI.
upi-qr-text-phone = المبلغ والمستفيد مكتوبان مسبقًا.
upi-qr-open = فتح تطبيق UPI
upi-qr-picture = رمز QR لهذه الدفعة
upi-qr-scan = اختر «مسح» في تطبيق UPI ووجّه الكاميرا نحو الرمز.
upi-qr-check = تأكّد من أن المستفيد والمبلغ هما المعروضان هنا.
upi-qr-confirm = أكّد برقم UPI PIN الخاص بك.
upi-qr-show = المسح بهاتف آخر بدلًا من ذلك
upi-qr-replaced = تحصل على رمز بدلًا من طلب في تطبيقك: أُلغيت طلبات التحصيل عبر UPI لمعظم التجار.

at-bank-heading = في انتظار { $bank }
at-bank-text = لم يخبرنا { $bank } بعد كيف انتهت هذه الدفعة.
at-bank-unfinished = لم تؤكّد بعد؟ عُد وأتمم هناك. أكّدت بالفعل؟ إذًا انتظر هنا فقط.
at-bank-button = العودة إلى { $bank }
at-bank-cancel = لا تُلغِ إلا إذا لم تؤكّد الدفع لدى بنكك.

sandbox-heading = هل توافق على هذه الدفعة؟
sandbox-bank = بنك تجريبي
sandbox-wallet = محفظة تجريبية
sandbox-upi = تطبيق UPI تجريبي
sandbox-issuer = مُصدر بطاقات تجريبي
sandbox-role = هذه بيئة تجريبية وليست { $bank }. قم بدور العميل واختر كيف تنتهي هذه الدفعة.
sandbox-approve = موافقة
sandbox-decline = رفض
sandbox-cancel = إلغاء وعودة
sandbox-state = حالة الأمر
sandbox-state-open = مفتوح
sandbox-state-paid = مدفوع
sandbox-state-refused = مرفوض
sandbox-state-closed = مغلق
sandbox-state-unknown = غير معروف
sandbox-paid-text = تمت الموافقة على هذا الأمر هنا. لا يمكن دفعه مرتين.
sandbox-refused-text = رُفض هذا الأمر هنا.
sandbox-closed-heading = الأمر مغلق
sandbox-closed-text = لم يعد المتجر ينتظر هذا الأمر. لا يمكن الموافقة على شيء بعد الآن.
sandbox-unknown-heading = لا نعرف هذا الأمر
sandbox-unknown-text = لا يوجد في بيئة الاختبار أمر بالرقم الوارد في هذا العنوان.
sandbox-back = العودة إلى الدفع

result = النتيجة
transaction = المعاملة
time = الوقت
bank-reference = مرجع البنك
descriptor = في كشف حسابك

approved-heading = تمت الموافقة على الدفع
approved-text = شكرًا لك. يمكنك الآن العودة إلى المتجر.
refunding-heading = المبلغ في طريقه إليك
refunding-text = لقد دفعت، وطلب المتجر من البنك ردّ مبلغ إليك.
partly-refunded-heading = رُدّ جزء من المبلغ
partly-refunded-text = لقد دفعت، وردّ المتجر جزءًا من المبلغ. موعد ظهوره في كشف حسابك يعتمد على بنكك.
refunded-heading = رُدّ المبلغ
refunded-text = لقد دفعت، وردّ المتجر المبلغ كاملًا. موعد ظهوره في كشف حسابك يعتمد على بنكك.
reversed-heading = أُلغي خصم الدفعة
reversed-text = لم يُخصم أي مبلغ. إذا أظهر بنكك المبلغ محجوزًا فسيُلغي حجزه.
declined-heading = رُفض الدفع
declined-text = لم يُخصم أي مبلغ. عُد إلى المتجر للدفع بطريقة أخرى.
expired-heading = انتهى الوقت
expired-text = لم يُخصم أي مبلغ. عُد إلى المتجر للبدء من جديد.
expired-late-text = لم يصلنا ردّ من بنكك في الوقت المناسب.
cancelled-heading = أُلغي الدفع
cancelled-text = لم يُخصم أي مبلغ، كما طلبت.
cancelled-late-text = أوقفنا الدفع، كما طلبت.
late = إذا كان بنكك قد خصم المبلغ رغم ذلك فسيعود إليك أو يُحتسب لهذا الطلب، وسيُبلَّغ { $merchant }. راجع حسابك قبل أن تدفع مرة أخرى.
failed-heading = فشل الدفع
failed-text = أوقف عطل تقني عملية الدفع. لم يُخصم أي مبلغ. عُد إلى المتجر للمحاولة مرة أخرى.
pending-heading = الدفع قيد الانتظار
pending-text = لم يُحسم أمر هذه الدفعة بعد.

reason-refused = رفضها البنك
reason-insufficient-funds = رفضها البنك: الرصيد غير كافٍ
reason-authentication-failed = رُفضت: لم يتمكن البنك من التأكد من أنك أنت
reason-expired-card = رفضها البنك: انتهت صلاحية البطاقة
reason-lost-card = رفضها البنك: أُبلغ عن فقدان البطاقة
reason-stolen-card = رفضها البنك: أُبلغ عن سرقة البطاقة
reason-security-code = رفضها البنك: رمز الأمان غير صحيح
reason-limit-exceeded = رفضها البنك: بلغت بطاقتك أو حسابك الحد المسموح
reason-not-permitted = رفضها البنك: هذا النوع من الدفع غير مسموح
reason-suspected-fraud = رفضها البنك لأسباب أمنية
reason-bank-unavailable = رُفضت: تعذّر الوصول إلى البنك
reason-cancelled = رُفضت: أُلغيت لدى البنك

not-found-heading = لا نعرف هذه الدفعة
not-found-text = لا توجد دفعة بالرقم الوارد في هذا العنوان.
not-found-advice = عُد إلى المتجر وابدأ الدفع من جديد، أو افتح الرابط تمامًا كما أعطاك إياه المتجر. لم يُخصم أي مبلغ بفتح هذه الصفحة.
too-many-heading = محاولات كثيرة جدًا
too-many-text = طُلب من شبكتك عدد كبير من أرقام الدفع غير المعروفة.
too-many-advice = انتظر دقيقة ثم افتح رابط المتجر مرة أخرى.
cross-site-heading = جاء هذا النموذج من موقع آخر
cross-site-text = لحمايتك، لا نقبل إلا ردًّا يُقدَّم على صفحتنا.
cross-site-advice = لم يتغير شيء. افتح الدفعة هنا وأجب مرة أخرى.
too-large-heading = كان ذلك أكثر من اللازم
too-large-text = النموذج الذي وصل أكبر بكثير من رمز.
too-large-advice = لم يتغير شيء. افتح الدفعة مرة أخرى وأدخل الرمز وحده.
trouble-heading = لا يمكننا عرض هذه الصفحة الآن
trouble-text = هناك شيء لا يعمل لدينا في الوقت الحالي. دفعتك لم تضِع.
trouble-advice = حاول مرة أخرى بعد لحظة. من فضلك لا تبدأ دفعة ثانية: سيعرف المتجر كيف تنتهي هذه، حتى بدونك.
