package sendtest_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/pa/patest"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

const streamsPath = "/delivery-progresses/v2.9/streams"

func streamOf(kind string, more ...obj) obj {
	r := obj{"title": "flusso", "eventType": kind, "groups": []string{}}
	for _, m := range more {
		maps.Copy(r, m)
	}
	return r
}

func (c *client) stream(r obj) string {
	c.t.Helper()
	return c.object(200, c.do("POST", streamsPath, r))["streamId"].(string)
}

// page reads a page; an empty cursor reads from the oldest event.
func (c *client) page(id, cursor string) ([]obj, string) {
	c.t.Helper()
	path := streamsPath + "/" + id + "/events"
	if cursor != "" {
		path += "?lastEventId=" + cursor
	}
	r := c.do("GET", path, nil)
	return c.list(200, r), r.header.Get("Retry-After")
}

// drain reads to the end and returns the elements' categories with their new
// status.
func (c *client) drain(id string) []string {
	c.t.Helper()
	var out []string
	cursor := ""
	for {
		events, wait := c.page(id, cursor)
		if len(events) == 0 {
			require.NotEqual(c.t, "0", wait)
			return out
		}
		require.Equal(c.t, "0", wait)
		for _, e := range events {
			require.Regexp(c.t, `^0\d{37}$`, e["eventId"])
			require.Greater(c.t, e["eventId"].(string), cursor)
			cursor = e["eventId"].(string)
			item := e["element"].(obj)["category"].(string)
			if s, ok := e["newStatus"]; ok {
				item += " " + s.(string)
			}
			out = append(out, item)
		}
	}
}

func TestStreamLifeCycle(t *testing.T) {
	c := newClient(t)
	made := c.object(200, c.do("POST", streamsPath, streamOf("STATUS", obj{"filterValues": []string{"ACCEPTED", "UNKNOWN_STATUS"}})))
	id := made["streamId"].(string)
	require.Equal(t, "v29", made["version"])
	require.Equal(t, false, made["waitForAccepted"])
	require.Equal(t, made, c.object(200, c.do("GET", streamsPath+"/"+id, nil)))
	old := c.object(200, c.do("POST", "/delivery-progresses/v2.8/streams", streamOf("STATUS")))
	require.Equal(t, "v28", old["version"])
	require.Len(t, c.list(200, c.do("GET", streamsPath, nil)), 2, "of all versions")

	// another version
	for _, path := range []string{"", "/events"} {
		require.Contains(t, c.problem(403, c.do("GET", streamsPath+"/"+old["streamId"].(string)+path, nil)), "api version mismatch")
	}
	c.problem(403, c.do("DELETE", streamsPath+"/"+old["streamId"].(string), nil))

	// one that does not exist
	unknown := streamsPath + "/00000000-0000-4000-8000-000000000000"
	c.problem(400, c.do("GET", unknown, nil))
	c.problem(404, c.do("GET", unknown+"/events", nil))
	c.problem(404, c.do("DELETE", unknown, nil))
	require.Contains(t, c.problem(400, c.do("GET", streamsPath+"/x", nil)), "PN_INVALID_PARAMETERS")

	require.Equal(t, 204, c.do("DELETE", streamsPath+"/"+id, nil).status)
	c.problem(404, c.do("GET", streamsPath+"/"+id+"/events", nil))
	for _, bad := range []obj{{}, streamOf("BOTH"), streamOf("STATUS", obj{"filterValues": []string{"abc"}}), {"title": "x", "eventType": "STATUS"}, streamOf("STATUS", obj{"replacedStreamId": "x"})} {
		require.Contains(t, c.problem(400, c.do("POST", streamsPath, bad)), "PN_INVALID_BODY")
	}
}

