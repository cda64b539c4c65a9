package send_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/fiscal"
	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

// TestFifteenDays lets a notification whose digital delivery fails live its
// fifteen days, polled and streamed at once, without sockets.
func TestFifteenDays(t *testing.T) {
	start, lived := time.Now(), time.Duration(0)
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t, sendtest.WithRetryAfter(15*time.Minute, true))
		c := clientOf(t, s)
		stream, err := c.CreateStream(t.Context(), send.StreamRequest{Title: "esiti", FilterValues: []string{send.FilterDefault}})
		require.NoError(t, err)

		n, files := notification(1)
		n.Recipients[0].DigitalDomicile = send.PEC("zeta@fail.it")
		d, err := c.Submit(t.Context(), n, files)
		require.NoError(t, err)
		d, err = c.Await(t.Context(), d)
		require.NoError(t, err)
		born := time.Now()

		var streamed []send.Category
		for e, err := range c.Events(t.Context(), stream.StreamID, "") {
			require.NoError(t, err)
			streamed = append(streamed, e.Element.Category)
			if e.Element.Category == send.CategoryRefinement {
				lived = time.Since(born)
				require.Equal(t, d.IUN, e.IUN)
				require.Equal(t, send.StatusEffectiveDate, e.NewStatus)
				break
			}
		}
		require.GreaterOrEqual(t, time.Since(born), 15*day, "from the failed delivery")
		require.Subset(t, streamed, []send.Category{
			send.CategoryRequestAccepted, send.CategorySendDigitalFeedback, send.CategoryDigitalFailureWorkflow, send.CategorySendSimpleRegisteredLetter,
		})

		sent, err := c.SentNotification(t.Context(), d.IUN)
		require.NoError(t, err)
		require.Equal(t, send.StatusEffectiveDate, sent.NotificationStatus)
		var codes []string
		for _, e := range sent.Timeline {
			details, err := e.Decode()
			require.NoError(t, err)
			if details.DeliveryDetailCode != "" {
				codes = append(codes, details.DeliveryDetailCode)
			}
		}
		require.Subset(t, codes, []string{"C001", "C004"})

		price, err := c.Price(t.Context(), sendtest.SenderTaxID, n.Recipients[0].Payments[0].PagoPA.NoticeCode)
		require.NoError(t, err)
		require.Equal(t, fiscal.Cents(100+194+43+100), *price.TotalPrice, "100 SEND, 1.94 of paper and its VAT, 100 of the sender")
		require.True(t, price.Final(time.Now().Add(day)))
	})
	t.Logf("%v of life in %v", lived, time.Since(start))
}
