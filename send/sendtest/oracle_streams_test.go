package sendtest_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/send/sendtest"
)

// Keys of the sender of the streams: without groups, with one, with both; and
// one of another sender.
const (
	masterKey = sendtest.APIKey
	keyA      = "key-a"
	keyB      = "key-b"
	keyAB     = "key-ab"
	keyElse   = "key-else"
	groupA    = "group-a"
	groupB    = "group-b"
	groupElse = "group-else"
	noStream  = "00000000-0000-4000-a000-000000000000"
)

// streamKeys returns clients that share a simulator.
func streamKeys(t *testing.T, opts ...sendtest.Option) *client {
	t.Helper()
	of := func(key string, groups ...string) sendtest.Option {
		return sendtest.WithSender(sendtest.Sender{APIKey: key, TaxID: sendtest.SenderTaxID, Groups: groups, Over20Grams: true})
	}
	return newClient(t, append([]sendtest.Option{
		of(masterKey), of(keyA, groupA), of(keyB, groupB), of(keyAB, groupA, groupB),
		sendtest.WithSender(sendtest.Sender{APIKey: keyElse, TaxID: "77777777777", Groups: []string{groupElse}, Over20Grams: true}),
	}, opts...)...)
}

func streamsAt(version string) string {
	return "/delivery-progresses/" + strings.TrimPrefix(version+"/", "v1.0/") + "streams"
}

// newStream makes a stream with a version, a body and a key.
func (c *client) newStream(version string, body obj) reply {
	if version == "v1.0" {
		delete(body, "groups")
	}
	return c.do("POST", streamsAt(version), body)
}

func (c *client) madeStream(version string, body obj) string {
	c.t.Helper()
	return c.object(200, c.newStream(version, body))["streamId"].(string)
}

func withGroups(groups ...string) obj {
	return streamOf("TIMELINE", obj{"groups": append([]string{}, groups...)})
}

func (c *client) read(version, id string) reply {
	return c.do("GET", streamsAt(version)+"/"+id+"/events", nil)
}

func (c *client) putStream(version, id string, body obj) reply {
	if version == "v1.0" {
		delete(body, "groups")
	}
	return c.do("PUT", streamsAt(version)+"/"+id, body)
}

func (c *client) disable(id string) reply {
	return c.do("POST", streamsPath+"/"+id+"/action/disable", nil)
}

// events reads a stream that has one page.
func (c *client) events(version, id string) []obj {
	c.t.Helper()
	return c.list(200, c.read(version, id))
}

// told returns what the events of a stream tell: the category in a stream of
// elements, the new status in one of statuses.
func told(events []obj, status bool) []string {
	var out []string
	for _, e := range events {
		element, ok := e["element"].(obj)
		switch {
		case status:
			s, _ := e["newStatus"].(string)
			out = append(out, s)
		case ok:
			out = append(out, element["category"].(string))
		default:
			out = append(out, e["timelineEventCategory"].(string))
		}
	}
	return out
}

