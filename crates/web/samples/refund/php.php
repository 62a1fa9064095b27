<?php
// Refunds a part of a payment: TRANS_ID names it. Prints how it stands.
// Needs PHP 8 with the curl extension.

$gateway = getenv('GATEWAY_URL') ?: 'http://localhost:9003';

$refund = [
    'public_key' => 'WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=',
    'transID' => getenv('TRANS_ID'),
    'refundAmount' => '1.50',
    // Your own name of the refund. The same name and amount never refund twice.
    'refundReference' => 'return-1001',
    'refundReason' => 'One of two items came back',
];

$headers = ['Content-Type: application/json'];
// Live terminals need their private key; on a test terminal it may be left out.
if (getenv('PRIVATE_KEY')) {
    $headers[] = 'Authorization: Bearer ' . getenv('PRIVATE_KEY');
}

$call = curl_init("$gateway/api/transactions/refund-request");
curl_setopt_array($call, [
    CURLOPT_POST => true,
    CURLOPT_HTTPHEADER => $headers,
    CURLOPT_POSTFIELDS => json_encode($refund, JSON_THROW_ON_ERROR),
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_TIMEOUT => 60,
]);
$body = curl_exec($call);
if ($body === false) {
    // The outcome is not known: send the very same request again, with the same refundReference.
    fwrite(STDERR, curl_error($call) . "\n");
    exit(1);
}

$answer = json_decode($body, true, 16, JSON_THROW_ON_ERROR);
if (curl_getinfo($call, CURLINFO_RESPONSE_CODE) !== 200) {
    fwrite(STDERR, "Error {$answer['error_number']}: {$answer['error_message']}\n");
    exit(1);
}

echo "order_status: {$answer['order_status']}\n";
// The webhook tells when the bank has decided.
echo "refundStatus: {$answer['refundStatus']}\n";
