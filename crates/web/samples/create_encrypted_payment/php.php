<?php
// Creates a payment by an encrypted request; PRIVATE_KEY is the test terminal's private key.
// Needs PHP 8 with the extensions curl and openssl.

$gateway = getenv('GATEWAY_URL') ?: 'http://localhost:9003';
$publicKey = 'WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=';
$privateKey = getenv('PRIVATE_KEY');

$payment = [
    'bill_amt' => '11.11',
    'bill_currency' => 'USD',
    'product_name' => 'Testing Product',
    // Your own order number. The same request with the same reference is never charged twice.
    'reference' => 'order-' . bin2hex(random_bytes(8)),
    'webhook_url' => 'https://shop.example/webhook',
    'return_url' => 'https://shop.example/return',
    'bill_ip' => '198.51.100.7',
    'mop' => 'CC',
    'ccno' => '4111111111111111',
    'ccvv' => '123',
    'month' => '01',
    'year' => '30',
];

// The texts of the keys as they are printed: neither is decoded.
$key = substr($privateKey, 0, 32);
$iv = substr(hash('sha256', $publicKey, true), 0, 16);
$query = http_build_query($payment);
$encrypted = openssl_encrypt($query, 'aes-256-cbc', $key, OPENSSL_RAW_DATA, $iv);
$ciphertext = rtrim(strtr(base64_encode($encrypted), '+/', '-_'), '=');

$call = curl_init("$gateway/api/s2s/encrypt");
curl_setopt_array($call, [
    CURLOPT_POST => true,
    CURLOPT_POSTFIELDS => http_build_query(['encrypted_data' => $ciphertext . $publicKey]),
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