func TestStreamLimitAndReplacement(t *testing.T) {
	c := newClient(t, sendtest.WithStreamLimit(2))
	first := c.stream(streamOf("TIMELINE"))
	c.stream(streamOf("TIMELINE"))
	require.Contains(t, c.problem(409, c.do("POST", streamsPath, streamOf("TIMELINE"))), "PN_WEBHOOK_MAXSTREAMSCOUNTREACHED")

	c.accept(c.request(toPEC(t, 1, "nome@pec.example.it")))
	before, _ := c.page(first, "")
	next := c.stream(streamOf("TIMELINE", obj{"replacedStreamId": first}))
	require.Contains(t, c.object(200, c.do("GET", streamsPath+"/"+first, nil)), "disabledDate")
	c.srv.Clock().Advance(time.Hour)
	after, _ := c.page(first, "")
	require.Equal(t, before, after, "a disabled stream can be read and gets no more")
	fresh, _ := c.page(next, "")
	require.Equal(t, fmt.Sprintf("%038d", len(before)+1001), fresh[0]["eventId"])
	c.problem(403, c.do("POST", streamsPath, streamOf("TIMELINE", obj{"replacedStreamId": first})))
	c.problem(404, c.do("POST", streamsPath, streamOf("TIMELINE", obj{"replacedStreamId": "00000000-0000-4000-8000-000000000000"})))
	c.srv.Clock().Advance(14 * days)
	c.problem(404, c.do("GET", streamsPath+"/"+first+"/events", nil))
	require.Len(t, c.list(200, c.do("GET", streamsPath, nil)), 2)
}

func TestStreamUpdateAndDisable(t *testing.T) {
	c := newClient(t)
	id := c.stream(streamOf("TIMELINE"))
	made := c.object(200, c.do("GET", streamsPath+"/"+id, nil))
	change := streamOf("TIMELINE", obj{"title": "altro", "filterValues": []string{"REQUEST_ACCEPTED"}, "waitForAccepted": true})
	updated := c.object(200, c.do("PUT", streamsPath+"/"+id, change))
	require.Equal(t, "altro", updated["title"])
	require.Equal(t, true, updated["waitForAccepted"])
	require.Equal(t, made["activationDate"], updated["activationDate"])
	c.accept(c.request(toPEC(t, 1, "x@pec.example.it")))
	require.Equal(t, []string{"REQUEST_ACCEPTED ACCEPTED"}, c.drain(id), "by the new filter")
	c.problem(400, c.do("PUT", streamsPath+"/"+id, obj{"title": "x"}))
	c.problem(403, c.do("PUT", "/delivery-progresses/v2.8/streams/"+id, change))
	c.problem(403, c.do("PUT", streamsPath+"/"+id, streamOf("TIMELINE", obj{"groups": []string{"x"}})))

	before := c.srv.Clock().Now()
	disabled := c.object(200, c.do("POST", streamsPath+"/"+id+"/action/disable", nil))
	require.False(t, instant(t, disabled["disabledDate"]).Before(before.Truncate(time.Second)))
	c.problem(403, c.do("POST", streamsPath+"/"+id+"/action/disable", nil))
	c.problem(403, c.do("PUT", streamsPath+"/"+id, change))
	c.problem(404, c.do("POST", streamsPath+"/00000000-0000-4000-8000-000000000000/action/disable", nil))
	c.stream(streamOf("TIMELINE"))
	c.srv.Clock().Advance(13 * days)
	events, _ := c.page(id, "")
	require.Empty(t, events)
	c.srv.Clock().Advance(2 * days)
	c.problem(404, c.do("POST", streamsPath+"/"+id+"/action/disable", nil))
}

// TestGroupsOfAStreamOnlyGrow, and only with groups that the key may name.
func TestGroupsOfAStreamOnlyGrow(t *testing.T) {
	sender := func(key string, groups ...string) sendtest.Option {
		return sendtest.WithSender(sendtest.Sender{APIKey: key, TaxID: sendtest.SenderTaxID, Groups: groups})
	}
	c := newClient(t, sender("master"), sender("red", "red"), sender("both", "red", "blue")).as("master")
	free := c.stream(streamOf("STATUS"))
	red := c.stream(streamOf("STATUS", obj{"groups": []string{"red"}}))
	for _, tc := range []struct {
		key, id string
		groups  []string
		status  int
	}{
		{"master", free, []string{"red"}, 403},
		{"master", free, []string{}, 200},
		{"master", red, []string{}, 403},
		{"master", red, []string{"blue"}, 403},
		{"red", red, []string{"red", "blue"}, 403},
		{"both", red, []string{"red", "blue"}, 200},
		{"red", red, []string{"red", "blue"}, 403},
		{"master", red, []string{"red", "blue"}, 200},
	} {
		got := c.as(tc.key).do("PUT", streamsPath+"/"+tc.id, streamOf("STATUS", obj{"groups": tc.groups}))
		require.Equal(t, tc.status, got.status, "%v %s", tc, got.body)
	}
}

