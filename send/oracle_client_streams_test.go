package send_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/pa/patest"
	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

// Keys of the sender of the streams: without groups, with one, with both; and
// one of another sender.
const (
	keyA      = "key-a"
	keyB      = "key-b"
	keyAB     = "key-ab"
	groupA    = "group-a"
	groupB    = "group-b"
	groupElse = "group-else"
	noStream  = "00000000-0000-4000-a000-000000000000"
)

// streaming returns a player whose sender has several keys.
func streaming(t *testing.T, opts ...sendtest.Option) *player {
	t.Helper()
	of := func(key string, groups ...string) sendtest.Option {
		return sendtest.WithSender(sendtest.Sender{APIKey: key, TaxID: sendtest.SenderTaxID, Groups: groups, Over20Grams: true})
	}
	return newPlayer(t, append([]sendtest.Option{
		of(sendtest.APIKey), of(keyA, groupA), of(keyB, groupB), of(keyAB, groupA, groupB),
		sendtest.WithSender(sendtest.Sender{APIKey: "key-else", TaxID: creditor, Groups: []string{groupElse}, Over20Grams: true}),
	}, opts...)...)
}

func groups(list ...string) send.StreamRequest {
	return send.StreamRequest{Title: "esiti", Groups: list}
}

func (p *player) create(r send.StreamRequest) error {
	_, err := p.c.CreateStream(p.t.Context(), r)
	return err
}

// stream makes a stream and returns its id.
func (p *player) stream(r send.StreamRequest) string {
	p.t.Helper()
	if r.Title == "" {
		r.Title = "esiti"
	}
	s, err := p.c.CreateStream(p.t.Context(), r)
	require.NoError(p.t, err)
	return s.StreamID
}

func (p *player) disabled() string {
	p.t.Helper()
	id := p.stream(groups())
	s, err := p.c.DisableStream(p.t.Context(), id)
	require.NoError(p.t, err)
	require.False(p.t, s.DisabledDate.IsZero())
	return id
}

func (p *player) read(id string) error {
	_, err := p.c.EventPage(p.t.Context(), id, "")
	return err
}

func (p *player) update(id string, r send.StreamRequest) error {
	if r.EventType == "" {
		r.EventType = send.EventTimeline
	}
	_, err := p.c.UpdateStream(p.t.Context(), id, r)
	return err
}

func (p *player) disable(id string) error {
	_, err := p.c.DisableStream(p.t.Context(), id)
	return err
}

func (p *player) get(id string) error {
	_, err := p.c.Stream(p.t.Context(), id)
	return err
}

func (p *player) remove(id string) error { return p.c.DeleteStream(p.t.Context(), id) }

// drain reads a stream to its end, acknowledging as it goes.
func (p *player) drain(c *send.Client, id string) []send.Event {
	p.t.Helper()
	var all []send.Event
	for last := ""; ; {
		page, err := c.EventPage(p.t.Context(), id, last)
		require.NoError(p.t, err)
		if len(page.Events) == 0 {
			return all
		}
		all, last = append(all, page.Events...), page.Last
	}
}

func told(events []send.Event) []string {
	out := make([]string, len(events))
	for i, e := range events {
		out[i] = string(e.Element.Category)
	}
	return out
}

func newStatuses(events []send.Event) []string {
	out := make([]string, len(events))
	for i, e := range events {
		out[i] = string(e.NewStatus)
	}
	return out
}

// many makes n streams and returns the outcome of the last; the others succeed.
func many(n int, r send.StreamRequest) func(*player) error {
	return func(p *player) error {
		for range n - 1 {
			p.stream(r)
		}
		return p.create(r)
	}
}

// replace makes a stream and has it replaced by another.
func replace(old, by send.StreamRequest, key string) func(*player) error {
	return func(p *player) error {
		by.ReplacedStreamID = p.stream(old)
		return p.as(key).create(by)
	}
}

