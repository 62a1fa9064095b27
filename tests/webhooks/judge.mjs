// What the npm library standardwebhooks says of the deliveries on standard input: a JSON array of
// {secret, headers, body in base64}. Prints a JSON array: true where it is verified, false where it
// is refused. Whatever else goes wrong ends the program.
import { readFileSync } from "node:fs";
import { Webhook, WebhookVerificationError } from "standardwebhooks";

function verified({ secret, headers, body }) {
  try {
    new Webhook(secret).verify(Buffer.from(body, "base64"), headers);
    return true;
  } catch (error) {
    if (error instanceof WebhookVerificationError) return false;
    throw error;
  }
}

console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(verified)));