// TestMigrationOfAStream replaces a stream of an older version without a gap.
func TestMigrationOfAStream(t *testing.T) {
	c := newClient(t, sendtest.WithStreamLimit(1))
	old := c.object(200, c.do("POST", "/delivery-progresses/v2.4/streams", streamOf("TIMELINE")))["streamId"].(string)
	c.accept(c.request(toPEC(t, 1, "x@pec.example.it")))
	next := c.stream(streamOf("TIMELINE", obj{"replacedStreamId": old}))
	c.srv.Clock().Advance(days)
	events := c.list(200, c.do("GET", "/delivery-progresses/v2.4/streams/"+old+"/events", nil))
	rest := c.drain(next)
	var all []string
	for _, e := range events {
		all = append(all, e["element"].(obj)["category"].(string))
	}
	all = append(all, rest...)
	require.Equal(t, "VALIDATE_NORMALIZE_ADDRESSES_REQUEST", all[0])
	require.Equal(t, "AAR_CREATION_REQUEST", rest[0], "where the old one ends")
	require.Contains(t, rest, "DIGITAL_SUCCESS_WORKFLOW")
}

// TestVersionsOfStreams makes and reads a stream of each version.
func TestVersionsOfStreams(t *testing.T) {
	for _, tc := range []struct {
		version, name           string
		waits, deceased, stamps bool
	}{
		{"v2.9", "v29", true, true, true}, {"v2.8", "v28", true, true, true}, {"v2.7", "v27", true, true, true},
		{"v2.6", "v26", false, true, true}, {"v2.5", "v25", false, false, true}, {"v2.4", "v24", false, false, true},
		{"v2.3", "v23", false, false, false},
	} {
		t.Run(tc.version, func(t *testing.T) {
			c := newClient(t, sendtest.WithTerms(func(t *sendtest.Terms) { t.StreamEvents = 400 * days }))
			path := "/delivery-progresses/" + tc.version + "/streams"
			made := c.object(200, c.do("POST", path, streamOf("TIMELINE", obj{"waitForAccepted": true})))
			require.Equal(t, tc.name, made["version"])
			_, waits := made["waitForAccepted"]
			require.Equal(t, tc.waits, waits)
			statuses := c.object(200, c.do("POST", path, streamOf("STATUS", obj{"waitForAccepted": true})))["streamId"].(string)
			c.accept(c.request(toStreet(t, 1, "Via @FAIL_DECEDUTO_AR")))
			c.srv.Clock().Advance(60 * days)
			events := c.list(200, c.do("GET", path+"/"+made["streamId"].(string)+"/events", nil))
			found := slices.ContainsFunc(events, func(e obj) bool {
				return e["element"].(obj)["category"] == "ANALOG_WORKFLOW_RECIPIENT_DECEASED"
			})
			require.Equal(t, tc.deceased, found)
			_, stamps := events[0]["element"].(obj)["ingestionTimestamp"]
			require.Equal(t, tc.stamps, stamps)
			told := c.list(200, c.do("GET", path+"/"+statuses+"/events", nil))
			require.Equal(t, tc.waits, told[0]["newStatus"] == "ACCEPTED", "or else the validation is told too")
			require.Equal(t, tc.deceased, told[len(told)-1]["newStatus"] == "RETURNED_TO_SENDER")
			other := c.stream(streamOf("STATUS"))
			if tc.version != "v2.9" {
				require.Equal(t, 403, c.do("GET", path+"/"+other+"/events", nil).status)
			}
			require.Equal(t, 200, c.do("POST", path+"/"+statuses+"/action/disable", nil).status)
		})
	}
}

func TestWaitForAcceptedHoldsDisorderBack(t *testing.T) {
	before := []string{"VALIDATE_NORMALIZE_ADDRESSES_REQUEST", "NORMALIZED_ADDRESS", "SENDER_ACK_CREATION_REQUEST"}
	early := 0
	for seed := range uint64(20) {
		c := newClient(t, sendtest.WithSeed(seed), sendtest.WithStreamDisorder(0, 0.5))
		ids := []string{c.stream(streamOf("TIMELINE")), c.stream(streamOf("TIMELINE", obj{"waitForAccepted": true}))}
		c.accept(c.request(toPEC(t, 1, "x@pec.example.it")))
		c.srv.Clock().Advance(time.Hour)
		for i, id := range ids {
			events := c.drain(id)
			accepted := slices.Index(events, "REQUEST_ACCEPTED ACCEPTED")
			require.GreaterOrEqual(t, accepted, 0)
			ahead := slices.ContainsFunc(events[:accepted], func(e string) bool {
				category, _, _ := strings.Cut(e, " ")
				return !slices.Contains(before, category)
			})
			if i == 0 && ahead {
				early++
			}
			require.False(t, i == 1 && ahead, "%v", events)
		}
	}
	require.Positive(t, early, "the disorder is there for other streams")
}

