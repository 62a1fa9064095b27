test-mode = 测试模式。
test-mode-means = 不涉及真实资金。
secured-by = 由 Tollgate 提供安全保障
language = 语言

your-payment = 您的付款
pay-to = 收款方
product = 商品
order = 订单
card = 银行卡
bank = 银行
wallet = 钱包
amount = 金额
upi-id = UPI 账号
card-ending = 尾号为 { $digits } 的银行卡
title = { $heading } – { $merchant }
working = 请稍候…
time-left = 剩余时间
time-left-spoken = 完成付款的剩余时间：{ $time }
finish-in-seconds = { $number ->
   *[other] 请在 { $number } 秒内完成，截止时间 { $until }
}
finish-in-minutes = { $number ->
   *[other] 请在 { $number } 分钟内完成，截止时间 { $until }
}
cancel = 取消付款
waiting = 等待您的批准
check-now = 立即查询
try-again = 重试
return-to = 返回 { $merchant }
continue-payment = 继续付款
goes-on = 银行答复后，本页会自动转到 { $merchant }。

challenge-heading = 请确认是您本人
code-sent = { $bank } 已将一次性验证码发送至 { $address }。请输入验证码以批准这笔付款。
code-label = 一次性验证码
code-help = 请输入或粘贴验证码，空格不影响。
code-form = 仅限数字
code-missing = 请输入银行发来的验证码。本次不计入尝试次数。
code-wrong = 验证码不正确。{ tries-left }。
tries-left = { $number ->
   *[other] 还可尝试 { $number } 次
}
bank-unavailable = 您的银行没有答复。没有任何损失：请稍候，然后重新输入验证码。
code-resend = 发送新验证码
code-resends-left = { $number ->
   *[other] 还可发送 { $number } 次新验证码
}
code-resends-none = 这笔付款无法再发送验证码。
code-resent = 新验证码已发出，请使用最新的一个。
pay = 支付 { $amount }
challenge-next = 银行同意后，您将返回 { $merchant }。如果取消，则不会扣款。

confirming-heading = 正在与银行确认
confirming-text = 我们已收到您的答复，正在向银行查询结果。
confirming-do-not = 请不要重复付款：无论本页发生什么，这笔付款只计一次。

pick-bank-heading = 选择您的银行
pick-bank-text = 您将在银行自己的页面上确认付款。
pick-bank-search = 查找您的银行
pick-wallet-heading = 选择您的钱包
pick-wallet-text = 您将在自己的钱包中确认付款。
pick-wallet-search = 查找您的钱包
pick-search = 搜索
pick-common = 常用
pick-others = 其他全部（按字母排序）
pick-tests = 测试用例
pick-found = 搜索结果
pick-count = 匹配数：{ $number }
pick-none = 没有符合搜索条件的结果
pick-none-advice = 请检查拼写，换一个更短的词，或显示完整列表。
pick-show-all = 显示完整列表
pick-empty = 目前没有可选项
pick-empty-advice = 请稍后重试，或返回商店改用其他方式付款。

handover-heading = 前往 { $bank }
handover-text = 您将在那里确认付款，然后返回 { $merchant }。
handover-host = 您将访问
handover-button = 继续前往 { $bank }
handover-next = 如果几秒钟内没有反应，请按此按钮。

upi-wait-heading = 请在 UPI 应用中批准
upi-wait-text = 付款请求已发送至 { $address }。
upi-wait-open = 打开使用该地址的 UPI 应用。
upi-wait-find = 找到 { $merchant } 发来的 { $amount } 请求。
upi-wait-approve = 用您的 UPI PIN 批准。
upi-pin = 请只在您的 UPI 应用中输入 UPI PIN。我们绝不会索取。

upi-qr-heading = 用 UPI 应用付款
upi-qr-text = 用任意 UPI 应用扫描此码。
upi-qr-text-phone = 金额和收款方已填好。
upi-qr-open = 打开 UPI 应用
upi-qr-picture = 这笔付款的二维码
upi-qr-scan = 在 UPI 应用中选择“扫描”，将镜头对准此码。
upi-qr-check = 核对收款方和金额是否与此处一致。
upi-qr-confirm = 用您的 UPI PIN 确认。
upi-qr-show = 改用另一部手机扫描
upi-qr-replaced = 您收到的是二维码而不是应用内请求：UPI 收款请求已对大多数商家停用。

