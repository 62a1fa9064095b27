// Decrypts a webhook's body. Check the signature over the body as it came before. PUBLIC_KEY and
// PRIVATE_KEY are the terminal's; while keys are rotated, try both pairs. Needs Java 11 or newer.
import java.io.PrintStream;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import javax.crypto.Cipher;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;

public class Java {
    /** The fields; throws when this key pair does not open it. */
    static Map<String, String> decryptWebhook(String body, String publicKey, String privateKey)
            throws GeneralSecurityException {
        byte[] ciphertext = Base64.getUrlDecoder().decode(parsed(body).get("data"));
        // The texts of the keys as they are printed: neither is decoded.
        byte[] key = Arrays.copyOf(privateKey.getBytes(StandardCharsets.UTF_8), 32);
        byte[] hash = MessageDigest.getInstance("SHA-256")
                .digest(publicKey.getBytes(StandardCharsets.UTF_8));
        Cipher cipher = Cipher.getInstance("AES/CBC/PKCS5Padding");
        IvParameterSpec iv = new IvParameterSpec(Arrays.copyOf(hash, 16));
        cipher.init(Cipher.DECRYPT_MODE, new SecretKeySpec(key, "AES"), iv);
        String query = new String(cipher.doFinal(ciphertext), StandardCharsets.UTF_8);
        // One wrong key in some hundred has a right padding by chance.
        if (!("&" + query).contains("&transID=")) {
            throw new GeneralSecurityException("no transID");
        }
        return parsed(query);
    }

    private static Map<String, String> parsed(String query) {
        Map<String, String> fields = new LinkedHashMap<>();
        for (String field : query.split("&")) {
            String[] parts = field.split("=", 2);
            fields.put(parts[0], URLDecoder.decode(parts[1], StandardCharsets.UTF_8));
        }
        return fields;
    }

    public static void main(String[] arguments) throws Exception {
        String body = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
        PrintStream out = new PrintStream(System.out, true, "UTF-8");
        try {
            decryptWebhook(body, System.getenv("PUBLIC_KEY"), System.getenv("PRIVATE_KEY"))
                    .forEach((name, value) -> out.println(name + ": " + value));
        } catch (GeneralSecurityException error) {
            System.err.println("This key pair does not open it.");
            System.exit(1);
        }
    }
}
