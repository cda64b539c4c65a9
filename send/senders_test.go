package send_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
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

// bodyTaxID is the tax code of a body that does not exist.
func bodyTaxID(n int) string {
	for check := range 10 {
		id := fmt.Sprintf("9%09d%d", n, check)
		if _, err := fiscal.ParseVATNumber(id); err == nil {
			return id
		}
	}
	panic("no check digit fits")
}

// many Comuni of one vendor, three of which have something wrong.
const (
	comuni      = 300
	revoked     = 17  // its key is no longer known
	throttled   = 150 // every call is answered with 429
	wrongGroup  = 299 // its credentials name a group that is not active
	latency     = 100 * time.Millisecond
	groupOfAll  = "tributi"
	suspendedIt = "sospeso"
)

// vendor is a simulator of all Comuni and the clients of a vendor, each call of
// whom takes a moment.
func vendor(t *testing.T, faulty bool) (*sendtest.Server, *send.Senders, []string) {
	t.Helper()
	var opts []sendtest.Option
	store := send.CredentialMap{}
	var taxIDs []string
	for i := range comuni {
		id, key := bodyTaxID(i), fmt.Sprintf("canary-key-%03d", i)
		taxIDs = append(taxIDs, id)
		cred := send.Credentials{APIKey: pa.NewSecret(key)}
		if i%2 == 1 {
			cred.Group = groupOfAll
		}
		if faulty && i == revoked {
			cred.APIKey = pa.NewSecret("canary-revoked")
		}
		if faulty && i == wrongGroup {
			cred.Group = suspendedIt
		}
		store[id] = cred
		opts = append(opts, sendtest.WithSender(sendtest.Sender{
			APIKey: key, TaxID: id, Over20Grams: true, ActiveGroups: []string{groupOfAll}, SuspendedGroups: []string{suspendedIt},
		}))
	}
	s := sendtest.New(t, opts...)
	if faulty {
		throttledKey := fmt.Sprintf("canary-key-%03d", throttled)
		require.NoError(t, s.Inject("*", patest.Fault{
			Times: -1, Status: http.StatusTooManyRequests, Body: `{"message":"Too Many Requests"}`, Header: http.Header{"Content-Type": {"application/json"}},
			Match: func(r *http.Request) bool { return r.Header.Get("X-Api-Key") == throttledKey },
		}))
	}
	senders, err := send.NewSenders(send.Config{
		Environment: pa.Simulator, BaseURL: s.URL(), Transport: pa.Transport{HTTPClient: &http.Client{Transport: delayed{s.Transport()}}},
	}, store)
	require.NoError(t, err)
	return s, senders, taxIDs
}

// delayed makes every call take as long as one over a network.
type delayed struct{ http.RoundTripper }

func (d delayed) RoundTrip(req *http.Request) (*http.Response, error) {
	t := time.NewTimer(latency)
	defer t.Stop()
	select {
	case <-t.C:
		return d.RoundTripper.RoundTrip(req)
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
}

// depositAll lets every Comune deposit and await a notification at once, and
// returns how long each took and what it got.
func depositAll(t *testing.T, senders *send.Senders, taxIDs []string) ([]time.Duration, []error) {
	t.Helper()
	took, errs := make([]time.Duration, len(taxIDs)), make([]error, len(taxIDs))
	start := time.Now()
	var wg sync.WaitGroup
	for i, id := range taxIDs {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Minute)
			defer cancel()
			c, err := senders.Client(ctx, id)
			if err == nil {
				n, files := notification(i + 1)
				n.SenderTaxID = "" // the client fills it in
				n.Recipients[0].Payments[0].PagoPA.CreditorTaxID = id
				var d send.Deposit
				if d, err = c.Submit(ctx, n, files); err == nil {
					_, err = c.Await(ctx, d)
				}
			}
			took[i], errs[i] = time.Since(start), err
		})
	}
	wg.Wait()
	return took, errs
}

func healthy(i int) bool { return i != revoked && i != throttled && i != wrongGroup }

// TestThreeHundredSenders compares, in the time of a bubble, a vendor all of
// whose Comuni are well with one three of whose are not: the others take
// exactly as long.
func TestThreeHundredSenders(t *testing.T) {
	var want []time.Duration
	synctest.Test(t, func(t *testing.T) {
		s, senders, taxIDs := vendor(t, false)
		took, errs := depositAll(t, senders, taxIDs)
		require.NoError(t, errors.Join(errs...))
		require.Len(t, s.Notifications(), comuni)
		want = took
	})
	synctest.Test(t, func(t *testing.T) {
		s, senders, taxIDs := vendor(t, true)
		took, errs := depositAll(t, senders, taxIDs)
		held := s.Notifications()
		for i := range taxIDs {
			if !healthy(i) {
				continue
			}
			require.NoError(t, errs[i])
			require.Equal(t, want[i], took[i], "sender %d is slowed", i)
			require.True(t, slices.ContainsFunc(held, func(n sendtest.Notification) bool { return n.SenderTaxID == taxIDs[i] }))
		}
		require.Len(t, held, comuni-3)
		require.ErrorIs(t, errs[revoked], pa.ErrUnauthorized)
		require.ErrorIs(t, errs[throttled], context.DeadlineExceeded, "it goes on trying, on its own")
		require.ErrorIs(t, errs[throttled], pa.ErrRateLimited)
		require.ErrorIs(t, errs[wrongGroup], pa.ErrInvalid)
		t.Logf("%d senders of %d: each in %v, as where all are well", comuni-3, comuni, took[0])
	})
}

