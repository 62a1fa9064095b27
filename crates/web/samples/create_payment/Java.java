// Creates a payment on the test terminal; prints its transID and the page to send the customer to.
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
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

public class Java {
    public static void main(String[] arguments) throws Exception {
        String gateway = System.getenv().getOrDefault("GATEWAY_URL", "http://localhost:9003");

        Map<String, String> payment = new LinkedHashMap<>();
        payment.put("public_key", "WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=");
        payment.put("terNO", "42");
        payment.put("integration-type", "s2s");
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

        HttpRequest request = HttpRequest.newBuilder(URI.create(gateway + "/api/s2s"))
                .timeout(Duration.ofSeconds(60))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(BodyPublishers.ofString(form(payment)))
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