// TestRefusalInOlderStreams: the reasons did not tell the recipient, nor the
// element its request.
func TestRefusalInOlderStreams(t *testing.T) {
	c := newClient(t)
	ids := map[string]string{}
	for _, version := range []string{"v2.8", "v2.6"} {
		ids[version] = c.object(200, c.do("POST", "/delivery-progresses/"+version+"/streams", streamOf("TIMELINE")))["streamId"].(string)
	}
	refused := c.request(toStreet(t, 1, "Via Esempio 1"))
	refused["recipients"].([]obj)[0]["physicalAddress"].(obj)["zip"] = "00000"
	c.submit(refused)
	c.srv.Clock().Advance(time.Hour)
	for version, newer := range map[string]bool{"v2.8": true, "v2.6": false} {
		events := c.list(200, c.do("GET", "/delivery-progresses/"+version+"/streams/"+ids[version]+"/events", nil))
		details := events[len(events)-1]["element"].(obj)["details"].(obj)
		reason := details["refusalReasons"].([]any)[0].(obj)
		require.Equal(t, "NOT_VALID_ADDRESS", reason["errorCode"])
		_, tells := reason["recIndex"]
		require.Equal(t, newer, tells, version)
		require.Equal(t, newer, details["paProtocolNumber"] != nil, version)
	}
}

// TestGroupsDoNotApplyToTheFirstVersion of the streams.
func TestGroupsDoNotApplyToTheFirstVersion(t *testing.T) {
	master := sendtest.Sender{APIKey: "master", TaxID: sendtest.SenderTaxID, Over20Grams: true}
	red := sendtest.Sender{APIKey: "red", TaxID: sendtest.SenderTaxID, Groups: []string{"red"}, Over20Grams: true}
	c := newClient(t, sendtest.WithSender(master), sendtest.WithSender(red)).as("master")
	const path = "/delivery-progresses/streams"
	id := c.object(200, c.do("POST", path, obj{"title": "x", "eventType": "STATUS"}))["streamId"].(string)
	other := c.as("red")
	other.object(200, other.do("POST", path, obj{"title": "x", "eventType": "STATUS"}))
	other.object(200, other.do("PUT", path+"/"+id, obj{"title": "y", "eventType": "STATUS"}))
	require.Equal(t, 200, other.do("GET", path+"/"+id+"/events", nil).status)
	require.Equal(t, 204, other.do("DELETE", path+"/"+id, nil).status)
}

