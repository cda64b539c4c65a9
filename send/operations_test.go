package send_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/internal/rome"
	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/pa/patest"
	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

func TestPaymentsAreTakenAllOrNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlayer(t)
		n, files := p.request(owing(toStreet(1, ""), payable), owing(toPEC(2, "x@pec.example.it"), secondNotice))
		iun := p.accept(charged(n), files)
		paid := time.Now().Add(-time.Hour)
		event := func(notice string) send.PaymentEvent {
			return send.PaymentEvent{NoticeCode: notice, CreditorTaxID: creditor, PaymentDate: paid, Amount: 12_345}
		}
		require.ErrorIs(t, p.c.ReportPayments(t.Context(), event(payable), event("302000000000000009")), pa.ErrNotFound)
		require.False(t, p.s.Notifications()[0].Recipients[0].Paid, "all or none")
		require.NoError(t, p.c.ReportPayments(t.Context(), event(payable), event(secondNotice)))
		payments := p.chronicle(iun).of(send.CategoryPayment)
		require.Len(t, payments, 2)
		require.EqualValues(t, 12_345, *payments[0].d.Amount)
		require.Equal(t, payable, payments[0].d.NoticeCode)
		require.True(t, payments[0].Time().Equal(paid))
		time.Sleep(30 * day)
		require.Empty(t, p.chronicle(iun).of(send.CategorySendAnalogDomicile), "no paper to who has paid")
	})
}

func TestGroupsOfAKey(t *testing.T) {
	s := sendtest.New(t,
		sendtest.WithSender(sendtest.Sender{APIKey: sendtest.APIKey, TaxID: sendtest.SenderTaxID, ActiveGroups: []string{"tributi"}, SuspendedGroups: []string{"sospeso"}}),
		sendtest.WithSender(sendtest.Sender{APIKey: "grouped", TaxID: sendtest.SenderTaxID, Groups: []string{"multe"}}))
	c := clientOf(t, s)
	ids := func(c *send.Client, status send.GroupStatus) []string {
		list, err := c.Groups(t.Context(), status)
		require.NoError(t, err)
		out := make([]string, len(list))
		for i, g := range list {
			require.True(t, g.Status.Known())
			require.NotEmpty(t, g.Name)
			out[i] = g.ID
		}
		slices.Sort(out)
		return out
	}
	require.Equal(t, []string{"multe", "sospeso", "tributi"}, ids(c, ""))
	require.Equal(t, []string{"multe", "tributi"}, ids(c, send.GroupActive))
	require.Equal(t, []string{"sospeso"}, ids(c, send.GroupSuspended))
	require.Empty(t, ids(c, send.GroupDeleted))
	grouped, err := c.With(send.Credentials{APIKey: secret("grouped")})
	require.NoError(t, err)
	require.Equal(t, []string{"multe"}, ids(grouped, ""), "a key sees its own")
}

// TestPlatformInTrouble tells open incidents from a server that fails.
func TestPlatformInTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t, sendtest.WithIncident(sendtest.Incident{Functionality: sendtest.NotificationCreate}))
		c := clientOf(t, s)
		time.Sleep(time.Minute)
		started := time.Now()
		status, err := c.PlatformStatus(t.Context())
		require.NoError(t, err)
		require.Zero(t, time.Since(started), "an answer, and not asked again")
		require.Equal(t, http.StatusInternalServerError, statusOf(s, "PlatformStatus"))
		require.Equal(t, "KO", status.OpenIncidents[0].Status)
		require.True(t, status.OpenIncidents[0].EndDate.IsZero())
		require.Contains(t, status.OpenIncidents[0].Functionality.Message(pa.Italian), "depositare")
		for name, f := range map[string]patest.Fault{
			"problem":       problem(500, `{"status":500,"title":"Internal Server Error","errors":[{"code":"PN_GENERIC_ERROR"}]}`),
			"a page":        {Status: 500, Body: "<html>", Header: http.Header{"Content-Type": {"text/html"}}},
			"the gateway's": {Status: 502, Body: `{"message":"Bad Gateway"}`, Header: http.Header{"Content-Type": {"application/json"}}, Times: -1},
		} {
			require.NoError(t, s.Inject("PlatformStatus", f))
			_, err := c.PlatformStatus(t.Context())
			require.Error(t, err, name)
			s.ClearFaults()
		}
	})
}