// answers are the rows of streams that expect a status, and no more.
var answers = map[string]func(c *client) reply{
	"stream-10-ok":              func(c *client) reply { return c.many(10, withGroups()) },
	"stream-11-409-timeline":    func(c *client) reply { return c.many(11, withGroups()) },
	"stream-11-409-group":       func(c *client) reply { return c.many(11, withGroups(groupA)) },
	"stream-10-ok-status":       func(c *client) reply { return c.many(10, streamOf("STATUS")) },
	"stream-group-other-pa":     func(c *client) reply { return c.newStream("v2.9", withGroups(groupElse)) },
	"stream-group-other":        func(c *client) reply { return c.as(keyA).newStream("v2.9", withGroups(groupB)) },
	"stream-group-key-no-group": func(c *client) reply { return c.as(keyA).newStream("v2.9", withGroups()) },
	"stream-group-subset":       func(c *client) reply { return c.as(keyAB).newStream("v2.9", withGroups(groupA)) },
	"stream-group-master":       func(c *client) reply { return c.newStream("v2.9", withGroups(groupA)) },

	"stream-replace-same":            func(c *client) reply { return c.replace(withGroups(groupA), withGroups(groupA), masterKey) },
	"stream-replace-other-pa-group":  func(c *client) reply { return c.replace(withGroups(), withGroups(groupElse), masterKey) },
	"stream-replace-master-by-group": func(c *client) reply { return c.replace(withGroups(), withGroups(groupA), keyA) },
	"stream-replace-disabled": func(c *client) reply {
		id := c.madeStream("v2.9", withGroups())
		c.object(200, c.disable(id))
		body := withGroups()
		body["replacedStreamId"] = id
		return c.newStream("v2.9", body)
	},

	"stream-update-other-group": func(c *client) reply {
		return c.as(keyB).putStream("v2.9", c.madeStream("v2.9", withGroups(groupA)), withGroups(groupA))
	},
	"stream-update-same-group": func(c *client) reply {
		return c.as(keyA).putStream("v2.9", c.madeStream("v2.9", withGroups(groupA)), withGroups(groupA))
	},
	"stream-update-add-group": func(c *client) reply {
		return c.putStream("v2.9", c.madeStream("v2.9", withGroups(groupA)), withGroups(groupA, groupB))
	},
	"stream-update-master": func(c *client) reply {
		return c.putStream("v2.9", c.madeStream("v2.9", withGroups(groupA)), withGroups(groupA))
	},
	"stream-update-other-pa-group": func(c *client) reply {
		return c.putStream("v2.9", c.madeStream("v2.9", withGroups(groupA)), withGroups(groupA, groupElse))
	},
	"stream-update-unknown": func(c *client) reply { return c.putStream("v2.9", noStream, withGroups()) },

	"stream-delete-other-group":          func(c *client) reply { return c.as(keyB).drop(c.madeStream("v2.9", withGroups(groupA))) },
	"stream-delete-same-group":           func(c *client) reply { return c.as(keyA).drop(c.madeStream("v2.9", withGroups(groupA))) },
	"stream-delete-group-key-on-master":  func(c *client) reply { return c.as(keyA).drop(c.madeStream("v2.9", withGroups())) },
	"stream-delete-unknown":              func(c *client) reply { return c.drop(noStream) },
	"stream-disable-same-group":          func(c *client) reply { return c.as(keyA).disable(c.madeStream("v2.9", withGroups(groupA))) },
	"stream-disable-group-key-on-master": func(c *client) reply { return c.as(keyA).disable(c.madeStream("v2.9", withGroups())) },
	"stream-disable-unknown":             func(c *client) reply { return c.disable(noStream) },
	"stream-delete-disabled":             func(c *client) reply { return c.drop(c.disabledStream()) },

	"stream-get-disabled": func(c *client) reply { return c.do("GET", streamsPath+"/"+c.disabledStream(), nil) },
	"stream-get-other-group": func(c *client) reply {
		return c.as(keyB).do("GET", streamsPath+"/"+c.madeStream("v2.9", withGroups(groupA)), nil)
	},
	"stream-get-unknown": func(c *client) reply { return c.do("GET", streamsPath+"/"+noStream, nil) },

	"stream-consume-other-group":         func(c *client) reply { return c.as(keyB).read("v2.9", c.madeStream("v2.9", withGroups(groupA))) },
	"stream-consume-group-key-on-master": func(c *client) reply { return c.as(keyA).read("v2.9", c.madeStream("v2.9", withGroups())) },
	"stream-consume-unknown":             func(c *client) reply { return c.read("v2.9", noStream) },
	"stream-consume-disabled":            func(c *client) reply { return c.read("v2.9", c.disabledStream()) },

	"stream-v23-read-v10":   func(c *client) reply { return c.read("v1.0", c.madeStream("v2.3", withGroups())) },
	"stream-v10-read-v23":   func(c *client) reply { return c.read("v2.3", c.madeStream("v1.0", withGroups())) },
	"stream-v10-update-v23": func(c *client) reply { return c.putStream("v2.3", c.madeStream("v1.0", withGroups()), withGroups()) },
	"stream-v10-get-group-key": func(c *client) reply {
		return c.as(keyA).do("GET", streamsAt("v1.0")+"/"+c.madeStream("v1.0", withGroups()), nil)
	},
	"stream-v10-update-group-key": func(c *client) reply {
		return c.as(keyA).putStream("v1.0", c.madeStream("v1.0", withGroups()), withGroups())
	},
	"stream-mismatch-v25-v26": func(c *client) reply { return c.read("v2.6", c.madeStream("v2.5", withGroups())) },
}

