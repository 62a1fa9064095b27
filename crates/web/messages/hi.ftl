test-mode = परीक्षण मोड।
test-mode-means = असली पैसा नहीं जाता।
secured-by = Tollgate द्वारा सुरक्षित
language = भाषा

your-payment = आपका भुगतान
pay-to = भुगतान प्राप्तकर्ता
product = किसके लिए
order = ऑर्डर
card = कार्ड
bank = बैंक
wallet = वॉलेट
amount = राशि
upi-id = UPI आईडी
card-ending = कार्ड जिसके अंतिम अंक { $digits } हैं
title = { $heading } – { $merchant }
working = एक क्षण…
time-left = शेष समय
time-left-spoken = भुगतान पूरा करने के लिए { $time } शेष
finish-in-seconds = { $number ->
    [one] { $number } सेकंड में, { $until } तक पूरा करें
   *[other] { $number } सेकंड में, { $until } तक पूरा करें
}
finish-in-minutes = { $number ->
    [one] { $number } मिनट में, { $until } तक पूरा करें
   *[other] { $number } मिनट में, { $until } तक पूरा करें
}
cancel = भुगतान रद्द करें
waiting = आपकी मंज़ूरी का इंतज़ार है
check-now = अभी जाँचें
try-again = फिर से कोशिश करें
return-to = { $merchant } पर वापस जाएँ
continue-payment = भुगतान जारी रखें
goes-on = बैंक का जवाब मिलते ही यह पेज अपने आप { $merchant } पर चला जाएगा।

challenge-heading = पुष्टि करें कि यह आप ही हैं
code-sent = { $bank } ने { $address } पर एक बार का कोड (OTP) भेजा है। इस भुगतान को मंज़ूरी देने के लिए उसे दर्ज करें।
code-label = एक बार का कोड (OTP)
code-help = कोड लिखें या पेस्ट करें। बीच की खाली जगह से फ़र्क नहीं पड़ता।
code-form = केवल अंक
code-missing = अपने बैंक से मिला कोड दर्ज करें। इससे कोई कोशिश कम नहीं हुई।
code-wrong = वह कोड सही नहीं था। { tries-left }।
tries-left = { $number ->
    [one] { $number } कोशिश बची है
   *[other] { $number } कोशिशें बची हैं
}
bank-unavailable = आपके बैंक ने जवाब नहीं दिया। कुछ खोया नहीं है: थोड़ा रुकें, फिर कोड दोबारा दर्ज करें।
code-resend = नया कोड भेजें
code-resends-left = { $number ->
    [one] { $number } नया कोड और भेजा जा सकता है
   *[other] { $number } नए कोड और भेजे जा सकते हैं
}
code-resends-none = इस भुगतान के लिए अब और कोड नहीं भेजा जा सकता।
code-resent = नया कोड भेजा जा रहा है। सबसे नया कोड ही इस्तेमाल करें।
pay = { $amount } का भुगतान करें
challenge-next = आपके बैंक की मंज़ूरी मिलते ही आप { $merchant } पर लौट जाएँगे। रद्द करने पर कोई पैसा नहीं कटेगा।

confirming-heading = बैंक से पुष्टि हो रही है
confirming-text = आपका जवाब हमें मिल गया है, और हम बैंक से नतीजा पूछ रहे हैं।
confirming-do-not = कृपया दोबारा भुगतान न करें: इस पेज के साथ कुछ भी हो, यह भुगतान एक ही बार गिना जाएगा।

pick-bank-heading = अपना बैंक चुनें
pick-bank-text = आप अपने बैंक के पेज पर भुगतान की पुष्टि करेंगे।
pick-bank-search = अपना बैंक खोजें
pick-wallet-heading = अपना वॉलेट चुनें
pick-wallet-text = आप अपने वॉलेट में भुगतान की पुष्टि करेंगे।
pick-wallet-search = अपना वॉलेट खोजें
pick-search = खोजें
pick-common = अक्सर चुने जाने वाले
pick-others = बाकी सभी, A से Z
pick-tests = परीक्षण के मामले
pick-found = मिले
pick-count = मिले: { $number }
pick-none = आपकी खोज से कुछ मेल नहीं खाता
pick-none-advice = वर्तनी जाँचें, छोटा शब्द आज़माएँ, या पूरी सूची देखें।
pick-show-all = पूरी सूची देखें
pick-empty = अभी चुनने के लिए कुछ नहीं है
pick-empty-advice = थोड़ी देर में फिर कोशिश करें, या दुकान पर लौटकर किसी और तरीके से भुगतान करें।

