// Checks a webhook's signature. Exits 0 when it is genuine, 1 when it is not.
// In a server take id, timestamp and signature from the headers webhook-id, webhook-timestamp and
// webhook-signature, and the body as raw bytes, before any JSON parser touches it.
using System;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Text;

public static class VerifyWebhook
{
    // secrets: the signing secret; while it is rotated, both, with a blank between.
    private static bool IsGenuine(string id, string timestamp, string header, string secrets, byte[] body)
    {
        // An old webhook that is sent again by somebody else is refused.
        long sent;
        long now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        if (!long.TryParse(timestamp, NumberStyles.None, CultureInfo.InvariantCulture, out sent)
            || Math.Abs(now - sent) > 300)
        {
            return false;
        }
        byte[] signed = Encoding.UTF8.GetBytes(id + "." + timestamp + ".").Concat(body).ToArray();
        foreach (string secret in secrets.Split(' '))
        {
            byte[] key = Convert.FromBase64String(secret.Substring("whsec_".Length));
            string expected;
            using (var hmac = new HMACSHA256(key))
            {
                expected = "v1," + Convert.ToBase64String(hmac.ComputeHash(signed));
            }
            // While secrets are rotated the header carries one signature per secret; one match is
            // enough.
            if (header.Split(' ').Any(signature => AreEqual(expected, signature)))
            {
                return true;
            }
        }
        return false;
    }

    // Takes the same time wherever they differ. On .NET, CryptographicOperations.FixedTimeEquals
    // does the same.
    private static bool AreEqual(string expected, string given)
    {
        if (expected.Length != given.Length)
        {
            return false;
        }
        int difference = 0;
        for (int place = 0; place < expected.Length; place++)
        {
            difference |= expected[place] ^ given[place];
        }
        return difference == 0;
    }

    public static int Main()
    {
        var body = new MemoryStream();
        Console.OpenStandardInput().CopyTo(body);
        bool genuine = IsGenuine(
            Environment.GetEnvironmentVariable("WEBHOOK_ID") ?? "",
            Environment.GetEnvironmentVariable("WEBHOOK_TIMESTAMP") ?? "",
            Environment.GetEnvironmentVariable("WEBHOOK_SIGNATURE") ?? "",
            Environment.GetEnvironmentVariable("WEBHOOK_SECRETS") ?? "",
            body.ToArray());
        // Two rules are left, for what you store. Once: a webhook-id that you stored before is the
        // same message again, answer 2xx and stop. In order: of two webhooks about one transID the
        // higher sequence counts, compared as a number.
        Console.WriteLine(genuine ? "genuine" : "not genuine");
        return genuine ? 0 : 1;
    }
}
