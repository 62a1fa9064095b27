// Checks a webhook's signature. Exits 0 when it is genuine, 1 when it is not.
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
    static boolean isGenuine(String id, String timestamp, String header, String secret, byte[] body)
            throws GeneralSecurityException {
        // An old webhook that is sent again by somebody else is refused.
        if (!timestamp.matches("[0-9]{1,12}")
                || Math.abs(Instant.now().getEpochSecond() - Long.parseLong(timestamp)) > 300) {
            return false;
        }
        byte[] key = Base64.getDecoder().decode(secret.substring("whsec_".length()));
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        mac.update((id + "." + timestamp + ".").getBytes(StandardCharsets.UTF_8));
        String expected = "v1," + Base64.getEncoder().encodeToString(mac.doFinal(body));
        // While secrets are rotated the header carries one signature per secret; one match is enough.
        for (String signature : header.split(" ")) {
            if (MessageDigest.isEqual(bytes(expected), bytes(signature))) {
                return true;
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
                System.getenv("WEBHOOK_SECRET"),
                System.in.readAllBytes());
        System.out.println(genuine ? "genuine" : "not genuine");
        System.exit(genuine ? 0 : 1);
    }
}