// many makes n streams and returns the last answer; the others succeed.
func (c *client) many(n int, body obj) reply {
	for range n - 1 {
		c.madeStream("v2.9", body)
	}
	return c.newStream("v2.9", body)
}

// replace makes a stream and replaces it with another by a key.
func (c *client) replace(old, by obj, key string) reply {
	by["replacedStreamId"] = c.madeStream("v2.9", old)
	return c.as(key).newStream("v2.9", by)
}

func (c *client) drop(id string) reply { return c.do("DELETE", streamsPath+"/"+id, nil) }

func (c *client) disabledStream() string {
	c.t.Helper()
	id := c.madeStream("v2.9", withGroups())
	c.object(200, c.disable(id))
	return id
}

func TestOfficialStreams(t *testing.T) {
	eachRow(t, "streams", func(t *testing.T, r row) {
		if answer, ok := answers[r.ID]; ok {
			c := streamKeys(t)
			require.EqualValues(t, r.Expect["http_status"], answer(c).status)
			return
		}
		run, ok := streamRows[r.ID]
		require.True(t, ok, "a row without a test")
		run(t, r)
	})
}

// streamRows are the rows that look at what comes.
var streamRows = map[string]func(t *testing.T, r row){
	"stream-per-sender-limit-9":  limitOfSender(9),
	"stream-per-sender-limit-11": limitOfSender(11),

	"stream-timeline-digital": func(t *testing.T, r row) {
		c := streamKeys(t)
		id := c.madeStream("v2.9", withGroups())
		iun := c.accept(c.request(toPEC(t, 1, "x@pec.example.it")))
		c.srv.Clock().Advance(6 * days)
		events := c.kept(t, id)
		c.srv.Clock().Advance(4 * days)
		events = append(events, c.kept(t, id)...)
		subsequence(t, texts(r.Expect["events_in_order"]), told(events, false), "events")
		seen := map[string]bool{}
		for i, e := range events {
			eventID := e["eventId"].(string)
			require.False(t, seen[eventID])
			seen[eventID] = true
			if i > 0 {
				require.Greater(t, eventID, events[i-1]["eventId"])
			}
		}
		last := events[slices.Index(told(events, false), "REFINEMENT")]["element"].(obj)
		require.Equal(t, timeline(c.detail(iun), "REFINEMENT")[0]["timestamp"], last["timestamp"])
	},
	"stream-timeline-analog": func(t *testing.T, r row) {
		c := streamKeys(t)
		id := c.madeStream("v2.9", withGroups())
		iun := c.accept(c.request(toStreet(t, 1, "Via @ok_AR")))
		c.srv.Clock().Advance(6 * days)
		events := c.kept(t, id)
		subsequence(t, texts(r.Expect["events_in_order"]), told(events, false), "events")
		d := c.detail(iun)
		for _, e := range events {
			element := e["element"].(obj)
			i := slices.IndexFunc(timeline(d, ""), func(o obj) bool { return o["elementId"] == element["elementId"] })
			require.GreaterOrEqual(t, i, 0)
			require.Equal(t, timeline(d, "")[i]["details"], element["details"])
		}
	},
	"stream-disabled-no-events": func(t *testing.T, _ row) {
		c := streamKeys(t)
		id := c.disabledStream()
		c.accept(c.request(toPEC(t, 1, "x@pec.example.it")))
		require.Empty(t, c.events("v2.9", id))
	},
	"stream-group-routing-master-notification": func(t *testing.T, _ row) {
		c := streamKeys(t)
		with, without := c.madeStream("v2.9", withGroups(groupA)), c.madeStream("v2.9", withGroups())
		c.accept(c.request(toPEC(t, 1, "x@pec.example.it")))
		require.Empty(t, c.events("v2.9", with))
		require.NotEmpty(t, c.events("v2.9", without))
	},
	"stream-subset-key": func(t *testing.T, r row) {
		c := streamKeys(t)
		id := c.madeStream("v2.9", withGroups(groupA))
		request := c.request(toPEC(t, 1, "x@pec.example.it"))
		request["group"] = groupA
		c.accept(request)
		got := c.as(keyAB).read("v2.9", id)
		require.EqualValues(t, r.Expect["http_status"], got.status)
		subsequence(t, texts(r.Expect["events_in_order"]), told(c.list(200, got), false), "events")
	},
	"stream-legalfact-ids": func(t *testing.T, r row) {
		events := v10Events(t, toPEC(t, 1, "x@pec.example.it"))
		i := slices.Index(told(events, false), texts(r.Expect["events_in_order"])[0])
		require.GreaterOrEqual(t, i, 0)
		for _, name := range texts(r.Expect["event_fields_set"]) {
			require.NotEmpty(t, events[i][name])
		}
	},
	"stream-sercq-v10": func(t *testing.T, r row) {
		recipient := toStreet(t, 1, "Via Esempio 1")
		events := v10Events(t, recipient, sendtest.WithPlatformDomicile(person(t, 1), "SERCQ", "sercq"))
		subsequence(t, texts(r.Expect["events_in_order"]), told(events, true), "events")
		for _, e := range events {
			require.NotContains(t, e, "element")
			require.NotContains(t, e, "digitalAddress")
		}
		require.Contains(t, told(events, false), "SEND_DIGITAL_DOMICILE")
	},
	"stream-cancel-request": cancelFilter,
	"stream-cancelled":      cancelFilter,
	"stream-default-list": func(t *testing.T, r row) {
		c := streamKeys(t, sendtest.WithTerms(func(t *sendtest.Terms) { t.StreamEvents = 100 * days }))
		id := c.madeStream("v2.9", streamOf("TIMELINE", obj{"filterValues": []string{"DEFAULT"}}))
		all := c.madeStream("v2.9", streamOf("TIMELINE"))
		everything(t, c, 30*days)
		want := texts(r.Expect["categories"])
		got := told(c.kept(t, id), false)
		for _, category := range got {
			require.Contains(t, want, category)
		}
		for _, category := range told(c.kept(t, all), false) {
			require.Equal(t, slices.Contains(want, category), slices.Contains(got, category), category)
		}
		for _, category := range want {
			require.Contains(t, got, category, "every category of the list has come")
		}
	},
	"stream-default-plus": func(t *testing.T, _ row) {
		c := streamKeys(t)
		id := c.madeStream("v2.6", streamOf("TIMELINE", obj{"filterValues": []string{"DEFAULT", "AAR_GENERATION", "NOTIFICATION_TIMELINE_REWORKED", "PUBLIC_REGISTRY_VALIDATION_CALL"}}))
		everything(t, c, 6*days)
		got := told(c.events("v2.6", id), false)
		require.Contains(t, got, "AAR_GENERATION", "the union")
		require.Contains(t, got, "REQUEST_ACCEPTED")
		require.NotContains(t, got, "NOTIFICATION_TIMELINE_REWORKED", "less what the version does not know")
		require.NotContains(t, got, "GET_ADDRESS")
	},
	"stream-visible-v10": visible("v1.0"),
	"stream-visible-v23": visible("v2.3"),
	"stream-visible-v26": visible("v2.6"),
	"stream-visible-v27": visible("v2.7"),
	"stream-status-rts-v23": func(t *testing.T, r row) {
		events := statusesOfDeceased(t, "v2.3", 1)
		subsequence(t, texts(r.Expect["events_in_order"]), events, "events")
		for _, hidden := range texts(r.Expect["not_visible_statuses"]) {
			require.NotContains(t, events, hidden)
		}
	},
	"stream-status-rts-v26": func(t *testing.T, r row) {
		subsequence(t, texts(r.Expect["events_in_order"]), statusesOfDeceased(t, "v2.6", 2), "events")
	},
	"stream-empty-page": func(t *testing.T, r row) {
		c := streamKeys(t)
		require.EqualValues(t, r.Expect["retry_after_ms"], number(t, c.read("v2.9", c.madeStream("v2.9", withGroups())).header.Get("Retry-After")))
	},
	"stream-empty-page-own-config": func(t *testing.T, r row) {
		c := newClient(t, sendtest.WithSender(sendtest.Sender{APIKey: masterKey, TaxID: sendtest.SenderTaxID, StreamRetry: 70 * time.Second}))
		require.EqualValues(t, r.Expect["retry_after_ms"], number(t, c.read("v2.9", c.madeStream("v2.9", withGroups())).header.Get("Retry-After")))
	},
	"stream-early-call": func(t *testing.T, r row) {
		for enforced, want := range map[bool]any{false: r.Expect["http_status"], true: r.Expect["http_status_if_enforced"]} {
			c := streamKeys(t, sendtest.WithRetryAfter(time.Minute, enforced))
			id := c.madeStream("v2.9", withGroups())
			require.Equal(t, 200, c.read("v2.9", id).status)
			require.EqualValues(t, want, c.read("v2.9", id).status)
		}
	},
	"stream-purge-on-ack": func(t *testing.T, _ row) {
		c := streamKeys(t)
		id := c.madeStream("v2.9", withGroups())
		c.accept(c.request(toPEC(t, 1, "x@pec.example.it")))
		all := c.events("v2.9", id)
		require.Equal(t, all, c.events("v2.9", id), "nothing is purged without a cursor")
		rest, _ := c.page(id, all[1]["eventId"].(string))
		require.Equal(t, all[2:], rest)
		require.Equal(t, all[2:], c.events("v2.9", id), "what was acknowledged is gone")
	},
	"stream-event-ttl": func(t *testing.T, r row) {
		c := streamKeys(t)
		id := c.madeStream("v2.9", withGroups())
		c.submit(c.request(toStreet(t, 1, "Via Esempio 1")))
		c.srv.Clock().Advance(30 * time.Second)
		require.Len(t, c.events("v2.9", id), 1)
		c.srv.Clock().Advance(time.Duration(r.Expect["ttl_days"].(float64))*days - time.Minute)
		require.Contains(t, told(c.events("v2.9", id), false), "VALIDATE_NORMALIZE_ADDRESSES_REQUEST")
		c.srv.Clock().Advance(2 * time.Minute)
		require.NotContains(t, told(c.events("v2.9", id), false), "VALIDATE_NORMALIZE_ADDRESSES_REQUEST")
	},
	"stream-disabled-ttl": func(t *testing.T, r row) {
		c := streamKeys(t)
		id := c.disabledStream()
		c.srv.Clock().Advance(time.Duration(r.Expect["ttl_days"].(float64))*days - time.Minute)
		require.Equal(t, 200, c.do("GET", streamsPath+"/"+id, nil).status)
		require.Equal(t, 200, c.read("v2.9", id).status)
		c.srv.Clock().Advance(2 * time.Minute)
		require.Equal(t, 400, c.do("GET", streamsPath+"/"+id, nil).status)
		require.Equal(t, 404, c.read("v2.9", id).status)
	},
	"stream-v27": func(t *testing.T, _ row) {
		for _, version := range []string{"v2.7", "v2.8", "v2.9"} {
			for seed := range uint64(20) {
				c := streamKeys(t, sendtest.WithSeed(seed), sendtest.WithStreamDisorder(0, 0.5))
				id := c.madeStream(version, streamOf("TIMELINE", obj{"waitForAccepted": true}))
				c.accept(c.request(toPEC(t, 1, "x@pec.example.it")))
				c.srv.Clock().Advance(time.Hour)
				got := told(c.events(version, id), false)
				accepted := slices.Index(got, "REQUEST_ACCEPTED")
				require.GreaterOrEqual(t, accepted, 1, "categories before the acceptance are not held")
				for _, category := range got[:accepted] {
					require.Contains(t, []string{"VALIDATE_NORMALIZE_ADDRESSES_REQUEST", "NORMALIZED_ADDRESS", "SENDER_ACK_CREATION_REQUEST"}, category)
				}
			}
		}
	},
}