// answers are the rows that expect a status and no more.
var answers = map[string]func(p *player) error{
	"stream-10-ok":              many(10, groups()),
	"stream-11-409-timeline":    many(11, groups()),
	"stream-11-409-group":       many(11, groups(groupA)),
	"stream-10-ok-status":       many(10, send.StreamRequest{Title: "stati", EventType: send.EventStatus}),
	"stream-group-other-pa":     func(p *player) error { return p.create(groups(groupElse)) },
	"stream-group-other":        func(p *player) error { return p.as(keyA).create(groups(groupB)) },
	"stream-group-key-no-group": func(p *player) error { return p.as(keyA).create(groups()) },
	"stream-group-subset":       func(p *player) error { return p.as(keyAB).create(groups(groupA)) },
	"stream-group-master":       func(p *player) error { return p.create(groups(groupA)) },

	"stream-replace-same":            replace(groups(groupA), groups(groupA), sendtest.APIKey),
	"stream-replace-other-pa-group":  replace(groups(), groups(groupElse), sendtest.APIKey),
	"stream-replace-master-by-group": replace(groups(), groups(groupA), keyA),
	"stream-replace-disabled": func(p *player) error {
		r := groups()
		r.ReplacedStreamID = p.disabled()
		return p.create(r)
	},

	"stream-update-other-group":    func(p *player) error { return p.as(keyB).update(p.stream(groups(groupA)), groups(groupA)) },
	"stream-update-same-group":     func(p *player) error { return p.as(keyA).update(p.stream(groups(groupA)), groups(groupA)) },
	"stream-update-add-group":      func(p *player) error { return p.update(p.stream(groups(groupA)), groups(groupA, groupB)) },
	"stream-update-master":         func(p *player) error { return p.update(p.stream(groups(groupA)), groups(groupA)) },
	"stream-update-other-pa-group": func(p *player) error { return p.update(p.stream(groups(groupA)), groups(groupA, groupElse)) },
	"stream-update-unknown":        func(p *player) error { return p.update(noStream, groups()) },

	"stream-delete-other-group":          func(p *player) error { return p.as(keyB).remove(p.stream(groups(groupA))) },
	"stream-delete-same-group":           func(p *player) error { return p.as(keyA).remove(p.stream(groups(groupA))) },
	"stream-delete-group-key-on-master":  func(p *player) error { return p.as(keyA).remove(p.stream(groups())) },
	"stream-delete-unknown":              func(p *player) error { return p.remove(noStream) },
	"stream-disable-same-group":          func(p *player) error { return p.as(keyA).disable(p.stream(groups(groupA))) },
	"stream-disable-group-key-on-master": func(p *player) error { return p.as(keyA).disable(p.stream(groups())) },
	"stream-disable-unknown":             func(p *player) error { return p.disable(noStream) },
	"stream-delete-disabled":             func(p *player) error { return p.remove(p.disabled()) },

	"stream-get-disabled":    func(p *player) error { return p.get(p.disabled()) },
	"stream-get-other-group": func(p *player) error { return p.as(keyB).get(p.stream(groups(groupA))) },
	"stream-get-unknown":     func(p *player) error { return p.get(noStream) },

	"stream-consume-other-group":         func(p *player) error { return p.as(keyB).read(p.stream(groups(groupA))) },
	"stream-consume-group-key-on-master": func(p *player) error { return p.as(keyA).read(p.stream(groups())) },
	"stream-consume-unknown":             func(p *player) error { return p.read(noStream) },
	"stream-consume-disabled":            func(p *player) error { return p.read(p.disabled()) },

	"stream-mismatch-v25-v26": func(p *player) error {
		s, err := p.at(send.Versions{Streams: "v2.5"}).CreateStream(p.t.Context(), groups())
		require.NoError(p.t, err)
		_, err = p.at(send.Versions{Streams: "v2.6"}).EventPage(p.t.Context(), s.StreamID, "")
		return err
	},
}

// sentinels are what the refusals of streams are to errors.Is.
var sentinels = map[int]error{
	http.StatusBadRequest: pa.ErrInvalid, http.StatusForbidden: send.ErrStreamVersion,
	http.StatusNotFound: pa.ErrNotFound, http.StatusConflict: send.ErrTooManyStreams,
}

func TestOfficialStreamsThroughTheClient(t *testing.T) {
	eachOfficial(t, "streams", func(t *testing.T, r *officialRow) {
		answer, ok := answers[r.ID]
		if !ok {
			run, ok := streamRows[r.ID]
			require.True(t, ok, "a row without a test")
			run(t, r)
			return
		}
		err := answer(streaming(t))
		status := r.status("http_status")
		if status < 300 {
			require.NoError(t, err)
			return
		}
		e, ok := errors.AsType[*pa.Error](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, status, e.StatusCode)
		require.ErrorIs(t, err, sentinels[status])
	})
}

