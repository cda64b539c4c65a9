package pdnd_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"

	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/pdnd"
	"github.com/pa-italia/sdk-go/pdnd/pdndtest"
)

// The simulator stands for PDND; against the real one only the Config differs.
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	simulator, err := pdndtest.Start(ctx)
	if err != nil {
		log.Fatal(err)
	}
	cfg, err := simulator.Config(pdndtest.ClientID, pdndtest.PurposeID)
	if err != nil {
		log.Fatal(err)
	}
	client, err := pdnd.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	token, err := client.Token(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("voucher:", token.Value)
	fmt.Println("accepted by the provider:", simulator.CheckVoucher(token.Value.Reveal()) == nil)

	// What calls the e-service puts the voucher on its requests.
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://eservice.simulator.invalid/v1", nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := pa.Bearer(client).Authorize(ctx, req); err != nil {
		log.Fatal(err)
	}
	fmt.Println("authorized:", req.Header.Get("Authorization") != "")
	// Output:
	// voucher: [redacted]
	// accepted by the provider: true
	// authorized: true
}

// All that is wrong with a configuration is told at once.
func ExampleNew_invalid() {
	_, err := pdnd.New(pdnd.Config{
		Environment: pa.UAT,
		TokenURL:    "https://auth.interop.pagopa.it/token.oauth2",
		ClientID:    "comune-di-esempio",
		Key:         pdnd.KeyPEM(pa.NewSecret("-----BEGIN PUBLIC KEY-----\nMA==\n-----END PUBLIC KEY-----\n")),
	})
	fmt.Println(pa.Message(err, pa.Italian))
	// Output:
	// TokenURL: questo valore è di un altro ambiente: ambiente, URL del token e audience devono andare insieme
	// ClientID: deve essere un UUID in lettere minuscole, come lo mostra il back office
	// Key: questa è una chiave pubblica: serve la chiave privata corrispondente
}

// PDND gives no reason when it refuses; the simulator does.
func ExampleErrVoucherRefused() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	simulator, err := pdndtest.Start(ctx)
	if err != nil {
		log.Fatal(err)
	}
	cfg, err := simulator.Config(pdndtest.ClientID, pdndtest.PurposeID)
	if err != nil {
		log.Fatal(err)
	}
	client, err := pdnd.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	suspended := pdndtest.States{Agreement: pdndtest.Inactive}
	if err := simulator.SetStates(pdndtest.ClientID, pdndtest.PurposeID, suspended); err != nil {
		log.Fatal(err)
	}
	_, err = client.Token(ctx)
	if failed, ok := errors.AsType[*pa.Error](err); ok && errors.Is(err, pdnd.ErrVoucherRefused) {
		fmt.Println(failed.StatusCode, failed.Code)
		fmt.Println(simulator.Failures()[0])
	}
	// Output:
	// 400 015-0008
	// 0008 Platform state validation failed
	// 	0021 Agreement state is: INACTIVE
}