func limitOfSender(limit int) func(t *testing.T, r row) {
	return func(t *testing.T, r row) {
		c := newClient(t, sendtest.WithSender(sendtest.Sender{APIKey: masterKey, TaxID: sendtest.SenderTaxID, StreamLimit: limit}))
		require.EqualValues(t, r.Expect["http_status"], c.many(limit+1, withGroups()).status)
	}
}

// kept reads all pages of a stream without acknowledging more than it must.
func (c *client) kept(t *testing.T, id string) []obj {
	t.Helper()
	var out []obj
	cursor := ""
	for {
		page, _ := c.page(id, cursor)
		if len(page) == 0 {
			return out
		}
		out = append(out, page...)
		cursor = page[len(page)-1]["eventId"].(string)
	}
}

// v10Events lets a recipient be reached and reads a stream of the first
// version.
func v10Events(t *testing.T, recipient obj, opts ...sendtest.Option) []obj {
	t.Helper()
	c := streamKeys(t, opts...)
	id := c.madeStream("v1.0", streamOf("TIMELINE"))
	c.accept(c.request(recipient))
	c.srv.Clock().Advance(days)
	return c.events("v1.0", id)
}

func cancelFilter(t *testing.T, r row) {
	want := texts(r.Expect["events_in_order"])
	c := streamKeys(t)
	id := c.madeStream("v2.9", streamOf("TIMELINE", obj{"filterValues": want}))
	iun := c.accept(c.request(toPEC(t, 1, "x@pec.example.it")))
	c.cancel(iun)
	c.srv.Clock().Advance(time.Minute)
	require.Equal(t, want, told(c.events("v2.9", id), false))
}

