// Refunds a part of a payment: TRANS_ID names it. Prints how it stands.
// Needs Java 17 or newer, and no packages. Run it with: java Java.java
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

public class Java {
    public static void main(String[] arguments) throws Exception {
        String gateway = System.getenv().getOrDefault("GATEWAY_URL", "http://localhost:9003");

        Map<String, String> refund = new LinkedHashMap<>();
        refund.put("public_key", "WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=");
        refund.put("transID", System.getenv("TRANS_ID"));
        refund.put("refundAmount", "1.50");
        // Your own name of the refund. The same name and amount never refund twice.
        refund.put("refundReference", "return-1001");
        refund.put("refundReason", "One of two items came back");

        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(gateway + "/api/transactions/refund-request"))
                        .timeout(Duration.ofSeconds(60))
                        .header("Content-Type", "application/x-www-form-urlencoded")
                        .POST(BodyPublishers.ofString(form(refund)));
        // Live terminals need their private key; on a test terminal it may be left out.
        String privateKey = System.getenv().getOrDefault("PRIVATE_KEY", "");
        if (!privateKey.isEmpty()) {
            request.header("Authorization", "Bearer " + privateKey);
        }
        // If this throws, the outcome is not known: send the very same request again.
        HttpResponse<String> response =
                HttpClient.newHttpClient().send(request.build(), BodyHandlers.ofString());
        String answer = response.body();

        if (response.statusCode() != 200) {
            System.err.println("Error " + field(answer, "error_number") + ": "
                    + field(answer, "error_message"));
            System.exit(1);
        }
        System.out.println("order_status: " + field(answer, "order_status"));
        // The webhook tells when the bank has decided.
        System.out.println("refundStatus: " + field(answer, "refundStatus"));
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
