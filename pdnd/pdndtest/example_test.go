package pdndtest_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/pa-italia/sdk-go/pdnd"
	"github.com/pa-italia/sdk-go/pdnd/pdndtest"
)

// A gateway that times out once is got over by the client.
func ExampleServer_Inject() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	s, err := pdndtest.Start(ctx, pdndtest.WithClient(pdndtest.Client{
		ID: pdndtest.ClientID,
		Purposes: []pdndtest.Purpose{{
			ID:       pdndtest.PurposeID,
			Audience: []string{"https://eservice.example.it/v1"},
			Lifetime: 5 * time.Minute,
		}},
	}))
	if err != nil {
		log.Fatal(err)
	}
	cfg, err := s.Config(pdndtest.ClientID, pdndtest.PurposeID)
	if err != nil {
		log.Fatal(err)
	}
	client, err := pdnd.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	if err := s.Inject("Token", pdndtest.GatewayError(http.StatusGatewayTimeout)); err != nil {
		log.Fatal(err)
	}
	token, err := client.Token(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, x := range s.Exchanges() {
		fmt.Println(x.Op, x.Status)
	}
	fmt.Println(s.VoucherCheck("https://eservice.example.it/v1")(token.Value.Reveal()))
	// Output:
	// Token 504
	// Token 200
	// <nil>
}
