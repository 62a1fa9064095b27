// Creates a payment by an encrypted request; PRIVATE_KEY is the test terminal's private key.
// Needs .NET 6 or newer, or Mono, and no packages.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Runtime.Serialization;
using System.Runtime.Serialization.Json;
using System.Security.Cryptography;
using System.Text;
using System.Threading.Tasks;

[DataContract]
public class Answer
{
    [DataMember(Name = "transID")] public string TransId;
    [DataMember(Name = "authurl")] public string AuthUrl;
    [DataMember(Name = "error_number")] public string ErrorNumber;
    [DataMember(Name = "error_message")] public string ErrorMessage;
}

public static class CreateEncryptedPayment
{
    private const string PublicKey = "WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=";

    public static int Main()
    {
        return Run().GetAwaiter().GetResult();
    }

    private static async Task<int> Run()
    {
        string gateway =
            Environment.GetEnvironmentVariable("GATEWAY_URL") ?? "http://localhost:9003";

        var payment = new Dictionary<string, string>
        {
            ["bill_amt"] = "11.11",
            ["bill_currency"] = "USD",
            ["product_name"] = "Testing Product",
            // Your own order number. The same request with the same reference is never charged
            // twice.
            ["reference"] = "order-" + Guid.NewGuid(),
            ["webhook_url"] = "https://shop.example/webhook",
            ["return_url"] = "https://shop.example/return",
            ["bill_ip"] = "198.51.100.7",
            ["mop"] = "CC",
            ["ccno"] = "4111111111111111",
            ["ccvv"] = "123",
            ["month"] = "01",
            ["year"] = "30",
        };
        string query = string.Join("&", payment.Select(
            field => field.Key + "=" + Uri.EscapeDataString(field.Value)));
        var envelope = new Dictionary<string, string>
        {
            ["encrypted_data"] =
                Encrypt(query, Environment.GetEnvironmentVariable("PRIVATE_KEY")) + PublicKey,
        };

        using (var client = new HttpClient { Timeout = TimeSpan.FromSeconds(60) })
        // If this throws, the outcome is not known: send the very same request again.
        using (var form = new FormUrlEncodedContent(envelope))
        using (var response = await client.PostAsync(gateway + "/api/s2s/encrypt", form))
        {
            string body = await response.Content.ReadAsStringAsync();
            var json = new DataContractJsonSerializer(typeof(Answer));
            var answer = (Answer)json.ReadObject(new MemoryStream(Encoding.UTF8.GetBytes(body)));

            if (!response.IsSuccessStatusCode)
            {
                Console.Error.WriteLine("Error " + answer.ErrorNumber + ": " + answer.ErrorMessage);
                return 1;
            }
            Console.WriteLine("transID: " + answer.TransId);
            // There is no authurl when the customer has nothing to do: it is decided already.
            Console.WriteLine("authurl: " + answer.AuthUrl);
            return 0;
        }
    }

    // The texts of the keys as they are printed: neither is decoded.
    private static string Encrypt(string query, string privateKey)
    {
        using (var sha256 = SHA256.Create())
        using (var aes = Aes.Create())
        {
            aes.Mode = CipherMode.CBC;
            aes.Padding = PaddingMode.PKCS7;
            aes.Key = Encoding.UTF8.GetBytes(privateKey).Take(32).ToArray();
            aes.IV = sha256.ComputeHash(Encoding.UTF8.GetBytes(PublicKey)).Take(16).ToArray();
            byte[] plain = Encoding.UTF8.GetBytes(query);
            using (var encryptor = aes.CreateEncryptor())
            {
                byte[] encrypted = encryptor.TransformFinalBlock(plain, 0, plain.Length);
                return Convert.ToBase64String(encrypted)
                    .TrimEnd('=').Replace('+', '-').Replace('/', '_');
            }
        }
    }
}