handover-heading = आगे: { $bank }
handover-text = आप वहाँ भुगतान की पुष्टि करेंगे, फिर { $merchant } पर लौट आएँगे।
handover-host = आप यहाँ जाएँगे
handover-button = { $bank } पर जाएँ
handover-next = अगर कुछ सेकंड में कुछ न हो, तो बटन दबाएँ।

upi-wait-heading = अपने UPI ऐप में मंज़ूरी दें
upi-wait-text = { $address } पर भुगतान का अनुरोध भेजा गया है।
upi-wait-open = वह UPI ऐप खोलें जिसमें यह पता है।
upi-wait-find = { $merchant } का { $amount } का अनुरोध ढूँढें।
upi-wait-approve = अपने UPI पिन से मंज़ूरी दें।
upi-pin = अपना UPI पिन केवल अपने UPI ऐप में डालें। हम उसे कभी नहीं माँगते।

upi-qr-heading = UPI ऐप से भुगतान करें
upi-qr-text = किसी भी UPI ऐप से कोड स्कैन करें।
upi-qr-text-phone = राशि और पाने वाले का नाम पहले से भरे हैं।
upi-qr-open = UPI ऐप खोलें
upi-qr-picture = इस भुगतान का QR कोड
upi-qr-scan = UPI ऐप में “स्कैन” चुनें और कैमरा कोड की ओर करें।
upi-qr-check = जाँच लें कि पाने वाला और राशि वही हैं जो यहाँ दिख रहे हैं।
upi-qr-confirm = अपने UPI पिन से पुष्टि करें।
upi-qr-show = दूसरे फ़ोन से स्कैन करें
upi-qr-replaced = ऐप में अनुरोध के बदले आपको कोड मिला है: अधिकतर व्यापारियों के लिए UPI कलेक्ट अनुरोध बंद कर दिए गए हैं।

at-bank-heading = { $bank } का इंतज़ार है
at-bank-text = { $bank } ने अभी तक हमें नहीं बताया कि यह भुगतान कैसे समाप्त हुआ।
at-bank-unfinished = अभी पुष्टि नहीं की? वापस जाकर वहाँ पूरा करें। पुष्टि कर चुके हैं? तो बस यहीं रुकें।
at-bank-button = { $bank } पर वापस जाएँ
at-bank-cancel = तभी रद्द करें जब आपने बैंक में भुगतान की पुष्टि न की हो।

sandbox-heading = यह भुगतान मंज़ूर करें?
sandbox-bank = सैंडबॉक्स बैंक
sandbox-wallet = सैंडबॉक्स वॉलेट
sandbox-upi = सैंडबॉक्स UPI ऐप
sandbox-issuer = सैंडबॉक्स कार्ड जारीकर्ता
sandbox-role = यह सैंडबॉक्स है, { $bank } नहीं। ग्राहक की भूमिका निभाएँ और चुनें कि यह भुगतान कैसे समाप्त हो।
sandbox-approve = मंज़ूर करें
sandbox-decline = अस्वीकार करें
sandbox-cancel = रद्द करके वापस जाएँ
sandbox-state = ऑर्डर की स्थिति
sandbox-state-open = खुला
sandbox-state-paid = भुगतान हो चुका
sandbox-state-refused = अस्वीकृत
sandbox-state-closed = बंद
sandbox-state-unknown = अज्ञात
sandbox-paid-text = यह ऑर्डर यहाँ मंज़ूर किया जा चुका है। इसका भुगतान दो बार नहीं हो सकता।
sandbox-refused-text = यह ऑर्डर यहाँ अस्वीकार किया जा चुका है।
sandbox-closed-heading = ऑर्डर बंद है
sandbox-closed-text = दुकान अब इस ऑर्डर का इंतज़ार नहीं कर रही। अब कुछ मंज़ूर नहीं किया जा सकता।
sandbox-unknown-heading = हम इस ऑर्डर को नहीं जानते
sandbox-unknown-text = सैंडबॉक्स में इस पते के नंबर वाला कोई ऑर्डर नहीं है।
sandbox-back = भुगतान पर वापस जाएँ

result = नतीजा
transaction = लेनदेन
time = समय
bank-reference = बैंक संदर्भ
descriptor = आपके स्टेटमेंट पर