// TestCheckNamesTheThree looks at the lines that an operator reads.
func TestCheckNamesTheThree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, senders, taxIDs := vendor(t, true)
		start := time.Now()
		bad := map[string]send.SenderCheck{}
		seen := map[string]bool{}
		for k := range senders.Check(t.Context(), taxIDs...) {
			require.False(t, seen[k.TaxID], "one line each")
			seen[k.TaxID] = true
			for _, lang := range []pa.Lang{pa.Italian, pa.English} {
				line := k.Line(lang)
				require.NotContains(t, line, "\n")
				require.NotContains(t, line, "canary")
				require.True(t, strings.HasPrefix(line, k.TaxID+": "))
				require.Equal(t, k.Err == nil, strings.HasSuffix(line, ": credenziali in ordine") || strings.HasSuffix(line, ": credentials in order"))
			}
			if k.Err != nil {
				bad[k.TaxID] = k
			}
		}
		require.Len(t, seen, comuni)
		require.Len(t, bad, 3)
		for i, want := range map[int]struct {
			is   error
			says []string
		}{
			revoked:    {pa.ErrUnauthorized, []string{"chiave API", "voucher", "ambiente", "gruppo"}},
			throttled:  {pa.ErrRateLimited, []string{"Troppe richieste", "Riprovare"}},
			wrongGroup: {send.ErrGroup, []string{"gruppo", "area riservata"}},
		} {
			k, ok := bad[taxIDs[i]]
			require.True(t, ok)
			require.ErrorIs(t, k.Err, want.is)
			for _, text := range want.says {
				require.Contains(t, k.Line(pa.Italian), text)
			}
			t.Log(k.Line(pa.Italian))
		}
		require.Less(t, time.Since(start), 20*time.Second)
		require.LessOrEqual(t, s.Count("*"), comuni+8, "one call each, and the repeats of the one that is throttled")
		for _, x := range s.Exchanges() {
			require.Equal(t, http.MethodGet, x.Method, "nothing is changed")
		}
	})
}

func TestCheckEndsWithItsReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, senders, taxIDs := vendor(t, true)
		n := 0
		for range senders.Check(t.Context(), taxIDs...) {
			if n++; n == 5 {
				break
			}
		}
		require.Equal(t, 5, n)
		synctest.Wait() // nothing is left behind: the bubble would not end
	})
}

// countingStore counts how often it is asked.
type countingStore struct {
	send.CredentialMap
	mu    sync.Mutex
	asked map[string]int
}

func (c *countingStore) Credentials(ctx context.Context, taxID string) (send.Credentials, error) {
	c.mu.Lock()
	c.asked[taxID]++
	c.mu.Unlock()
	return c.CredentialMap.Credentials(ctx, taxID)
}

func TestSendersAskTheStore(t *testing.T) {
	s := sendtest.New(t)
	store := &countingStore{asked: map[string]int{}, CredentialMap: send.CredentialMap{
		sendtest.SenderTaxID: {APIKey: pa.NewSecret(sendtest.APIKey)},
		bodyTaxID(1):         {APIKey: pa.NewSecret("k"), Sender: bodyTaxID(2)},
		bodyTaxID(3):         {},
	}}
	senders, err := send.NewSenders(s.Config(), store)
	require.NoError(t, err)
	first, err := senders.Client(t.Context(), sendtest.SenderTaxID)
	require.NoError(t, err)
	require.Equal(t, sendtest.SenderTaxID, first.Sender())
	require.NoError(t, first.Check(t.Context()))
	again, err := senders.Client(t.Context(), sendtest.SenderTaxID)
	require.NoError(t, err)
	require.Same(t, first, again)
	require.Equal(t, 1, store.asked[sendtest.SenderTaxID])
	senders.Forget(sendtest.SenderTaxID)
	again, err = senders.Client(t.Context(), sendtest.SenderTaxID)
	require.NoError(t, err)
	require.NotSame(t, first, again)

	for taxID, want := range map[string]error{bodyTaxID(1): nil, bodyTaxID(3): pa.ErrInvalid, bodyTaxID(4): send.ErrUnknownSender} {
		_, err := senders.Client(t.Context(), taxID)
		require.Error(t, err, taxID)
		require.True(t, want == nil || errors.Is(err, want), "%v", err)
		require.ErrorContains(t, err, taxID)
	}
	require.Contains(t, send.SenderCheck{TaxID: "x", Err: send.ErrUnknownSender}.Line(pa.Italian), "registrarne la chiave")

	// A notification of another sender is not sent.
	n, files := notification(1)
	n.SenderTaxID = bodyTaxID(1)
	_, err = again.Submit(t.Context(), n, files)
	var invalid *pa.ValidationError
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, "SEND_SENDER_MISMATCH", invalid.Findings[0].Rule)
	require.Zero(t, s.Count("Submit"))

	_, err = send.NewSenders(send.Config{}, store)
	require.ErrorIs(t, err, pa.ErrInvalid)
}