at-bank-heading = 正在等待 { $bank }
at-bank-text = { $bank } 尚未告知我们这笔付款的结果。
at-bank-unfinished = 还没确认？请返回那里完成。已经确认？在此等候即可。
at-bank-button = 返回 { $bank }
at-bank-cancel = 只有在您尚未在银行确认付款时才取消。

sandbox-heading = 批准这笔付款？
sandbox-bank = 沙盒银行
sandbox-wallet = 沙盒钱包
sandbox-upi = 沙盒 UPI 应用
sandbox-issuer = 沙盒发卡行
sandbox-role = 这是测试环境，不是 { $bank }。请扮演客户，选择这笔付款的结果。
sandbox-approve = 批准
sandbox-decline = 拒绝
sandbox-cancel = 取消并返回
sandbox-state = 订单状态
sandbox-state-open = 待付款
sandbox-state-paid = 已付款
sandbox-state-refused = 已拒绝
sandbox-state-closed = 已关闭
sandbox-state-unknown = 未知
sandbox-paid-text = 此订单已在这里批准，不能重复付款。
sandbox-refused-text = 此订单已在这里被拒绝。
sandbox-closed-heading = 订单已关闭
sandbox-closed-text = 商店不再等待此订单，已无法批准。
sandbox-unknown-heading = 我们找不到此订单
sandbox-unknown-text = 沙盒中没有此地址所含编号的订单。
sandbox-back = 返回付款

result = 结果
transaction = 交易
time = 时间
bank-reference = 银行参考号
descriptor = 账单显示

approved-heading = 付款已批准
approved-text = 谢谢。您现在可以返回商店。
refunding-heading = 正在退款
refunding-text = 您已付款，商店已请银行退还款项。
partly-refunded-heading = 已部分退款
partly-refunded-text = 您已付款，商店已退还其中一部分。何时显示在账单上取决于您的银行。
refunded-heading = 已退款
refunded-text = 您已付款，商店已全额退还。何时显示在账单上取决于您的银行。
reversed-heading = 付款已撤销
reversed-text = 没有扣款。如果您的银行显示该金额被预留，银行会将其释放。
declined-heading = 付款被拒绝
declined-text = 没有扣款。请返回商店改用其他方式付款。
expired-heading = 时间已到
expired-text = 没有扣款。请返回商店重新开始。
expired-late-text = 我们没有及时收到您银行的消息。
cancelled-heading = 付款已取消
cancelled-text = 按您的要求，没有扣款。
cancelled-late-text = 我们已按您的要求停止付款。
late = 如果您的银行仍然扣了款，款项会退还给您或计入此订单，{ $merchant } 也会得到通知。再次付款前请先查看您的账户。
failed-heading = 付款失败
failed-text = 技术故障中断了付款。没有扣款。请返回商店重试。
pending-heading = 付款处理中
pending-text = 这笔付款尚无结果。

reason-refused = 被银行拒绝
reason-insufficient-funds = 被银行拒绝：余额不足
reason-authentication-failed = 被拒绝：银行无法确认是您本人
reason-expired-card = 被银行拒绝：银行卡已过期
reason-lost-card = 被银行拒绝：银行卡已挂失
reason-stolen-card = 被银行拒绝：银行卡已报失窃
reason-security-code = 被银行拒绝：安全码错误
reason-limit-exceeded = 被银行拒绝：已达到您的银行卡或账户限额
reason-not-permitted = 被银行拒绝：不允许此类付款
reason-suspected-fraud = 出于安全原因被银行拒绝
reason-bank-unavailable = 被拒绝：无法联系到银行
reason-cancelled = 被拒绝：已在银行取消

not-found-heading = 我们找不到这笔付款
not-found-text = 没有与此地址中编号对应的付款。
not-found-advice = 请返回商店重新开始付款，或完全按照商店给您的链接打开。打开本页不会扣款。
too-many-heading = 尝试次数过多
too-many-text = 您的网络查询了过多未知的付款编号。
too-many-advice = 请等一分钟，然后重新打开商店给您的链接。
cross-site-heading = 此表单来自其他网站
cross-site-text = 为了保护您，我们只接受在我们自己页面上提交的答复。
cross-site-advice = 没有任何变化。请在此打开付款并重新答复。
too-large-heading = 内容过多
too-large-text = 收到的表单远大于一个验证码。
too-large-advice = 没有任何变化。请重新打开付款，只输入验证码。
trouble-heading = 我们现在无法显示此页面
trouble-text = 我们这边暂时出了问题。您的付款没有丢失。
trouble-advice = 请稍后重试。请不要再次付款：即使没有您，商店也会得知这笔付款的结果。
