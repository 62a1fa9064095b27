<?php
// Decrypts a webhook's body. Check the signature over the body as it came before. PUBLIC_KEY and
// PRIVATE_KEY are the terminal's; while keys are rotated, try both pairs. In a web server the body is
// file_get_contents('php://input'), or the ciphertext alone $_POST['data'].

/** The fields; null when this key pair does not open it. */
function decrypt_webhook(string $body, string $publicKey, string $privateKey): ?array
{
    parse_str($body, $form);
    $ciphertext = base64_decode(strtr($form['data'] ?? '', '-_', '+/'), true);
    // The texts of the keys as they are printed: neither is decoded.
    $key = substr($privateKey, 0, 32);
    $iv = substr(hash('sha256', $publicKey, true), 0, 16);
    $query = openssl_decrypt((string) $ciphertext, 'aes-256-cbc', $key, OPENSSL_RAW_DATA, $iv);
    parse_str((string) $query, $fields);
    // One wrong key in some hundred has a right padding by chance.
    return isset($fields['transID']) ? $fields : null;
}

$body = (string) file_get_contents('php://stdin');
$fields = decrypt_webhook($body, (string) getenv('PUBLIC_KEY'), (string) getenv('PRIVATE_KEY'));
if ($fields === null) {
    fwrite(STDERR, "This key pair does not open it.\n");
    exit(1);
}
foreach ($fields as $name => $value) {
    echo "$name: $value\n";
}
