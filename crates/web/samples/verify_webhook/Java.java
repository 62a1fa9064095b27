// Checks a webhook's signature. Exits 0 when it is genuine, 1 when it is not. Needs Java 11 or newer.
// In a server take id, timestamp and signature from the headers webhook-id, webhook-timestamp and
// webhook-signature, and the body as raw bytes, before any JSON parser touches it.
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public class Java {
    /** secrets: the signing secret; while it is rotated, both, with a blank between. */
    static boolean isGenuine(String id, String timestamp, String header, String secrets, byte[] body)
            throws GeneralSecurityException {
        // An old webhook that is sent again by somebody else is refused.
        if (!timestamp.matches("[0-9]{1,12}")
                || Math.abs(Instant.now().getEpochSecond() - Long.parseLong(timestamp)) > 300) {
            return false;
        }
        for (String secret : secrets.split(" ")) {
            byte[] key = Base64.getDecoder().decode(secret.substring("whsec_".length()));
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            mac.update(bytes(id + "." + timestamp + "."));
            String expected = "v1," + Base64.getEncoder().encodeToString(mac.doFinal(body));
            // While secrets are rotated the header carries one signature per secret; one match is
            // enough.
            for (String signature : header.split(" ")) {
                if (MessageDigest.isEqual(bytes(expected), bytes(signature))) {
                    return true;
                }
            }
        }
        return false;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    public static void main(String[] arguments) throws Exception {
        boolean genuine = isGenuine(
                System.getenv("WEBHOOK_ID"),
                System.getenv("WEBHOOK_TIMESTAMP"),
                System.getenv("WEBHOOK_SIGNATURE"),
                System.getenv("WEBHOOK_SECRETS"),
                System.in.readAllBytes());
        // Two rules are left, for what you store. Once: a webhook-id that you stored before is the
        // same message again, answer 2xx and stop. In order: of two webhooks about one transID the
        // higher sequence counts, compared as a number.
        System.out.println(genuine ? "genuine" : "not genuine");
        System.exit(genuine ? 0 : 1);
    }
}
