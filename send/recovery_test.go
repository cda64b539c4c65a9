package send_test

import (
	"context"
	"errors"
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

const (
	problemNotFound = `{"status":404,"title":"Not found","errors":[{"code":"PN_DELIVERY_NOTIFICATIONNOTFOUND"}]}`
	problemConflict = `{"status":409,"title":"Conflict","errors":[{"code":"PN_GENERIC_INVALIDPARAMETER_DUPLICATED"}]}`
)

func problem(status int, body string) patest.Fault {
	return patest.Fault{Status: status, Body: body, Header: http.Header{"Content-Type": {"application/problem+json"}}}
}

// submitted returns a deposit that has got as far as its submission.
func atSubmit(t *testing.T, c *send.Client, n send.Notification, files send.Files) send.Deposit {
	t.Helper()
	d, err := send.NewDeposit(n)
	require.NoError(t, err)
	for d.Stage != send.StageSubmit {
		d, _, err = c.Step(t.Context(), d, files)
		require.NoError(t, err)
	}
	return d
}

type memoryEvidence struct {
	ops  []string
	at   []time.Time
	code []int
	fail error
}

func (m *memoryEvidence) Record(_ context.Context, x pa.Exchange) error {
	m.ops, m.at, m.code = append(m.ops, x.Op), append(m.at, x.Time), append(m.code, x.StatusCode)
	return m.fail
}

// TestEvidenceThatCannotBeSaved: the deposit goes on, and somebody is told.
func TestEvidenceThatCannotBeSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t)
		evidence := &memoryEvidence{fail: errors.New("disk full")}
		c := clientOf(t, s, func(cfg *send.Config) { cfg.Evidence = evidence })
		n, files := notification(1)
		d := atSubmit(t, c, n, files)
		d, _, err := c.Step(t.Context(), d, files)
		require.ErrorIs(t, err, pa.ErrEvidence)
		require.False(t, pa.Temporary(err))
		require.Equal(t, send.StageAwait, d.Stage, "it was done")
		require.NotEmpty(t, d.NotificationRequestID)
		evidence.fail = nil
		d, err = c.Await(t.Context(), d)
		require.NoError(t, err)
		require.Len(t, s.Notifications(), 1)

		evidence.fail = errors.New("disk full")
		price, err := c.Price(t.Context(), sendtest.SenderTaxID, n.Recipients[0].Payments[0].PagoPA.NoticeCode)
		require.ErrorIs(t, err, pa.ErrEvidence)
		require.NotNil(t, price)
	})
}

// TestEvidenceOfALostReply: the look-up that settles it is what there is.
func TestEvidenceOfALostReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t)
		evidence := new(memoryEvidence)
		require.NoError(t, s.Inject("Submit", patest.Fault{DropAfter: true}))
		c := clientOf(t, s, func(cfg *send.Config) { cfg.Evidence = evidence })
		n, files := notification(1)
		_, err := c.Submit(t.Context(), n, files)
		require.NoError(t, err)
		require.Equal(t, []string{"send.RequestStatus"}, evidence.ops)

		n, files = notification(2)
		require.NoError(t, s.Inject("Submit", problem(400, `{"status":400,"errors":[{"code":"PN_INVALID_BODY"}]}`)))
		_, err = c.Submit(t.Context(), n, files)
		require.ErrorIs(t, err, pa.ErrInvalid)
		require.Equal(t, 400, evidence.code[1], "a refusal has legal weight too")
	})
}

// TestLaggingLookUp: our own request, not visible yet, is not somebody else's
// notice, whatever failures came before.
func TestLaggingLookUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t)
		require.NoError(t, s.Inject("Submit", patest.Fault{DropBefore: true, Times: 3}))
		require.NoError(t, s.Inject("Submit", patest.Fault{DropAfter: true}))
		lag := problem(404, problemNotFound)
		lag.Times = 8
		require.NoError(t, s.Inject("RequestStatus", lag))
		c := clientOf(t, s)
		n, files := notification(1)
		d, err := c.Submit(t.Context(), n, files)
		require.NoError(t, err)
		_, err = c.Await(t.Context(), d)
		require.NoError(t, err)
		require.Len(t, s.Notifications(), 1)
	})
}