func TestFirstVersionOfStreams(t *testing.T) {
	c := newClient(t,
		sendtest.WithPlatformDomicile(person(t, 3), "SERCQ", "sercq"),
		sendtest.WithCourtesy(person(t, 4), "EMAIL", "x@example.it"),
		sendtest.WithTerms(func(t *sendtest.Terms) { t.SecondDigital = time.Hour }),
	)
	const path = "/delivery-progresses/streams"
	made := c.object(200, c.do("POST", path, obj{"title": "flusso", "eventType": "TIMELINE"}))
	for _, unknown := range []string{"version", "groups", "waitForAccepted"} {
		require.NotContains(t, made, unknown)
	}
	c.accept(c.request(toStreet(t, 1, "Via @OK_AR")))
	c.accept(c.request(toStreet(t, 3, "Via Esempio 1")))
	c.accept(c.request(toStreet(t, 4, "Via Esempio 1")))
	c.accept(c.request(toPEC(t, 5, "x@fail.it")))
	refused := c.request(toStreet(t, 2, "Via Esempio 1"))
	refused["recipients"].([]obj)[0]["physicalAddress"].(obj)["zip"] = "00000"
	c.submit(refused)
	c.srv.Clock().Advance(3 * time.Hour)
	id := made["streamId"].(string)
	byCategory := map[string]obj{}
	for cursor := ""; ; {
		page := c.list(200, c.do("GET", path+"/"+id+"/events"+cursor, nil))
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			require.NotContains(t, e, "element")
			byCategory[e["timelineEventCategory"].(string)] = e
			cursor = "?lastEventId=" + e["eventId"].(string)
		}
	}
	require.NotEmpty(t, byCategory["REQUEST_ACCEPTED"]["legalfactIds"])
	require.Equal(t, "ACCEPTED", byCategory["REQUEST_ACCEPTED"]["newStatus"])
	require.EqualValues(t, 400, byCategory["SEND_ANALOG_DOMICILE"]["analogCost"])
	require.Equal(t, "AR_REGISTERED_LETTER", byCategory["SEND_ANALOG_DOMICILE"]["channel"])
	require.Equal(t, "PEC", byCategory["SEND_DIGITAL_DOMICILE"]["channel"])
	require.Equal(t, "SIMPLE_REGISTERED_LETTER", byCategory["SEND_SIMPLE_REGISTERED_LETTER"]["channel"])
	require.Equal(t, "EMAIL", byCategory["SEND_COURTESY_MESSAGE"]["channel"])
	require.NotContains(t, byCategory["REQUEST_ACCEPTED"], "channel")
	require.EqualValues(t, 0, byCategory["SEND_ANALOG_DOMICILE"]["recipientIndex"])
	require.Equal(t, "NOT_VALID_ADDRESS", byCategory["REQUEST_REFUSED"]["validationErrors"].([]any)[0].(obj)["errorCode"])
	require.NotContains(t, byCategory["REQUEST_REFUSED"], "iun")
	c.object(200, c.do("PUT", path+"/"+id, obj{"title": "altro", "eventType": "STATUS"}))
	require.Equal(t, 400, c.do("GET", path+"/"+c.stream(streamOf("STATUS"))+"/events", nil).status)
	require.Equal(t, 204, c.do("DELETE", path+"/"+id, nil).status)
}

func TestStreamEvents(t *testing.T) {
	c := newClient(t)
	every := c.stream(streamOf("TIMELINE"))
	few := c.stream(streamOf("TIMELINE", obj{"filterValues": []string{"DEFAULT", "AAR_GENERATION"}}))
	status := c.stream(streamOf("STATUS"))
	accepted := c.stream(streamOf("STATUS", obj{"waitForAccepted": true}))
	id := c.submit(c.request(toPEC(t, 1, "nome@pec.example.it")))
	c.srv.Clock().Advance(40 * time.Second)
	events, _ := c.page(every, "")
	require.Len(t, events, 1)
	require.Equal(t, "IN_VALIDATION", events[0]["newStatus"])
	require.Equal(t, id, events[0]["notificationRequestId"])
	require.NotContains(t, events[0], "iun", "not before the acceptance")

	// within the retention of seven days
	c.srv.Clock().Advance(6 * days)
	late := c.stream(streamOf("TIMELINE"))
	require.Equal(t, []string{
		"VALIDATE_NORMALIZE_ADDRESSES_REQUEST IN_VALIDATION", "NORMALIZED_ADDRESS", "SENDER_ACK_CREATION_REQUEST", "REQUEST_ACCEPTED ACCEPTED",
		"AAR_CREATION_REQUEST", "AAR_GENERATION", "GET_ADDRESS", "GET_ADDRESS", "SEND_DIGITAL_DOMICILE DELIVERING",
		"SEND_DIGITAL_PROGRESS", "SEND_DIGITAL_FEEDBACK", "DIGITAL_DELIVERY_CREATION_REQUEST DELIVERED", "SCHEDULE_REFINEMENT", "DIGITAL_SUCCESS_WORKFLOW",
	}, c.drain(every))
	events, _ = c.page(few, "")
	require.Equal(t, "REQUEST_ACCEPTED", events[0]["element"].(obj)["category"])
	iun := events[0]["iun"].(string)
	require.Equal(t, timeline(c.detail(iun), "REQUEST_ACCEPTED")[0], events[0]["element"], "the element of the detail")
	require.Equal(t, []string{"REQUEST_ACCEPTED ACCEPTED", "AAR_GENERATION", "SEND_DIGITAL_DOMICILE DELIVERING", "SEND_DIGITAL_FEEDBACK", "DIGITAL_SUCCESS_WORKFLOW"}, c.drain(few))
	require.Equal(t, []string{
		"VALIDATE_NORMALIZE_ADDRESSES_REQUEST IN_VALIDATION", "REQUEST_ACCEPTED ACCEPTED",
		"SEND_DIGITAL_DOMICILE DELIVERING", "DIGITAL_DELIVERY_CREATION_REQUEST DELIVERED",
	}, c.drain(status))
	require.Equal(t, "REQUEST_ACCEPTED ACCEPTED", c.drain(accepted)[0])
	require.Empty(t, c.drain(late), "nothing from before the stream")
	c.srv.Clock().Advance(2 * days)
	require.Equal(t, []string{"REFINEMENT EFFECTIVE_DATE"}, c.drain(late))
}