// streamRows are the rows that look at what comes.
var streamRows = map[string]func(t *testing.T, r *officialRow){
	"stream-per-sender-limit-9":  limitOfSender(9),
	"stream-per-sender-limit-11": limitOfSender(11),

	"stream-timeline-digital": func(t *testing.T, r *officialRow) {
		p := streaming(t, kept())
		id := p.stream(groups())
		n, files := p.request(toPEC(1, "x@pec.example.it"))
		iun := p.accept(n, files)
		time.Sleep(10 * day)
		events := p.drain(p.c, id)
		inOrder(t, r.texts("events_in_order"), told(events))
		require.Equal(t, "increasing, no duplicates", r.text("event_id"))
		require.True(t, slices.IsSortedFunc(events, func(a, b send.Event) int { return strings.Compare(a.EventID, b.EventID) }))
		last := events[slices.Index(told(events), string(send.CategoryRefinement))]
		require.Equal(t, "equals the REFINEMENT timestamp of the detail", r.text("refinement_event_timestamp"))
		require.Equal(t, p.chronicle(iun).of(send.CategoryRefinement)[0].Time(), last.Element.Time())
	},
	"stream-timeline-analog": func(t *testing.T, r *officialRow) {
		p := streaming(t, kept())
		id := p.stream(groups())
		n, files := p.request(toStreet(1, "Via @ok_AR"))
		iun := p.accept(n, files)
		time.Sleep(6 * day)
		events := p.drain(p.c, id)
		inOrder(t, r.texts("events_in_order"), told(events))
		s := p.chronicle(iun)
		for _, e := range events {
			i := slices.IndexFunc(s.Timeline, func(o send.TimelineElement) bool { return o.ElementID == e.Element.ElementID })
			require.GreaterOrEqual(t, i, 0)
			require.JSONEq(t, orNull(s.Timeline[i].Details), orNull(e.Element.Details))
		}
	},
	"stream-disabled-no-events": func(t *testing.T, r *officialRow) {
		p := streaming(t)
		id := p.disabled()
		n, files := p.request(toPEC(1, "x@pec.example.it"))
		p.accept(n, files)
		require.Equal(t, r.texts("events_in_order"), told(p.drain(p.c, id)))
	},
	"stream-group-routing-master-notification": func(t *testing.T, r *officialRow) {
		p := streaming(t)
		with, without := p.stream(groups(groupA)), p.stream(groups())
		n, files := p.request(toPEC(1, "x@pec.example.it"))
		p.accept(n, files)
		require.Equal(t, "stream without group", r.text("events_only_in"))
		require.Empty(t, p.drain(p.c, with))
		require.NotEmpty(t, p.drain(p.c, without))
	},
	"stream-subset-key": func(t *testing.T, r *officialRow) {
		p := streaming(t)
		id := p.stream(groups(groupA))
		n, files := p.request(toPEC(1, "x@pec.example.it"))
		n.Group = groupA
		p.accept(n, files)
		require.Equal(t, http.StatusOK, r.status("http_status"))
		inOrder(t, r.texts("events_in_order"), told(p.drain(p.as(keyAB).c, id)))
	},
	"stream-cancel-request": cancelFilter,
	"stream-cancelled":      cancelFilter,
	"stream-default-list": func(t *testing.T, r *officialRow) {
		p := streaming(t, kept())
		byDefault, all := groups(), p.stream(groups())
		byDefault.FilterValues = []string{send.FilterDefault}
		id := p.stream(byDefault)
		p.everything(30 * day)
		got, want := told(p.drain(p.c, id)), r.texts("categories")
		require.Subset(t, want, got)
		require.Subset(t, got, want, "every category of the list has come")
		for _, category := range told(p.drain(p.c, all)) {
			require.Equal(t, slices.Contains(want, category), slices.Contains(got, category), category)
		}
	},
	"stream-default-plus": func(t *testing.T, r *officialRow) {
		require.Equal(t, "union, then intersection with the version", r.text("rule"))
		p := streaming(t, kept())
		older := p.at(send.Versions{Streams: "v2.6"})
		request := groups()
		request.FilterValues = []string{send.FilterDefault, string(send.CategoryAARGeneration),
			string(send.CategoryNotificationTimelineReworked), string(send.CategoryPublicRegistryValidationCall)}
		s, err := older.CreateStream(t.Context(), request)
		require.NoError(t, err)
		p.everything(6 * day)
		got := told(p.drain(older, s.StreamID))
		require.Contains(t, got, "AAR_GENERATION", "the union")
		require.Contains(t, got, "REQUEST_ACCEPTED")
		require.NotContains(t, got, "NOTIFICATION_TIMELINE_REWORKED", "less what the version does not know")
		require.NotContains(t, got, "GET_ADDRESS")
	},
	"stream-visible-v26": visible("v2.6"),
	"stream-visible-v27": visible("v2.7"),
	"stream-status-rts-v26": func(t *testing.T, r *officialRow) {
		p := streaming(t, kept())
		older := p.at(send.Versions{Streams: "v2.6"})
		s, err := older.CreateStream(t.Context(), send.StreamRequest{Title: "stati", EventType: send.EventStatus})
		require.NoError(t, err)
		n, files := p.request(toStreet(1, "Via @FAIL_DECEDUTO_AR"), toStreet(2, "Via @FAIL_DECEDUTO_AR"))
		p.accept(n, files)
		time.Sleep(6 * day)
		inOrder(t, r.texts("events_in_order"), newStatuses(p.drain(older, s.StreamID)))
	},
	"stream-empty-page": emptyPage(sendtest.Sender{}),
	"stream-empty-page-own-config": emptyPage(sendtest.Sender{
		APIKey: sendtest.APIKey, TaxID: sendtest.SenderTaxID, StreamRetry: 70 * time.Second,
	}),
	"stream-early-call": func(t *testing.T, r *officialRow) {
		for enforced, want := range map[bool]int{false: r.status("http_status"), true: r.status("http_status_if_enforced")} {
			p := streaming(t, sendtest.WithRetryAfter(time.Minute, enforced))
			id := p.stream(groups())
			require.NoError(t, p.read(id))
			start := time.Now()
			require.NoError(t, p.read(id), "the client waits where it is refused")
			require.Equal(t, enforced, time.Since(start) >= 59*time.Second)
			refused := slices.ContainsFunc(p.s.Exchanges(), func(x patest.Exchange) bool { return x.Status == http.StatusTooManyRequests })
			require.Equal(t, want == http.StatusTooManyRequests, refused)
		}
	},
	"stream-purge-on-ack": func(t *testing.T, r *officialRow) {
		require.Contains(t, r.text("rule"), "without lastEventId nothing is purged")
		p := streaming(t)
		id := p.stream(groups())
		n, files := p.request(toPEC(1, "x@pec.example.it"))
		p.accept(n, files)
		page := func(last string) []string {
			got, err := p.c.EventPage(t.Context(), id, last)
			require.NoError(t, err)
			ids := make([]string, len(got.Events))
			for i, e := range got.Events {
				ids[i] = e.EventID
			}
			return ids
		}
		all := page("")
		require.Equal(t, all, page(""), "nothing is purged without a cursor")
		require.Equal(t, all[2:], page(all[1]))
		require.Equal(t, all[2:], page(""), "what was acknowledged is gone")
	},
	"stream-event-ttl": func(t *testing.T, r *officialRow) {
		p := streaming(t)
		id := p.stream(groups())
		n, files := p.request(toStreet(1, ""))
		require.NoError(t, p.submit(n, files))
		const first = "VALIDATE_NORMALIZE_ADDRESSES_REQUEST"
		has := func() bool {
			page, err := p.c.EventPage(t.Context(), id, "")
			require.NoError(t, err)
			return slices.Contains(told(page.Events), first)
		}
		time.Sleep(time.Duration(r.status("ttl_days"))*day - time.Minute)
		require.True(t, has())
		time.Sleep(2 * time.Minute)
		require.False(t, has())
	},
	"stream-disabled-ttl": func(t *testing.T, r *officialRow) {
		p := streaming(t)
		id := p.disabled()
		time.Sleep(time.Duration(r.status("ttl_days"))*day - time.Minute)
		require.NoError(t, p.get(id))
		require.NoError(t, p.read(id))
		time.Sleep(2 * time.Minute)
		require.ErrorIs(t, p.get(id), pa.ErrInvalid)
		require.ErrorIs(t, p.read(id), pa.ErrNotFound)
	},
	"stream-v27": func(t *testing.T, r *officialRow) {
		require.Contains(t, r.text("rule"), "held until REQUEST_ACCEPTED or REQUEST_REFUSED")
		for _, version := range []send.Version{"v2.7", "v2.8", "v2.9"} {
			for seed := range uint64(20) {
				p := streaming(t, sendtest.WithSeed(seed), sendtest.WithStreamDisorder(0, 0.5))
				c := p.at(send.Versions{Streams: version})
				request := groups()
				request.WaitForAccepted = true
				s, err := c.CreateStream(t.Context(), request)
				require.NoError(t, err)
				n, files := p.request(toPEC(1, "x@pec.example.it"))
				p.accept(n, files)
				time.Sleep(time.Hour)
				got := told(p.drain(c, s.StreamID))
				accepted := slices.Index(got, "REQUEST_ACCEPTED")
				require.GreaterOrEqual(t, accepted, 1, "categories before the acceptance are not held")
				require.Subset(t, []string{"VALIDATE_NORMALIZE_ADDRESSES_REQUEST", "NORMALIZED_ADDRESS", "SENDER_ACK_CREATION_REQUEST"}, got[:accepted])
			}
		}
	},
}

