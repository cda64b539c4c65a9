package send_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/fiscal"
	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/pa/patest"
	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

func TestPrice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t)
		c := clientOf(t, s)
		n, files := notification(1)
		n.Recipients[0].DigitalDomicile = nil
		n.Recipients[0].PhysicalAddress.Address = "Via @OK_890"
		notice := n.Recipients[0].Payments[0].PagoPA.NoticeCode

		_, err := c.Price(t.Context(), sendtest.SenderTaxID, notice)
		require.ErrorIs(t, err, send.ErrNoCost)
		require.ErrorIs(t, err, pa.ErrNotFound)

		d, err := c.Submit(t.Context(), n, files)
		require.NoError(t, err)
		_, err = c.Price(t.Context(), sendtest.SenderTaxID, notice)
		require.ErrorIs(t, err, send.ErrNotAccepted)
		require.NotErrorIs(t, err, send.ErrNoCost)

		d, err = c.Await(t.Context(), d)
		require.NoError(t, err)
		p, err := c.Price(t.Context(), sendtest.SenderTaxID, notice)
		require.NoError(t, err)
		require.Equal(t, fiscal.Cents(200), *p.TotalPrice)
		require.Equal(t, d.IUN, p.IUN)
		require.False(t, p.Final(time.Now()))

		time.Sleep(20 * day)
		p, err = c.Price(t.Context(), sendtest.SenderTaxID, notice)
		require.NoError(t, err)
		require.Equal(t, fiscal.Cents(900), p.AnalogCost)
		require.Equal(t, fiscal.Cents(1000), p.PartialPrice)
		require.Equal(t, fiscal.Cents(100+900+198+100), *p.TotalPrice)
		require.True(t, p.Final(time.Now()))

		first := clientOf(t, s, func(cfg *send.Config) { cfg.Versions.Price = send.V1 })
		old, err := first.Price(t.Context(), sendtest.SenderTaxID, notice)
		require.NoError(t, err)
		require.Equal(t, p.PartialPrice, old.PartialPrice)
		require.Nil(t, old.TotalPrice, "the first version does not tell what to add")
		require.Equal(t, p.RefinementDate, old.RefinementDate)
	})
}

func TestPriceOfCancelled(t *testing.T) {
	for _, code := range []string{"PN_DELIVERYPUSH_NOTIFICATION_CANCELLED", "PN_DELIVERY_NOTIFICATION_CANCELLED"} {
		s := sendtest.New(t)
		require.NoError(t, s.Inject("Price", patest.Fault{Status: 404, Header: http.Header{"Content-Type": {"application/problem+json"}},
			Body: `{"status":404,"title":"Not found","errors":[{"code":"` + code + `"}]}`}))
		_, err := clientOf(t, s).Price(t.Context(), sendtest.SenderTaxID, "302010000000000001")
		require.ErrorIs(t, err, send.ErrCancelled)
		require.NotErrorIs(t, err, send.ErrNoCost)
	}
}
