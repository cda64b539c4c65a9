package jws_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"

	"github.com/pa-italia/sdk-go/internal/jws"
)

func Example() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		fmt.Println(err)
		return
	}
	compact, err := jws.Sign(key, map[string]string{"alg": jws.ES256, "typ": "JWT"}, []byte(`{"iss":"a","iss":"b"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := jws.Parse(compact)
	if err != nil {
		fmt.Println(err)
		return
	}
	public := jws.JWK{Key: key.Public()}
	fmt.Println(token.Verify(public, jws.RS256))
	fmt.Println(token.Verify(public, jws.ES256))
	var claims struct {
		Issuer string `json:"iss"`
	}
	fmt.Println(jws.DecodeStrict(token.Payload, &claims))
	// Output:
	// jws: the algorithm of the token is not accepted here
	// <nil>
	// jws: the JSON has a member twice at offset 16
}