func TestStreamOfRefusalHasNoIUN(t *testing.T) {
	c := newClient(t)
	id := c.stream(streamOf("STATUS", obj{"filterValues": []string{"REFUSED"}}))
	r := c.request(toStreet(t, 1, "Via Esempio 1"))
	r["recipients"].([]obj)[0]["physicalAddress"].(obj)["zip"] = "00000"
	c.submit(r)
	c.srv.Clock().Advance(time.Minute)
	events, _ := c.page(id, "")
	require.Len(t, events, 1)
	require.NotContains(t, events[0], "iun")
	require.Equal(t, "NOT_VALID_ADDRESS", events[0]["element"].(obj)["details"].(obj)["refusalReasons"].([]any)[0].(obj)["errorCode"])
}

func TestStreamCursorAcknowledges(t *testing.T) {
	c := newClient(t)
	id := c.stream(streamOf("TIMELINE"))
	for i := range 10 {
		r := c.request(toPEC(t, i+1, "nome@pec.example.it"))
		c.submit(r)
	}
	c.srv.Clock().Advance(days)
	first, wait := c.page(id, "")
	require.Len(t, first, 50)
	require.Equal(t, "0", wait)
	again, _ := c.page(id, "")
	require.Equal(t, first, again, "without a cursor nothing is acknowledged")
	second, _ := c.page(id, first[9]["eventId"].(string))
	require.Equal(t, first[10], second[0])
	again, _ = c.page(id, "")
	require.Equal(t, second, again, "what was acknowledged is gone")
	for _, bad := range []string{"1", "x", fmt.Sprintf("1%037d", 1)} {
		require.Contains(t, c.problem(400, c.do("GET", streamsPath+"/"+id+"/events?lastEventId="+bad, nil)), "PN_INVALID_PARAMETERS")
	}
}

func TestStreamRetention(t *testing.T) {
	c := newClient(t)
	id := c.stream(streamOf("TIMELINE"))
	c.accept(c.request(toPEC(t, 1, "nome@pec.example.it")))
	c.srv.Clock().Advance(6 * days)
	events, _ := c.page(id, "")
	require.NotEmpty(t, events)
	c.srv.Clock().Advance(3 * days)
	events, _ = c.page(id, "")
	require.Len(t, events, 1, "the others are older than seven days")
	require.Equal(t, "REFINEMENT", events[0]["element"].(obj)["category"])
}

func TestStreamRetryAfterIsScaledAndEnforced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, sendtest.WithClock(patest.Day(time.Minute)), sendtest.WithRetryAfter(15*time.Minute, true))
		id := c.stream(streamOf("TIMELINE"))
		_, wait := c.page(id, "")
		require.Equal(t, "625", wait, "milliseconds of fifteen minutes when a day lasts a minute")
		r := c.do("GET", streamsPath+"/"+id+"/events", nil)
		require.Contains(t, c.problem(429, r), "PN_STREAM_RETRY_AFTER_ERROR")
		require.NotEmpty(t, r.header.Get("Retry-After"))
		time.Sleep(625 * time.Millisecond)
		_, wait = c.page(id, "")
		require.Equal(t, "625", wait)
	})
}