// everything makes notifications that among them have every category that a
// sender is told by default, and a correction.
func everything(t *testing.T, c *client, span time.Duration) {
	t.Helper()
	var iuns []string
	for i, recipient := range []obj{
		toPEC(t, 1, "x@pec.example.it"), toPEC(t, 2, "x@fail.it"), toStreet(t, 3, "Via @OK_AR"),
		toStreet(t, 4, "Via @FAIL-Irreperibile_AR"), toStreet(t, 5, "Via @FAIL_DECEDUTO_AR"), toPEC(t, 6, "x@pec.example.it"),
	} {
		request := c.request(recipient)
		request["paProtocolNumber"] = strconv.Itoa(i)
		iuns = append(iuns, c.accept(request))
	}
	refused := c.request(toStreet(t, 7, "Via Esempio 1"))
	refused["recipients"].([]obj)[0]["physicalAddress"].(obj)["zip"] = "00000"
	refused["paProtocolNumber"] = "refused"
	c.submit(refused)
	c.srv.Clock().Advance(span)
	require.NoError(t, c.srv.RetrieveAtRADD(iuns[0], 0))
	require.NoError(t, c.srv.Rework(iuns[2], 0, "@OK_AR"))
	require.NoError(t, c.srv.Cancel(iuns[5]))
	c.srv.Clock().Advance(time.Minute)
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

// visible reads a stream of a version after all that everything makes.
func visible(version string) func(t *testing.T, r row) {
	return func(t *testing.T, r row) {
		c := streamKeys(t)
		ids := []string{c.madeStream(version, streamOf("TIMELINE")), c.madeStream(version, streamOf("TIMELINE", obj{
			"filterValues": append(texts(r.Expect["visible_categories"]), texts(r.Expect["not_visible_categories"])...),
		}))}
		everything(t, c, 6*days)
		lookup := c.request(toStreet(t, 8, "Via Esempio 1"))
		lookup["paProtocolNumber"] = "lookup"
		c.submit(lookup)
		for _, id := range ids {
			var got []string
			for cursor := ""; ; {
				path := streamsAt(version) + "/" + id + "/events"
				if cursor != "" {
					path += "?lastEventId=" + cursor
				}
				page := c.list(200, c.do("GET", path, nil))
				if len(page) == 0 {
					break
				}
				got = append(got, told(page, false)...)
				cursor = page[len(page)-1]["eventId"].(string)
			}
			for _, category := range texts(r.Expect["visible_categories"]) {
				require.Contains(t, got, category)
			}
			for _, category := range texts(r.Expect["not_visible_categories"]) {
				require.NotContains(t, got, category)
			}
		}
	}
}

// statusesOfDeceased reads a stream of statuses of a version about deceased
// recipients.
func statusesOfDeceased(t *testing.T, version string, recipients int) []string {
	t.Helper()
	c := streamKeys(t)
	id := c.madeStream(version, streamOf("STATUS"))
	var all []obj
	for i := range recipients {
		all = append(all, toStreet(t, 1+i, "Via @FAIL_DECEDUTO_AR"))
	}
	c.accept(c.request(all...))
	c.srv.Clock().Advance(6 * days)
	return told(c.events(version, id), true)
}