func orNull(details []byte) string {
	if len(details) == 0 {
		return "null"
	}
	return string(details)
}

func limitOfSender(limit int) func(t *testing.T, r *officialRow) {
	return func(t *testing.T, r *officialRow) {
		p := newPlayer(t, sendtest.WithSender(sendtest.Sender{APIKey: sendtest.APIKey, TaxID: sendtest.SenderTaxID, StreamLimit: limit}))
		require.Equal(t, http.StatusConflict, r.status("http_status"))
		require.ErrorIs(t, many(limit+1, groups())(p), send.ErrTooManyStreams)
	}
}

func emptyPage(sender sendtest.Sender) func(t *testing.T, r *officialRow) {
	return func(t *testing.T, r *officialRow) {
		var opts []sendtest.Option
		if sender.APIKey != "" {
			opts = append(opts, sendtest.WithSender(sender))
		}
		p := newPlayer(t, opts...)
		page, err := p.c.EventPage(t.Context(), p.stream(groups()), "")
		require.NoError(t, err)
		require.Empty(t, page.Events)
		require.Equal(t, time.Duration(r.status("retry_after_ms"))*time.Millisecond, page.RetryAfter)
	}
}

func cancelFilter(t *testing.T, r *officialRow) {
	p := streaming(t)
	request := groups()
	request.FilterValues = r.texts("events_in_order")
	id := p.stream(request)
	n, files := p.request(toPEC(1, "x@pec.example.it"))
	reply, err := p.c.Cancel(t.Context(), p.accept(n, files))
	require.NoError(t, err)
	require.True(t, reply.Has(send.CancellationAccepted))
	time.Sleep(time.Minute)
	require.Equal(t, request.FilterValues, told(p.drain(p.c, id)))
}

