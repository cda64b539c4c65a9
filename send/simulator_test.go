package send_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/fiscal"
	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

// clientOf returns a client of a simulator, without sockets.
func clientOf(t testing.TB, s *sendtest.Server, change ...func(*send.Config)) *send.Client {
	t.Helper()
	cfg := send.Config{
		Environment: pa.Simulator,
		BaseURL:     s.URL(),
		APIKey:      pa.NewSecret(sendtest.APIKey),
		Transport:   pa.Transport{HTTPClient: &http.Client{Transport: s.Transport()}},
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := send.New(cfg)
	require.NoError(t, err)
	return c
}

// person returns the code of somebody who does not exist.
func person(n int) fiscal.TaxID {
	first := fmt.Sprintf("ZZZZZZ80A01Z%03d", n)
	check, err := fiscal.CheckChar(first)
	if err != nil {
		panic(err)
	}
	return fiscal.UncheckedTaxID(first + string(check))
}

func pdf(text string) send.File {
	return send.FromBytes([]byte("%PDF-1.7\n% " + text + "\n%%EOF\n"))
}

// notification returns one that is good, with an act and a notice, and its files.
func notification(n int) (send.Notification, send.Files) {
	return send.Notification{
			PaProtocolNumber: fmt.Sprintf("2026/%05d", n),
			Subject:          "Notifica di prova",
			Recipients: []send.Recipient{{
				RecipientType:   send.NaturalPerson,
				TaxID:           person(n % 1000),
				Denomination:    "Zeta Zeta",
				DigitalDomicile: send.PEC("zeta@pec.example.it"),
				PhysicalAddress: &send.PhysicalAddress{Address: "Via Inventata 1", Zip: "87100", Municipality: "COSENZA", Province: "CS"},
				Payments: []send.Payment{{PagoPA: &send.PagoPAPayment{
					NoticeCode: fmt.Sprintf("3020100%011d", n), CreditorTaxID: sendtest.SenderTaxID, ApplyCost: true, Attachment: new(send.PDF("avviso.pdf")),
				}}},
			}},
			Documents:                 []send.Document{{Title: "Atto", Attachment: send.PDF("atto.pdf")}},
			NotificationFeePolicy:     send.DeliveryMode,
			PaFee:                     new(fiscal.Cents(100)),
			VAT:                       new(22),
			PhysicalCommunicationType: send.RegisteredLetter890,
			SenderDenomination:        sendtest.SenderDenomination,
			SenderTaxID:               sendtest.SenderTaxID,
			TaxonomyCode:              "010101P",
		}, send.Files{
			"atto.pdf":   pdf(fmt.Sprint("atto ", n)),
			"avviso.pdf": pdf(fmt.Sprint("avviso ", n)),
		}
}

const day = 24 * time.Hour
