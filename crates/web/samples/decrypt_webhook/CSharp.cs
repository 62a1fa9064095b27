// Decrypts a webhook's body. Check the signature over the body as it came before. PUBLIC_KEY and
// PRIVATE_KEY are the terminal's; while keys are rotated, try both pairs.
// Needs .NET 6 or newer, or Mono, and no packages.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Text;

public static class DecryptWebhook
{
    // The fields; throws CryptographicException when this key pair does not open it.
    private static Dictionary<string, string> Decrypt(string body, string publicKey, string privateKey)
    {
        string data = Parse(body)["data"].Replace('-', '+').Replace('_', '/');
        byte[] ciphertext = Convert.FromBase64String(data.PadRight((data.Length + 3) / 4 * 4, '='));
        using (var sha256 = SHA256.Create())
        using (var aes = Aes.Create())
        {
            aes.Mode = CipherMode.CBC;
            aes.Padding = PaddingMode.PKCS7;
            // The texts of the keys as they are printed: neither is decoded.
            aes.Key = Encoding.UTF8.GetBytes(privateKey).Take(32).ToArray();
            aes.IV = sha256.ComputeHash(Encoding.UTF8.GetBytes(publicKey)).Take(16).ToArray();
            using (var decryptor = aes.CreateDecryptor())
            {
                byte[] plain = decryptor.TransformFinalBlock(ciphertext, 0, ciphertext.Length);
                string query = Encoding.UTF8.GetString(plain);
                // One wrong key in some hundred has a right padding by chance.
                if (!("&" + query).Contains("&transID="))
                {
                    throw new CryptographicException("no transID");
                }
                return Parse(query);
            }
        }
    }

    private static Dictionary<string, string> Parse(string query)
    {
        return query.Split('&').Select(field => field.Split(new[] { '=' }, 2)).ToDictionary(
            parts => parts[0], parts => Uri.UnescapeDataString(parts[1].Replace('+', ' ')));
    }

    public static int Main()
    {
        Console.OutputEncoding = new UTF8Encoding(false);
        string body = new StreamReader(Console.OpenStandardInput()).ReadToEnd();
        try
        {
            var fields = Decrypt(
                body,
                Environment.GetEnvironmentVariable("PUBLIC_KEY"),
                Environment.GetEnvironmentVariable("PRIVATE_KEY"));
            foreach (var field in fields)
            {
                Console.WriteLine(field.Key + ": " + field.Value);
            }
            return 0;
        }
        catch (CryptographicException)
        {
            Console.Error.WriteLine("This key pair does not open it.");
            return 1;
        }
    }
}