approved-heading = भुगतान मंज़ूर हुआ
approved-text = धन्यवाद। अब आप दुकान पर वापस जा सकते हैं।
refunding-heading = रिफ़ंड हो रहा है
refunding-text = आपने भुगतान किया था, और दुकान ने बैंक से पैसा लौटाने को कहा है।
partly-refunded-heading = आंशिक रिफ़ंड हुआ
partly-refunded-text = आपने भुगतान किया था, और दुकान ने उसका एक हिस्सा लौटा दिया है। स्टेटमेंट में कब दिखेगा, यह आपके बैंक पर निर्भर है।
refunded-heading = भुगतान लौटाया गया
refunded-text = आपने भुगतान किया था, और दुकान ने पूरा पैसा लौटा दिया है। स्टेटमेंट में कब दिखेगा, यह आपके बैंक पर निर्भर है।
reversed-heading = भुगतान वापस लिया गया
reversed-text = कोई पैसा नहीं कटा। अगर बैंक राशि को रोका हुआ दिखाए, तो वह उसे छोड़ देगा।
declined-heading = भुगतान अस्वीकृत
declined-text = कोई पैसा नहीं कटा। किसी और तरीके से भुगतान करने के लिए दुकान पर लौटें।
expired-heading = समय समाप्त
expired-text = कोई पैसा नहीं कटा। फिर से शुरू करने के लिए दुकान पर लौटें।
expired-late-text = हमें आपके बैंक से समय पर जवाब नहीं मिला।
cancelled-heading = भुगतान रद्द हुआ
cancelled-text = आपके कहे अनुसार कोई पैसा नहीं कटा।
cancelled-late-text = आपके कहे अनुसार हमने भुगतान रोक दिया है।
late = अगर बैंक ने फिर भी पैसा काटा हो, तो वह आपको लौट आएगा या इसी ऑर्डर में गिना जाएगा, और { $merchant } को बताया जाएगा। दोबारा भुगतान करने से पहले अपना खाता देख लें।
failed-heading = भुगतान विफल रहा
failed-text = तकनीकी गड़बड़ी से भुगतान रुक गया। कोई पैसा नहीं कटा। फिर से कोशिश करने के लिए दुकान पर लौटें।
pending-heading = भुगतान लंबित है
pending-text = इस भुगतान पर अभी फ़ैसला नहीं हुआ है।

reason-refused = बैंक ने अस्वीकार किया
reason-insufficient-funds = बैंक ने अस्वीकार किया: खाते में पर्याप्त राशि नहीं है
reason-authentication-failed = अस्वीकृत: बैंक पुष्टि नहीं कर सका कि यह आप ही थे
reason-expired-card = बैंक ने अस्वीकार किया: कार्ड की वैधता समाप्त हो चुकी है
reason-lost-card = बैंक ने अस्वीकार किया: कार्ड खोया हुआ बताया गया है
reason-stolen-card = बैंक ने अस्वीकार किया: कार्ड चोरी हुआ बताया गया है
reason-security-code = बैंक ने अस्वीकार किया: सुरक्षा कोड ग़लत है
reason-limit-exceeded = बैंक ने अस्वीकार किया: आपके कार्ड या खाते की सीमा पूरी हो गई
reason-not-permitted = बैंक ने अस्वीकार किया: इस तरह के भुगतान की अनुमति नहीं है
reason-suspected-fraud = बैंक ने सुरक्षा कारणों से अस्वीकार किया
reason-bank-unavailable = अस्वीकृत: बैंक से संपर्क नहीं हो सका
reason-cancelled = अस्वीकृत: बैंक में रद्द किया गया

not-found-heading = हम इस भुगतान को नहीं जानते
not-found-text = इस पते के नंबर वाला कोई भुगतान नहीं है।
not-found-advice = दुकान पर लौटकर भुगतान फिर से शुरू करें, या लिंक ठीक वैसे ही खोलें जैसे दुकान ने दिया था। यह पेज खोलने से कोई पैसा नहीं कटा।
too-many-heading = बहुत अधिक कोशिशें
too-many-text = आपके नेटवर्क से बहुत सारे अज्ञात भुगतान नंबर पूछे गए।
too-many-advice = एक मिनट रुकें, फिर दुकान का लिंक दोबारा खोलें।
cross-site-heading = यह फ़ॉर्म किसी दूसरी वेबसाइट से आया
cross-site-text = आपकी सुरक्षा के लिए हम केवल अपने पेज पर दिया गया जवाब स्वीकार करते हैं।
cross-site-advice = कुछ नहीं बदला है। भुगतान यहाँ खोलें और फिर से जवाब दें।
too-large-heading = यह बहुत अधिक था
too-large-text = मिला हुआ फ़ॉर्म एक कोड से कहीं बड़ा है।
too-large-advice = कुछ नहीं बदला है। भुगतान फिर से खोलें और केवल कोड दर्ज करें।
trouble-heading = हम यह पेज अभी नहीं दिखा सकते
trouble-text = हमारी ओर इस समय कुछ काम नहीं कर रहा। आपका भुगतान खोया नहीं है।
trouble-advice = थोड़ी देर में फिर कोशिश करें। कृपया दूसरा भुगतान शुरू न करें: दुकान को आपके बिना भी पता चल जाएगा कि यह कैसे समाप्त हुआ।
