// Checks a webhook's signature. Exits 0 when it is genuine, 1 when it is not.
// In a server take id, timestamp and signature from the headers webhook-id, webhook-timestamp and
// webhook-signature, and the body as raw bytes, before any JSON parser touches it.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"os"
	"strconv"
	"strings"
	"time"
)

// secrets: the signing secret; while it is rotated, both, with a blank between.
func isGenuine(id, timestamp, header, secrets string, body []byte) bool {
	// An old webhook that is sent again by somebody else is refused.
	sent, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return false
	}
	if age := time.Now().Unix() - sent; age > 300 || age < -300 {
		return false
	}
	for _, secret := range strings.Fields(secrets) {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil || len(key) == 0 {
			return false
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + timestamp + "."))
		mac.Write(body)
		expected := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
		// While secrets are rotated the header carries one signature per secret; one match is
		// enough. Equal takes the same time wherever they differ.
		for _, signature := range strings.Split(header, " ") {
			if hmac.Equal([]byte(expected), []byte(signature)) {
				return true
			}
		}
	}
	return false
}

func main() {
	body, err := io.ReadAll(os.Stdin)
	if err != nil {
		log.Fatal(err)
	}
	genuine := isGenuine(
		os.Getenv("WEBHOOK_ID"),
		os.Getenv("WEBHOOK_TIMESTAMP"),
		os.Getenv("WEBHOOK_SIGNATURE"),
		os.Getenv("WEBHOOK_SECRETS"),
		body,
	)
	if !genuine {
		fmt.Println("not genuine")
		os.Exit(1)
	}
	// Two rules are left, for what you store. Once: a webhook-id that you stored before is the
	// same message again, answer 2xx and stop. In order: of two webhooks about one transID the
	// higher sequence counts, compared as a number.
	fmt.Println("genuine")
}