// TestConflictOfAStranger: what a proxy answers to the look-up settles nothing.
func TestConflictOfAStranger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t)
		c := clientOf(t, s)
		n, files := notification(1)
		d := atSubmit(t, c, n, files)
		_, _, err := c.Step(t.Context(), d, files) // the state is lost
		require.NoError(t, err)
		page := patest.Fault{Status: 404, Body: "<html>not here", Header: http.Header{"Content-Type": {"text/html"}}, Times: 4}
		require.NoError(t, s.Inject("RequestStatus", page))
		d, _, err = c.Step(t.Context(), d, files)
		require.ErrorIs(t, err, pa.ErrUnexpectedReply)
		require.NotErrorIs(t, err, send.ErrNoticeInUse)
		require.Equal(t, send.StageSubmit, d.Stage)
		s.ClearFaults()
		d, _, err = c.Step(t.Context(), d, files)
		require.NoError(t, err)
		require.Equal(t, send.StageAwait, d.Stage)
	})
}

// TestReplyThatSaysNothing: without an id the request must be looked for.
func TestReplyThatSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t)
		require.NoError(t, s.Inject("Submit", patest.Fault{Replace: func(_ int, h http.Header, _ []byte) (int, http.Header, []byte) {
			return 202, h, []byte(`{"message":"ok"}`)
		}}))
		c := clientOf(t, s)
		n, files := notification(1)
		d, err := c.Submit(t.Context(), n, files)
		require.NoError(t, err)
		require.NotEmpty(t, d.NotificationRequestID)
		require.NoError(t, s.Inject("RequestStatus", patest.Fault{Replace: func(_ int, h http.Header, _ []byte) (int, http.Header, []byte) {
			return 200, h, []byte(`{"notificationRequestId":"x","notificationRequestStatus":"ACCEPTED"}`)
		}}))
		d, err = c.Await(t.Context(), d)
		require.ErrorIs(t, err, pa.ErrUnexpectedReply, "accepted without an IUN")
		_, err = c.Await(t.Context(), d)
		require.NoError(t, err)
	})
}

// TestCorrectionUnderTheSameNumber is not taken for what was sent.
func TestCorrectionUnderTheSameNumber(t *testing.T) {
	for name, correct := range map[string]func(n *send.Notification){
		"address":     func(n *send.Notification) { n.Recipients[0].PhysicalAddress.Address = "Via Corretta 2" },
		"zip":         func(n *send.Notification) { n.Recipients[0].PhysicalAddress.Zip = "87101" },
		"domicile":    func(n *send.Notification) { n.Recipients[0].DigitalDomicile = send.PEC("altra@pec.example.it") },
		"letter":      func(n *send.Notification) { n.PhysicalCommunicationType = send.RegisteredLetterAR },
		"subject":     func(n *send.Notification) { n.Subject = "Altro oggetto" },
		"name":        func(n *send.Notification) { n.Recipients[0].Denomination = "Zeta Corretta" },
		"creditor":    func(n *send.Notification) { n.Recipients[0].Payments[0].PagoPA.CreditorTaxID = "12345678903" },
		"no payments": func(n *send.Notification) { n.Recipients[0].Payments = nil },
	} {
		synctest.Test(t, func(t *testing.T) {
			s := sendtest.New(t)
			c := clientOf(t, s)
			n, files := notification(1)
			_, err := c.Submit(t.Context(), n, files)
			require.NoError(t, err)
			n, files = notification(1)
			correct(&n)
			_, err = c.Submit(t.Context(), n, files)
			require.ErrorIs(t, err, send.ErrProtocolReused, name)
		})
	}
}

// TestStaleUploads: files that nobody claimed for a week are gone.
func TestStaleUploads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t)
		c := clientOf(t, s)
		n, files := notification(1)
		d := atSubmit(t, c, n, files)
		time.Sleep(8 * day)
		d, err := c.Complete(t.Context(), d, files, nil)
		require.NoError(t, err)
		require.NotEmpty(t, d.IUN)

		// Sent in time, its state lost: found, not sent again.
		n, files = notification(2)
		d = atSubmit(t, c, n, files)
		_, _, err = c.Step(t.Context(), d, files)
		require.NoError(t, err)
		time.Sleep(8 * day)
		uploads := s.Count("Upload")
		_, err = c.Complete(t.Context(), d, files, nil)
		require.NoError(t, err)
		require.Equal(t, uploads, s.Count("Upload"))
		require.Len(t, s.Notifications(), 2)
	})
}