// TestDowntimes runs in real time: the list begins with 2023 and a bubble with
// 2000.
func TestDowntimes(t *testing.T) {
	s := sendtest.New(t,
		sendtest.WithIncident(sendtest.Incident{Functionality: sendtest.NotificationCreate, After: time.Minute, Lasts: time.Minute}),
		sendtest.WithIncident(sendtest.Incident{Functionality: sendtest.NotificationWorkflow, After: time.Minute}))
	c := clientOf(t, s)
	s.Clock().Advance(time.Hour)
	now := s.Clock().Now().In(rome.Location())
	list, err := c.Downtimes(t.Context(), now.Year(), now.Month())
	require.NoError(t, err)
	require.Len(t, list, 1, "the other has not ended")
	d := list[0]
	require.Equal(t, time.Minute, d.EndDate.Sub(d.StartDate).Round(time.Second))
	require.False(t, d.FileAvailable)
	_, err = c.DowntimeLegalFact(t.Context(), d.LegalFactID, send.DownloadOptions{})
	require.ErrorIs(t, err, send.ErrNotReady)
	var wait *send.NotReadyError
	require.ErrorAs(t, err, &wait)
	require.Positive(t, wait.RetryAfter)
	require.Equal(t, http.StatusNoContent, statusOf(s, "DowntimeLegalFact"))

	s.Clock().Advance(48 * time.Hour)
	list, err = c.Downtimes(t.Context(), now.Year(), now.Month())
	require.NoError(t, err)
	require.True(t, list[0].FileAvailable)
	require.False(t, list[0].FileAvailableTimestamp.IsZero())
	for _, key := range []string{d.LegalFactID, "safestorage://" + d.LegalFactID} {
		fact, err := c.DowntimeLegalFact(t.Context(), key, send.DownloadOptions{})
		require.NoError(t, err)
		content, err := io.ReadAll(fact.Body)
		require.NoError(t, errors.Join(err, fact.Close()))
		require.True(t, strings.HasPrefix(string(content), "%PDF-"))
	}

	_, err = c.DowntimeLegalFact(t.Context(), "PN_DOWNTIME_LEGAL_FACTS-none.pdf", send.DownloadOptions{})
	require.ErrorIs(t, err, pa.ErrNotFound)
	_, err = c.Downtimes(t.Context(), 1999, time.January)
	require.ErrorIs(t, err, pa.ErrInvalid)
	none, err := c.Downtimes(t.Context(), 2023, time.January)
	require.NoError(t, err)
	require.Empty(t, none)
}

// TestDowntimesOfSeveralPages follows the pages that the contract describes.
func TestDowntimesOfSeveralPages(t *testing.T) {
	s := sendtest.New(t)
	c := clientOf(t, s)
	reply := func(next string) patest.Fault {
		return patest.Fault{Status: 200, Header: http.Header{"Content-Type": {"application/json"}},
			Body: `{"result":[{"functionality":"NOTIFICATION_CREATE","status":"OK","startDate":"2026-01-01T00:00:00Z"}]` + next + `}`}
	}
	require.NoError(t, s.Inject("Downtimes", reply(`,"nextPage":"1"`)))
	require.NoError(t, s.Inject("Downtimes", reply(`,"nextPage":"2"`)))
	require.NoError(t, s.Inject("Downtimes", reply("")))
	list, err := c.Downtimes(t.Context(), 2026, time.January)
	require.NoError(t, err)
	require.Len(t, list, 3)
	var asked []string
	for _, x := range s.Exchanges() {
		require.Equal(t, "2026", x.Query.Get("year"))
		asked = append(asked, x.Query.Get("page"))
	}
	require.Equal(t, []string{"", "1", "2"}, asked)

	f := reply(`,"nextPage":"1"`)
	f.Times = -1
	require.NoError(t, s.Inject("Downtimes", f))
	_, err = c.Downtimes(t.Context(), 2026, time.January)
	require.ErrorIs(t, err, pa.ErrUnexpectedReply, "the same page for ever")
}

