package sendtest_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/pa-italia/sdk-go/fiscal"
	"github.com/pa-italia/sdk-go/pa/patest"
	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

// A program starts the simulator on the loopback interface; a day of the life
// cycle lasts a minute, as in the UAT environment.
func Example() {
	ctx := context.Background()
	srv, err := sendtest.Start(ctx, sendtest.WithClock(patest.Day(time.Minute)))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() {
		if err := srv.Close(); err != nil {
			fmt.Println(err)
		}
	}()

	call := func(key string) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL()+"/delivery-progresses/v2.9/streams", nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		req.Header.Set("x-api-key", key)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			fmt.Println(err)
			return
		}
		defer res.Body.Close()
		fmt.Println(res.Status)
	}
	call(sendtest.APIKey)
	call("another")

	// The next call is done, and its reply is lost in the gateway.
	if err := srv.Inject("ListStreams", patest.Fault{Status: http.StatusGatewayTimeout, Done: true}); err != nil {
		fmt.Println(err)
	}
	call(sendtest.APIKey)
	fmt.Println(srv.Count("ListStreams"), "calls seen")
	// Output:
	// 200 OK
	// 403 Forbidden
	// 504 Gateway Timeout
	// 3 calls seen
}

// GPD is a function that is told each fee of a notification whose debt position
// the platform itself keeps up to date.
func ExampleWithGPD() {
	srv, err := sendtest.Start(context.Background(), sendtest.WithGPD(func(u sendtest.FeeUpdate) int {
		fmt.Println(u.NoticeCode, u.Phase, u.NotificationFee)
		return http.StatusOK
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() {
		if err := srv.Close(); err != nil {
			fmt.Println(err)
		}
	}()
	if err := deposit(srv); err != nil {
		fmt.Println(err)
		return
	}
	srv.Clock().Advance(24 * time.Hour)
	iun := srv.Notifications()[0].IUN
	if err := srv.Cancel(iun); err != nil {
		fmt.Println(err)
	}
	srv.Clock().Advance(time.Hour)
	fmt.Println(srv.Notifications()[0].Status)
	// Output:
	// 302011000000000001 VALIDATION 200
	// 302011000000000001 SEND_ANALOG_DOMICILE_ATTEMPT_0 1298
	// 302011000000000001 NOTIFICATION_CANCELLED 0
	// CANCELLED
}

// deposit sends a notification to a company, on paper.
func deposit(srv *sendtest.Server) error {
	client, err := send.New(srv.Config())
	if err != nil {
		return err
	}
	company, err := fiscal.ParseTaxID("01234567897")
	if err != nil {
		return err
	}
	_, err = client.Submit(context.Background(), send.Notification{
		PaProtocolNumber: "2026/1",
		Subject:          "Avviso di prova",
		Recipients: []send.Recipient{{
			RecipientType:   send.LegalPerson,
			TaxID:           company,
			Denomination:    "Ditta Inventata",
			PhysicalAddress: &send.PhysicalAddress{Address: "Via @OK_890", Zip: "87100", Municipality: "COSENZA", Province: "CS"},
			Payments:        []send.Payment{{PagoPA: &send.PagoPAPayment{NoticeCode: "302011000000000001", CreditorTaxID: sendtest.SenderTaxID, ApplyCost: true}}},
		}},
		Documents:                 []send.Document{{Title: "Atto", Attachment: send.PDF("atto.pdf")}},
		NotificationFeePolicy:     send.DeliveryMode,
		PaFee:                     new(fiscal.Cents(100)),
		VAT:                       new(22),
		PhysicalCommunicationType: send.RegisteredLetter890,
		PagoPaIntMode:             send.IntModeAsync,
		SenderDenomination:        sendtest.SenderDenomination,
		SenderTaxID:               sendtest.SenderTaxID,
		TaxonomyCode:              "010101P",
	}, send.Files{"atto.pdf": send.FromBytes([]byte("%PDF-1.7\n%%EOF\n"))})
	return err
}