// TestNoticeInUseAsItIsNamed: the platform names one, or there is only one.
func TestNoticeInUseAsItIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t)
		c := clientOf(t, s)
		n, files := notification(1)
		conflict := problem(409, problemConflict)
		conflict.Times = -1
		require.NoError(t, s.Inject("Submit", conflict))
		_, err := c.Submit(t.Context(), n, files)
		taken, ok := errors.AsType[*send.NoticeInUseError](err)
		require.True(t, ok)
		require.Equal(t, [2]int{0, 0}, [2]int{taken.Recipient, taken.Payment})
		require.Zero(t, s.Count("Price"), "a price asked for is a trace left: not without need")

		n, files = notification(2)
		n.Recipients[0].Payments = nil
		n.NotificationFeePolicy = send.FlatRate
		_, err = c.Submit(t.Context(), n, files)
		require.ErrorIs(t, err, pa.ErrConflict)
		require.NotErrorIs(t, err, send.ErrNoticeInUse, "there is no notice")
	})
}

func TestDepositSharesNoMemory(t *testing.T) {
	n, _ := notification(1)
	d, err := send.NewDeposit(n)
	require.NoError(t, err)
	n.Recipients[0].PhysicalAddress.Address = "changed"
	n.Recipients[0].DigitalDomicile.Address = "changed"
	n.Recipients[0].Payments[0].PagoPA.NoticeCode = "changed"
	*n.PaFee, *n.VAT = 1, 1
	again, _ := notification(1)
	want, err := send.NewDeposit(again)
	require.NoError(t, err)
	require.Equal(t, want, d)
}

// TestOddWaits: what the platform asks for is kept within reason.
func TestOddWaits(t *testing.T) {
	for seconds, want := range map[int]time.Duration{-1: time.Second, 0: time.Second, 10: 10 * time.Second, 1 << 30: time.Hour} {
		require.Equal(t, want, (&send.RequestStatus{RetryAfter: seconds}).Wait())
	}
}

func TestResumeAfterARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, files := notification(1)
		s := sendtest.New(t, sendtest.WithUnknownTaxIDs(n.Recipients[0].TaxID.Value()))
		c := clientOf(t, s)
		store, err := send.NewFileDeposits(t.TempDir())
		require.NoError(t, err)
		begin := func() (send.Notification, error) { return n, nil }
		for range 2 {
			_, err = c.Resume(t.Context(), store, "k", begin, files)
			require.ErrorIs(t, err, send.ErrRefused)
		}
		require.Len(t, s.Notifications(), 1)
		n.Recipients[0].TaxID, n.IdempotenceToken = person(2), "corrected"
		d, err := c.Resume(t.Context(), store, "k", begin, files)
		require.NoError(t, err)
		require.NotEmpty(t, d.IUN)
	})
}

// leasing is a lock that is lost after a while.
type leasing struct{ lease time.Duration }

func (l leasing) Lock(ctx context.Context, _ string) (context.Context, func() error, error) {
	held, cancel := context.WithTimeout(ctx, l.lease)
	return held, func() error { cancel(); return nil }, nil
}

func TestLostLockIsNoCleanEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t)
		c := clientOf(t, s)
		stream, err := c.CreateStream(t.Context(), send.StreamRequest{Title: "esiti"})
		require.NoError(t, err)
		err = c.Consume(t.Context(), stream.StreamID, send.ConsumeOptions{Lock: leasing{time.Minute}, Handle: func(context.Context, send.Batch) error { return nil }})
		require.ErrorIs(t, err, send.ErrLockLost)

		// And nothing is saved once it is lost.
		n, files := notification(1)
		_, err = c.Submit(t.Context(), n, files)
		require.NoError(t, err)
		time.Sleep(day)
		checkpoints := new(send.MemoryCheckpoints)
		err = c.Consume(t.Context(), stream.StreamID, send.ConsumeOptions{Lock: leasing{time.Minute}, Checkpoints: checkpoints,
			Handle: func(context.Context, send.Batch) error { time.Sleep(2 * time.Minute); return nil }})
		require.ErrorIs(t, err, send.ErrLockLost)
		saved, err := checkpoints.Load(t.Context(), stream.StreamID)
		require.NoError(t, err)
		require.Empty(t, saved)
	})
}

