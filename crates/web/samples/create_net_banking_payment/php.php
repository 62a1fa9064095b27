<?php
// Creates a net banking payment on the test terminal; prints its transID and the customer's page.
// Needs PHP 8 with the curl extension.

$gateway = getenv('GATEWAY_URL') ?: 'http://localhost:9003';

$payment = [
    'public_key' => 'WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=',
    'terNO' => 42,
    'integration-type' => 's2s',
    'bill_amt' => '11.11',
    'bill_currency' => 'INR',
    'product_name' => 'Testing Product',
    // Your own order number. The same request with the same reference is never charged twice.
    'reference' => 'order-' . bin2hex(random_bytes(8)),
    'webhook_url' => 'https://shop.example/webhook',
    'return_url' => 'https://shop.example/return',
    'bill_ip' => '198.51.100.7',
    'mop' => 'NB',
    // State Bank of India. Without this line the customer chooses a bank on our page.
    'bankcode' => 'SBIN',
];

$call = curl_init("$gateway/api/s2s");
curl_setopt_array($call, [
    CURLOPT_POST => true,
    CURLOPT_HTTPHEADER => ['Content-Type: application/json'],
    CURLOPT_POSTFIELDS => json_encode($payment, JSON_THROW_ON_ERROR),
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_TIMEOUT => 60,
]);
$body = curl_exec($call);
if ($body === false) {
    // The outcome is not known: send the very same request again, with the same reference.
    fwrite(STDERR, curl_error($call) . "\n");
    exit(1);
}

$answer = json_decode($body, true, 16, JSON_THROW_ON_ERROR);
if (curl_getinfo($call, CURLINFO_RESPONSE_CODE) !== 200) {
    fwrite(STDERR, "Error {$answer['error_number']}: {$answer['error_message']}\n");
    exit(1);
}

echo "transID: {$answer['transID']}\n";
// There is no authurl when the customer has nothing to do: the payment is decided already.
echo 'authurl: ' . ($answer['authurl'] ?? '') . "\n";