// everything makes notifications that among them have every category that a
// sender is told by default, and a correction.
func (p *player) everything(span time.Duration) {
	p.t.Helper()
	var iuns []string
	for _, recipient := range []send.Recipient{
		toPEC(1, "x@pec.example.it"), toPEC(2, "x@fail.it"), toStreet(3, "Via @OK_AR"),
		toStreet(4, "Via @FAIL-Irreperibile_AR"), toStreet(5, "Via @FAIL_DECEDUTO_AR"), toPEC(6, "x@pec.example.it"),
	} {
		n, files := p.request(recipient)
		iuns = append(iuns, p.accept(n, files))
	}
	n, files := p.request(toStreet(7, ""))
	n.Recipients[0].PhysicalAddress.Zip = "00000"
	d, err := p.c.Submit(p.t.Context(), n, files)
	require.NoError(p.t, err)
	_, err = p.c.Await(p.t.Context(), d)
	require.ErrorIs(p.t, err, send.ErrRefused)
	time.Sleep(span)
	require.NoError(p.t, p.s.RetrieveAtRADD(iuns[0], 0))
	require.NoError(p.t, p.s.Rework(iuns[2], 0, "@OK_AR"))
	_, err = p.c.Cancel(p.t.Context(), iuns[5])
	require.NoError(p.t, err)
	time.Sleep(time.Minute)
}

// visible reads streams of a version after all that everything makes.
func visible(version send.Version) func(t *testing.T, r *officialRow) {
	return func(t *testing.T, r *officialRow) {
		shown, hidden := r.texts("visible_categories"), r.texts("not_visible_categories")
		p := streaming(t, kept())
		c := p.at(send.Versions{Streams: version})
		var ids []string
		for _, filter := range [][]string{nil, slices.Concat(shown, hidden)} {
			request := groups()
			request.FilterValues = filter
			s, err := c.CreateStream(t.Context(), request)
			require.NoError(t, err)
			ids = append(ids, s.StreamID)
		}
		p.everything(6 * day)
		for _, id := range ids {
			got := told(p.drain(c, id))
			require.Subset(t, got, shown)
			for _, category := range hidden {
				require.NotContains(t, got, category)
			}
		}
	}
}
