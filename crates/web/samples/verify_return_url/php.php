<?php
// Checks `sig` of a customer's return. Exits 0 when the query is genuine, 1 when it is not.
// In a web server the query is $_SERVER['QUERY_STRING'].

const SIGNED = [
    'bill_amt', 'bill_currency', 'ccno', 'descriptor', 'mop', 'order_status', 'reference',
    'response', 'rrn', 'status', 'tdate', 'transID', 'upa',
];

function is_genuine(string $query, string $secret): bool
{
    parse_str($query, $given);
    $lines = [];
    // SIGNED is sorted; parameters of your own address are not signed and stay out.
    foreach (SIGNED as $name) {
        if (is_string($given[$name] ?? null)) {
            $lines[] = "$name={$given[$name]}";
        }
    }
    $key = base64_decode(substr($secret, strlen('whsec_')), true);
    if ($key === false || !is_string($given['sig'] ?? null)) {
        return false;
    }
    return hash_equals(hash_hmac('sha256', implode("\n", $lines), $key), $given['sig']);
}

$genuine = is_genuine((string) getenv('RETURN_QUERY'), (string) getenv('WEBHOOK_SECRET'));
echo $genuine ? "genuine\n" : "not genuine\n";
exit($genuine ? 0 : 1);