// TestReplaceStreamWithoutAGap moves a consumer to a newer version while
// notifications go on: what the old stream still holds, then the new one, both
// with events out of order and twice. The effects, by the key of their event,
// are those of a stream that was never replaced.
func TestReplaceStreamWithoutAGap(t *testing.T) {
	synctest.Test(t, replaceWithoutAGap)
}

func replaceWithoutAGap(t *testing.T) {
	p := newPlayer(t, sendtest.WithStreamDisorder(0.2, 0.2), kept())
	old := p.at(send.Versions{Streams: "v2.8"})
	witness := p.stream(send.StreamRequest{Title: "testimone"})
	first, err := old.CreateStream(t.Context(), send.StreamRequest{Title: "esiti"})
	require.NoError(t, err)
	deposit := func() {
		n, files := p.request(toPEC(p.n+1, "x@pec.example.it"))
		p.accept(n, files)
		time.Sleep(time.Hour)
	}
	checkpoints, effects := new(send.MemoryCheckpoints), map[string]int{}
	opt := send.ConsumeOptions{Checkpoints: checkpoints, Handle: func(_ context.Context, b send.Batch) error {
		for _, e := range b.Events {
			effects[e.Key()]++
		}
		return nil
	}}
	consume := func(c *send.Client, id string) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		require.NoError(t, c.Consume(ctx, id, opt))
	}
	for range 3 {
		deposit()
	}
	consume(old, first.StreamID)
	deposit() // not read before the replacement
	second, err := p.c.ReplaceStream(t.Context(), old, first.StreamID)
	require.NoError(t, err)
	require.Equal(t, "v29", second.Version)
	require.Equal(t, "esiti", second.Title)
	before, err := old.Stream(t.Context(), first.StreamID)
	require.NoError(t, err)
	require.False(t, before.DisabledDate.IsZero())
	list, err := p.c.ListStreams(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 3, "made once: with the witness and the one that was replaced")
	deposit()
	require.NoError(t, old.Drain(t.Context(), first.StreamID, opt))
	consume(p.c, second.StreamID)
	time.Sleep(10 * day)
	consume(p.c, second.StreamID)

	want := map[string]int{}
	for _, e := range p.drain(p.c, witness) {
		want[e.Key()]++
	}
	require.NotEmpty(t, want)
	require.ElementsMatch(t, slices.Collect(maps.Keys(want)), slices.Collect(maps.Keys(effects)), "nothing is lost, and nothing is told that did not happen")
	require.Less(t, len(effects), total(effects), "the simulator was told to repeat itself")
}

func total(counts map[string]int) int {
	sum := 0
	for _, n := range counts {
		sum += n
	}
	return sum
}

func TestWithVersions(t *testing.T) {
	s := sendtest.New(t)
	c := clientOf(t, s, func(cfg *send.Config) { cfg.Versions.Streams = "v2.5" })
	made, err := c.CreateStream(t.Context(), send.StreamRequest{Title: "esiti"})
	require.NoError(t, err)
	require.Equal(t, "v25", made.Version)
	newest, err := c.WithVersions(send.Versions{})
	require.NoError(t, err)
	made, err = newest.CreateStream(t.Context(), send.StreamRequest{Title: "esiti"})
	require.NoError(t, err)
	require.Equal(t, "v29", made.Version, "what is not said is production's")
	_, err = c.WithVersions(send.Versions{Sent: "v2.3"})
	require.ErrorIs(t, err, pa.ErrInvalid)
}
