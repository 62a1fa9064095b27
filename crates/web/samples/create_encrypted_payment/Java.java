// Creates a payment by an encrypted request; PRIVATE_KEY is the test terminal's private key.
// Needs Java 17 or newer, and no packages. Run it with: java Java.java
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.crypto.Cipher;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;

public class Java {
    private static final String PUBLIC_KEY = "WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=";

    public static void main(String[] arguments) throws Exception {
        String gateway = System.getenv().getOrDefault("GATEWAY_URL", "http://localhost:9003");

        Map<String, String> payment = new LinkedHashMap<>();
        payment.put("bill_amt", "11.11");
        payment.put("bill_currency", "USD");
        payment.put("product_name", "Testing Product");
        // Your own order number. The same request with the same reference is never charged twice.
        payment.put("reference", "order-" + UUID.randomUUID());
        payment.put("webhook_url", "https://shop.example/webhook");
        payment.put("return_url", "https://shop.example/return");
        payment.put("bill_ip", "198.51.100.7");
        payment.put("mop", "CC");
        payment.put("ccno", "4111111111111111");
        payment.put("ccvv", "123");
        payment.put("month", "01");
        payment.put("year", "30");

        String encrypted = encrypt(form(payment), System.getenv("PRIVATE_KEY")) + PUBLIC_KEY;
        HttpRequest request = HttpRequest.newBuilder(URI.create(gateway + "/api/s2s/encrypt"))
                .timeout(Duration.ofSeconds(60))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(BodyPublishers.ofString(form(Map.of("encrypted_data", encrypted))))
                .build();
        // If this throws, the outcome is not known: send the very same request again.
        HttpResponse<String> response =
                HttpClient.newHttpClient().send(request, BodyHandlers.ofString());
        String answer = response.body();

        if (response.statusCode() != 200) {
            System.err.println("Error " + field(answer, "error_number") + ": "
                    + field(answer, "error_message"));
            System.exit(1);
        }
        System.out.println("transID: " + field(answer, "transID"));
        // There is no authurl when the customer has nothing to do: the payment is decided already.
        System.out.println("authurl: " + field(answer, "authurl"));
    }

    // The texts of the keys as they are printed: neither is decoded.
    private static String encrypt(String query, String privateKey) throws Exception {
        byte[] key = Arrays.copyOf(privateKey.getBytes(StandardCharsets.UTF_8), 32);
        MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
        byte[] iv = Arrays.copyOf(sha256.digest(PUBLIC_KEY.getBytes(StandardCharsets.UTF_8)), 16);
        Cipher cipher = Cipher.getInstance("AES/CBC/PKCS5Padding");
        cipher.init(Cipher.ENCRYPT_MODE, new SecretKeySpec(key, "AES"), new IvParameterSpec(iv));
        byte[] encrypted = cipher.doFinal(query.getBytes(StandardCharsets.UTF_8));
        return Base64.getUrlEncoder().withoutPadding().encodeToString(encrypted);
    }

    private static String form(Map<String, String> fields) {
        return fields.entrySet().stream()
                .map(field -> encode(field.getKey()) + "=" + encode(field.getValue()))
                .collect(Collectors.joining("&"));
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    // Enough for these two fields; in a shop, read the answer with your JSON library.
    private static String field(String json, String name) {
        Matcher matcher = Pattern.compile("\"" + name + "\"\\s*:\\s*\"([^\"]*)\"").matcher(json);
        return matcher.find() ? matcher.group(1) : "";
    }
}