// TestConsumeGoesOnFromItsCheckpoint and through temporary trouble.
func TestConsumeGoesOnFromItsCheckpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t)
		c := clientOf(t, s)
		stream, err := c.CreateStream(t.Context(), send.StreamRequest{Title: "esiti"})
		require.NoError(t, err)
		checkpoints := new(send.MemoryCheckpoints)
		released := 0
		seen := map[string]bool{}
		for i := range 3 {
			n, files := notification(i + 1)
			_, err = c.Submit(t.Context(), n, files)
			require.NoError(t, err)
			time.Sleep(time.Hour)
			require.NoError(t, s.Inject("Events", patest.Fault{Status: 500, Times: 6}))
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			require.NoError(t, c.Consume(ctx, stream.StreamID, send.ConsumeOptions{Checkpoints: checkpoints, Lock: counting{&released},
				Handle: func(_ context.Context, b send.Batch) error {
					for _, e := range b.Events {
						require.False(t, seen[e.EventID], "what was saved does not come again")
						seen[e.EventID] = true
					}
					return nil
				}}))
			cancel()
		}
		require.NotEmpty(t, seen)
		require.Equal(t, 3, released)
	})
}

type counting struct{ released *int }

func (c counting) Lock(ctx context.Context, _ string) (context.Context, func() error, error) {
	return ctx, func() error { *c.released++; return nil }, nil
}

// TestOddEventDoesNotStopTheStream: one member of another form than the contract's.
func TestOddEventDoesNotStopTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t)
		c := clientOf(t, s)
		stream, err := c.CreateStream(t.Context(), send.StreamRequest{Title: "esiti"})
		require.NoError(t, err)
		body := `[{"eventId":"01","iun":"X","element":{"elementId":"E","category":"REFINEMENT","eventTimestamp":"2026-01-01 10:00","details":{"recIndex":0}}},{"eventId":"02","element":{"elementId":"F"}}]`
		require.NoError(t, s.Inject("Events", patest.Fault{Replace: func(int, http.Header, []byte) (int, http.Header, []byte) {
			return 200, http.Header{"Content-Type": {"application/json"}}, []byte(body)
		}}))
		page, err := c.EventPage(t.Context(), stream.StreamID, "")
		require.NoError(t, err)
		require.Len(t, page.Events, 2)
		require.Equal(t, send.CategoryRefinement, page.Events[0].Element.Category)
		require.Zero(t, page.Events[0].Element.EventTimestamp)
		require.Contains(t, string(page.Events[0].Raw), "2026-01-01 10:00")
		details, err := page.Events[0].Element.Decode()
		require.NoError(t, err)
		require.Equal(t, 0, *details.RecIndex)
	})
}

// TestVoucherTroubleIsNotTheNotifications: a voucher that is refused says
// nothing of the notification.
func TestVoucherTroubleIsNotTheNotifications(t *testing.T) {
	for _, status := range []int{400, 404, 409} {
		synctest.Test(t, func(t *testing.T) {
			s := sendtest.New(t, sendtest.WithSender(sendtest.Sender{APIKey: sendtest.APIKey, TaxID: sendtest.SenderTaxID, VoucherRequired: true}),
				sendtest.WithVoucherCheck(func(string) error { return nil }))
			broken := true
			c := clientOf(t, s, func(cfg *send.Config) {
				cfg.Voucher = pa.TokenFunc(func(context.Context) (pa.Token, error) {
					if broken {
						return pa.Token{}, pa.NewError(pa.Fault{Op: "pdnd.Token", StatusCode: status})
					}
					return pa.Token{Value: pa.NewSecret("v")}, nil
				})
			})
			n, files := notification(1)
			_, err := c.Submit(t.Context(), n, files)
			require.ErrorIs(t, err, pa.ErrCredential)
			require.NotErrorIs(t, err, pa.ErrInvalid)
			require.NotErrorIs(t, err, send.ErrNoticeInUse)
			broken = false
			_, err = c.Submit(t.Context(), n, files)
			require.NoError(t, err)
		})
	}
}
