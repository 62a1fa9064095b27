// Refunds a part of a payment: TRANS_ID names it. Prints how it stands.
// Needs .NET 6 or newer, or Mono, and no packages.
using System;
using System.Collections.Generic;
using System.IO;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Runtime.Serialization;
using System.Runtime.Serialization.Json;
using System.Text;
using System.Threading.Tasks;

[DataContract]
public class Answer
{
    [DataMember(Name = "order_status")] public string OrderStatus;
    [DataMember(Name = "refundStatus")] public string RefundStatus;
    [DataMember(Name = "error_number")] public string ErrorNumber;
    [DataMember(Name = "error_message")] public string ErrorMessage;
}

public static class RefundPayment
{
    public static int Main()
    {
        return Run().GetAwaiter().GetResult();
    }

    private static async Task<int> Run()
    {
        string gateway =
            Environment.GetEnvironmentVariable("GATEWAY_URL") ?? "http://localhost:9003";
        string privateKey = Environment.GetEnvironmentVariable("PRIVATE_KEY");

        var refund = new Dictionary<string, string>
        {
            ["public_key"] = "WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=",
            ["transID"] = Environment.GetEnvironmentVariable("TRANS_ID"),
            ["refundAmount"] = "1.50",
            // Your own name of the refund. The same name and amount never refund twice.
            ["refundReference"] = "return-1001",
            ["refundReason"] = "One of two items came back",
        };

        using (var client = new HttpClient { Timeout = TimeSpan.FromSeconds(60) })
        {
            // Live terminals need their private key; on a test terminal it may be left out.
            if (!string.IsNullOrEmpty(privateKey))
            {
                client.DefaultRequestHeaders.Authorization =
                    new AuthenticationHeaderValue("Bearer", privateKey);
            }
            // If this throws, the outcome is not known: send the very same request again.
            using (var form = new FormUrlEncodedContent(refund))
            using (var response =
                await client.PostAsync(gateway + "/api/transactions/refund-request", form))
            {
                string body = await response.Content.ReadAsStringAsync();
                var json = new DataContractJsonSerializer(typeof(Answer));
                var stream = new MemoryStream(Encoding.UTF8.GetBytes(body));
                var answer = (Answer)json.ReadObject(stream);

                if (!response.IsSuccessStatusCode)
                {
                    Console.Error.WriteLine(
                        "Error " + answer.ErrorNumber + ": " + answer.ErrorMessage);
                    return 1;
                }
                Console.WriteLine("order_status: " + answer.OrderStatus);
                // The webhook tells when the bank has decided.
                Console.WriteLine("refundStatus: " + answer.RefundStatus);
                return 0;
            }
        }
    }
}
