package paotel_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/pa-italia/sdk-go/fiscal"
	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/pa/patest"
	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

// A notification is deposited and looked at through a real client, with a
// reply that is lost on the way: each operation must be seen, its repeats
// counted, and nothing of what was sent or received found in the telemetry.
func TestClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tel := newTelemetry()
		srv := sendtest.New(t)
		client, err := send.New(send.Config{
			Environment: pa.Simulator, BaseURL: srv.URL(), APIKey: pa.NewSecret(sendtest.APIKey),
			Transport: pa.Transport{HTTPClient: &http.Client{Transport: srv.Transport()}, Observer: tel.observer()},
		})
		require.NoError(t, err)

		const first = "VRDGNN80A41H501"
		check, err := fiscal.CheckChar(first)
		require.NoError(t, err)
		person, err := fiscal.ParseTaxID(first + string(check))
		require.NoError(t, err)
		notice := "302" + strings.Repeat("1", 15)
		n := send.Notification{
			PaProtocolNumber: "PROTOCOLLO-7/2026",
			Subject:          "Oggetto riservato",
			Recipients: []send.Recipient{{
				RecipientType:   send.NaturalPerson,
				TaxID:           person,
				Denomination:    "Giovanna Verdi",
				DigitalDomicile: send.PEC("giovanna@pec.example.it"),
				PhysicalAddress: &send.PhysicalAddress{Address: "Via della Prova 7", Zip: "87100", Municipality: "COSENZA", Province: "CS"},
			}},
			Documents:                 []send.Document{{Title: "Atto", Attachment: send.Attachment{ContentType: send.ContentPDF, File: "atto.pdf"}}},
			NotificationFeePolicy:     send.FlatRate,
			PhysicalCommunicationType: send.RegisteredLetterAR,
			SenderDenomination:        sendtest.SenderDenomination,
			SenderTaxID:               sendtest.SenderTaxID,
			TaxonomyCode:              "010101P",
		}
		files := send.Files{"atto.pdf": send.FromBytes([]byte("%PDF-1.7\n% contenuto segreto\n%%EOF\n"))}

		require.NoError(t, srv.Inject("Preload", patest.Fault{DropAfter: true}))
		d, err := client.Submit(t.Context(), n, files)
		require.NoError(t, err)
		d, err = client.Await(t.Context(), d)
		require.NoError(t, err)
		_, err = client.Price(t.Context(), sendtest.SenderTaxID, notice)
		require.ErrorIs(t, err, pa.ErrNotFound)

		ops := map[string]map[string]any{}
		var exported strings.Builder
		for _, s := range tel.spans.GetSpans() {
			ops[s.Name] = attributes(s.Attributes)
			fmt.Fprintln(&exported, s.Name, s.Status, s.Events, attributes(s.Attributes))
		}
		for name, m := range tel.metrics(t) {
			fmt.Fprintln(&exported, name, m.Description, measured(m.Data))
		}
		for _, op := range []string{"send.Preload", "send.Submit", "send.RequestStatus", "send.Price"} {
			require.Contains(t, ops, op)
		}
		require.EqualValues(t, 1, ops["send.Preload"]["http.request.resend_count"])
		require.EqualValues(t, 200, ops["send.Preload"]["http.response.status_code"])
		require.Equal(t, "404", ops["send.Price"]["error.type"])
		require.Contains(t, ops["send.Price"]["url.template"], "{noticeCode}")
		require.Positive(t, ops["send.Submit"]["http.request.body.size"])

		retries := tel.metrics(t)["pa.client.call.retries"].Data.(metricdata.Sum[int64])
		var total int64
		for _, p := range retries.DataPoints {
			total += p.Value
		}
		require.EqualValues(t, 1, total)

		for _, secret := range []string{
			person.Value(), notice, d.IUN, d.NotificationRequestID, sendtest.APIKey, sendtest.SenderTaxID,
			"Verdi", "giovanna@", "Prova", "PROTOCOLLO", "riservato", "segreto", d.Notification.IdempotenceToken,
		} {
			require.NotEmpty(t, secret)
			require.NotContains(t, exported.String(), secret)
		}
	})
}
