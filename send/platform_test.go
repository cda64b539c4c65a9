package send_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/pa/patest"
	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t)
		c := clientOf(t, s)
		n, files := notification(1)
		d, err := c.Submit(t.Context(), n, files)
		require.NoError(t, err)
		d, err = c.Await(t.Context(), d)
		require.NoError(t, err)

		require.NoError(t, s.Inject("Cancel", patest.Fault{DropAfter: true}))
		reply, err := c.Cancel(t.Context(), d.IUN)
		require.NoError(t, err)
		require.True(t, reply.Has(send.CancellationAccepted) || reply.Has(send.CancellationAlreadyCancelled))
		time.Sleep(time.Hour)
		sent, err := c.SentNotification(t.Context(), d.IUN)
		require.NoError(t, err)
		require.Equal(t, send.StatusCancelled, sent.NotificationStatus)
		_, err = c.Price(t.Context(), sendtest.SenderTaxID, n.Recipients[0].Payments[0].PagoPA.NoticeCode)
		require.ErrorIs(t, err, pa.ErrNotFound)

		// Its notice is free again.
		again, files := notification(2)
		again.Recipients[0].Payments = n.Recipients[0].Payments
		_, err = c.Submit(t.Context(), again, files)
		require.NoError(t, err)

		_, err = c.Cancel(t.Context(), "AAAA-AAAA-AAAA-202601-A-1")
		require.ErrorIs(t, err, pa.ErrNotFound)
	})
}

func TestReportPayments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t)
		c := clientOf(t, s)
		n, files := notification(1)
		d, err := c.Submit(t.Context(), n, files)
		require.NoError(t, err)
		d, err = c.Await(t.Context(), d)
		require.NoError(t, err)
		event := send.PaymentEvent{NoticeCode: n.Recipients[0].Payments[0].PagoPA.NoticeCode, CreditorTaxID: sendtest.SenderTaxID, PaymentDate: time.Now(), Amount: 12345}
		require.NoError(t, c.ReportPayments(t.Context(), event))
		time.Sleep(time.Hour)
		sent, err := c.SentNotification(t.Context(), d.IUN)
		require.NoError(t, err)
		paid := false
		for _, e := range sent.Timeline {
			paid = paid || e.Category == send.CategoryPayment
		}
		require.True(t, paid)
		require.ErrorIs(t, c.ReportPayments(t.Context()), pa.ErrInvalid)
	})
}

func TestPlatformStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := patest.RealTime() // of a bubble: the year 2000, before there was a platform
		clock.Advance(27 * 365 * day)
		s := sendtest.New(t, sendtest.WithClock(clock), sendtest.WithIncident(sendtest.Incident{Functionality: sendtest.NotificationCreate, After: time.Hour, Lasts: 2 * time.Hour}))
		c := clientOf(t, s)
		status, err := c.PlatformStatus(t.Context())
		require.NoError(t, err)
		require.True(t, status.Healthy())
		require.Len(t, status.Functionalities, 3)
		time.Sleep(90 * time.Minute)
		status, err = c.PlatformStatus(t.Context())
		require.NoError(t, err, "a 500 that says so is an answer")
		require.False(t, status.Healthy())
		require.Equal(t, send.FunctionalityCreate, status.OpenIncidents[0].Functionality)

		time.Sleep(4 * time.Hour)
		now := clock.Now()
		past, err := c.Downtimes(t.Context(), now.Year(), now.Month())
		require.NoError(t, err)
		require.Len(t, past, 1)
		require.Equal(t, 2*time.Hour, past[0].EndDate.Sub(past[0].StartDate))
		time.Sleep(48 * time.Hour)
		past, err = c.Downtimes(t.Context(), now.Year(), now.Month())
		require.NoError(t, err)
		d, err := c.DowntimeLegalFact(t.Context(), past[0].LegalFactID, send.DownloadOptions{})
		require.NoError(t, err)
		require.NotEmpty(t, readAll(t, d))

		for _, body := range []string{`{"message":"ok"}`, `<html>`} {
			require.NoError(t, s.Inject("PlatformStatus", patest.Fault{Status: 200, Body: body, Header: http.Header{"Content-Type": {"application/json"}}}))
			_, err = c.PlatformStatus(t.Context())
			require.ErrorIs(t, err, pa.ErrUnexpectedReply, "no status is not a good status")
		}
	})
}

func TestGroups(t *testing.T) {
	s := sendtest.New(t, sendtest.WithSender(sendtest.Sender{APIKey: sendtest.APIKey, TaxID: sendtest.SenderTaxID, ActiveGroups: []string{"tributi"}, SuspendedGroups: []string{"vecchio"}}))
	c := clientOf(t, s)
	all, err := c.Groups(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, all, 2)
	active, err := c.Groups(t.Context(), send.GroupActive)
	require.NoError(t, err)
	require.Len(t, active, 1)
	require.Equal(t, send.GroupActive, active[0].Status)
}

// TestTheSameNumberIsTheSameNotification, however the sender comes to be known.
func TestTheSameNumberIsTheSameNotification(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t)
		c := clientOf(t, s, func(cfg *send.Config) { cfg.Sender = sendtest.SenderTaxID })
		n, files := notification(1)
		first, err := c.Submit(t.Context(), n, files)
		require.NoError(t, err)
		n.SenderTaxID = ""
		second, err := c.Submit(t.Context(), n, files)
		require.NoError(t, err)
		require.Equal(t, first.NotificationRequestID, second.NotificationRequestID)
		require.Len(t, s.Notifications(), 1)

		n.SenderTaxID = "12345678903"
		_, err = c.Submit(t.Context(), n, files)
		require.ErrorIs(t, err, pa.ErrInvalid)
		require.Equal(t, "SEND_SENDER_MISMATCH", pa.CodeOf(err))
		other := clientOf(t, s, func(cfg *send.Config) { cfg.Sender = "12345678903" })
		_, _, err = other.Step(t.Context(), first, files)
		require.Equal(t, "SEND_SENDER_MISMATCH", pa.CodeOf(err), "a deposit is not stepped by another sender's client")
	})
}