func TestStreamGroups(t *testing.T) {
	sender := sendtest.Sender{TaxID: sendtest.SenderTaxID, Over20Grams: true}
	master, both, red := sender, sender, sender
	master.APIKey, both.APIKey, red.APIKey = sendtest.APIKey, "both", "red"
	both.Groups, red.Groups = []string{"red", "blue"}, []string{"red"}
	c := newClient(t, sendtest.WithSender(master), sendtest.WithSender(both), sendtest.WithSender(red),
		sendtest.WithSender(sendtest.Sender{APIKey: "other", TaxID: "77777777777", Groups: []string{"theirs"}}))
	grouped := func(groups ...string) obj { return streamOf("TIMELINE", obj{"groups": append([]string{}, groups...)}) }
	c.problem(403, c.do("POST", streamsPath, grouped("theirs")))
	c.as("red").problem(403, c.as("red").do("POST", streamsPath, grouped()))
	c.as("red").problem(403, c.as("red").do("POST", streamsPath, grouped("blue")))
	blue := c.as("both").stream(grouped("blue"))
	free := c.stream(grouped())

	c.as("red").problem(403, c.as("red").do("GET", streamsPath+"/"+blue+"/events", nil))
	c.as("red").problem(403, c.as("red").do("GET", streamsPath+"/"+free+"/events", nil))
	c.as("red").problem(403, c.as("red").do("DELETE", streamsPath+"/"+free, nil))
	require.Equal(t, 200, c.as("red").do("GET", streamsPath+"/"+blue, nil).status, "metadata can be read")
	other := c.as("other")
	other.problem(404, other.do("GET", streamsPath+"/"+free+"/events", nil))

	c.accept(c.request(toPEC(t, 1, "nome@pec.example.it")))
	require.Empty(t, c.drain(blue))
	require.NotEmpty(t, c.drain(free))
	r := c.request(toPEC(t, 1, "nome@pec.example.it"))
	r["group"] = "blue"
	c.accept(r)
	require.NotEmpty(t, c.as("both").drain(blue))
	require.NotEmpty(t, c.drain(free), "a stream without groups sees all")
}

func TestStreamVersionsShowElementsTheirWay(t *testing.T) {
	c := newClient(t)
	newest := c.stream(streamOf("TIMELINE", obj{"filterValues": []string{"DIGITAL_DELIVERY_CREATION_REQUEST", "SENDER_ACK_CREATION_REQUEST"}}))
	old := c.object(200, c.do("POST", "/delivery-progresses/v2.8/streams", streamOf("TIMELINE", obj{"filterValues": []string{"DIGITAL_DELIVERY_CREATION_REQUEST", "SENDER_ACK_CREATION_REQUEST"}})))["streamId"].(string)
	iun := c.accept(c.request(toPEC(t, 1, "nome@pec.example.it")))
	c.srv.Clock().Advance(days)
	v28, _ := c.page(newest, "")
	v27 := c.list(200, c.do("GET", "/delivery-progresses/v2.8/streams/"+old+"/events", nil))
	details := func(events []obj, i int) obj { return events[i]["element"].(obj)["details"].(obj) }
	require.Contains(t, details(v28, 0), "legalFactId")
	require.Contains(t, details(v27, 0), "legalFactId", "always spelled so here")
	require.Contains(t, details(v28, 1), "legalFactId")
	require.NotContains(t, details(v27, 1), "legalFactId")
	require.Equal(t, details(v28, 1)["legalFactId"], details(v27, 1)["legalfactId"])

	sent := c.object(200, c.do("GET", "/delivery/v2.7/notifications/sent/"+iun, nil))
	require.Contains(t, timeline(sent, "DIGITAL_DELIVERY_CREATION_REQUEST")[0]["details"], "legalfactId")
	require.Contains(t, timeline(c.detail(iun), "DIGITAL_DELIVERY_CREATION_REQUEST")[0]["details"], "legalFactId")
}

func TestStreamDisorder(t *testing.T) {
	ordered := newClient(t)
	disordered := newClient(t, sendtest.WithStreamDisorder(0.3, 0.3))
	var seen [2][]string
	for i, c := range []*client{ordered, disordered} {
		id := c.stream(streamOf("TIMELINE"))
		for n := range 5 {
			c.submit(c.request(toPEC(t, n+1, "nome@pec.example.it")))
		}
		c.srv.Clock().Advance(days)
		seen[i] = c.drain(id)
	}
	require.Greater(t, len(seen[1]), len(seen[0]), "some come twice")
	require.NotEqual(t, seen[0], slices.Compact(slices.Clone(seen[1])))
	for _, e := range seen[0] {
		require.Contains(t, seen[1], e, "none is lost")
	}
}
