<?php
// Checks a webhook's signature. Exits 0 when it is genuine, 1 when it is not.
// In a web server take the headers from $_SERVER['HTTP_WEBHOOK_ID'] and so on, and the body
// from file_get_contents('php://input').

/** $secrets: the signing secret; while it is rotated, both, with a blank between. */
function is_genuine(string $id, string $timestamp, string $header, string $secrets, string $body): bool
{
    // An old webhook that is sent again by somebody else is refused.
    if (!ctype_digit($timestamp) || abs(time() - (int) $timestamp) > 300) {
        return false;
    }
    foreach (explode(' ', $secrets) as $secret) {
        $key = base64_decode(substr($secret, strlen('whsec_')), true);
        if ($key === false || $key === '') {
            return false;
        }
        $expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $key, true));
        // While secrets are rotated the header carries one signature per secret; one match is enough.
        foreach (explode(' ', $header) as $signature) {
            if (hash_equals($expected, $signature)) {
                return true;
            }
        }
    }
    return false;
}

$genuine = is_genuine(
    (string) getenv('WEBHOOK_ID'),
    (string) getenv('WEBHOOK_TIMESTAMP'),
    (string) getenv('WEBHOOK_SIGNATURE'),
    (string) getenv('WEBHOOK_SECRETS'),
    // The bytes as they arrived, before any JSON parser touches them.
    (string) file_get_contents('php://stdin'),
);
// Two rules are left, for what you store. Once: a webhook-id that you stored before is the same
// message again, answer 2xx and stop. In order: of two webhooks about one transID the higher
// sequence counts, compared as a number.
echo $genuine ? "genuine\n" : "not genuine\n";
exit($genuine ? 0 : 1);
