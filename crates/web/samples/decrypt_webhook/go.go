// Decrypts a webhook's body. Check the signature over the body as it came before. PUBLIC_KEY and
// PRIVATE_KEY are the terminal's; while keys are rotated, try both pairs.
package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net/url"
	"os"
)

var errOtherKey = errors.New("This key pair does not open it.")

func decryptWebhook(body, publicKey, privateKey string) (url.Values, error) {
	form, err := url.ParseQuery(body)
	if err != nil {
		return nil, err
	}
	text, err := base64.RawURLEncoding.DecodeString(form.Get("data"))
	if err != nil {
		return nil, err
	}
	if len(privateKey) < 32 || len(text) == 0 || len(text)%aes.BlockSize != 0 {
		return nil, errOtherKey
	}
	// The texts of the keys as they are printed: neither is decoded.
	block, err := aes.NewCipher([]byte(privateKey)[:32])
	if err != nil {
		return nil, err
	}
	iv := sha256.Sum256([]byte(publicKey))
	cipher.NewCBCDecrypter(block, iv[:aes.BlockSize]).CryptBlocks(text, text)
	// PKCS#7: the last byte says how many there are of it.
	last := text[len(text)-1]
	plain := bytes.TrimSuffix(text, bytes.Repeat([]byte{last}, int(last)))
	fields, err := url.ParseQuery(string(plain))
	// With another key's text this is no query string.
	if err != nil || !fields.Has("transID") {
		return nil, errOtherKey
	}
	return fields, nil
}

func main() {
	body, err := io.ReadAll(os.Stdin)
	if err != nil {
		log.Fatal(err)
	}
	fields, err := decryptWebhook(string(body), os.Getenv("PUBLIC_KEY"), os.Getenv("PRIVATE_KEY"))
	if err != nil {
		log.Fatal(err)
	}
	for name := range fields {
		fmt.Printf("%s: %s\n", name, fields.Get(name))
	}
}
