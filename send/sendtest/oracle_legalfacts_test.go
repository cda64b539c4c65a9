package sendtest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/internal/rome"
	"github.com/pa-italia/sdk-go/pa/patest"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

// origins are the recipients that make a legal fact of a category, and the
// element that carries it, where a row names the category alone.
var origins = map[string]struct{ pec, street, element string }{
	"SENDER_ACK":              {"x@pec.example.it", "", "REQUEST_ACCEPTED"},
	"DIGITAL_DELIVERY":        {"x@pec.example.it", "", "DIGITAL_SUCCESS_WORKFLOW"},
	"RECIPIENT_ACCESS":        {"x@pec.example.it", "", "NOTIFICATION_VIEWED"},
	"PEC_RECEIPT":             {"x@pec.example.it", "", "SEND_DIGITAL_FEEDBACK"},
	"NOTIFICATION_CANCELLED":  {"x@pec.example.it", "", "NOTIFICATION_CANCELLED"},
	"ANALOG_FAILURE_DELIVERY": {"", "Via @FAIL-Irreperibile_AR", "COMPLETELY_UNREACHABLE"},
}

// streetsOfFacts are those of rows that describe the outcome in words.
var streetsOfFacts = map[string]string{
	"unreachable AR":       "Via @FAIL-Irreperibile_AR",
	"legal-progress-ar":    "Via @OK_AR",
	"legal-progress-plico": "Via @FAIL_AR",
}

func TestOfficialLegalFacts(t *testing.T) {
	eachRow(t, "legal_facts", func(t *testing.T, r row) {
		category := texts(r.Expect["legal_fact_categories"])[0]
		from, known := origins[category]
		value := r.Trigger["value"].(string)
		switch words := strings.Fields(value); {
		case r.Class == "analog":
			from.element = words[0]
			from.street = r.extra("physicalAddress")
			for _, key := range []string{from.street, r.ID} {
				if s, ok := streetsOfFacts[key]; ok {
					from.street = s
				}
			}
			from.pec = ""
			if from.element == "DIGITAL_FAILURE_WORKFLOW" {
				from.pec = "test@fail.it"
			}
		case strings.HasSuffix(value, "DIGITAL_FAILURE_WORKFLOW"):
			from.pec, from.element = "test@fail.it", "DIGITAL_FAILURE_WORKFLOW"
		default:
			require.True(t, known, "a row without a recipient")
		}
		c := newClient(t,
			sendtest.WithSender(sendtest.Sender{APIKey: sendtest.APIKey, TaxID: sendtest.SenderTaxID, Over20Grams: true}),
			sendtest.WithSender(sendtest.Sender{APIKey: "other", TaxID: "77777777777"}),
		)
		street := from.street
		if street == "" {
			street = "Via Esempio 1"
		}
		recipient := toStreet(t, 1, street)
		if from.pec != "" {
			recipient["digitalDomicile"] = obj{"type": "PEC", "address": from.pec}
		}
		if strings.Contains(strings.ToUpper(street), "_RI") {
			recipient["physicalAddress"].(obj)["foreignState"] = "FRANCIA"
		}
		request := c.request(recipient)
		if strings.Contains(street, "890") {
			request["physicalCommunicationType"] = "REGISTERED_LETTER_890"
		}
		iun := c.accept(request)
		switch category {
		case "RECIPIENT_ACCESS":
			require.NoError(t, c.srv.View(iun, 0))
		case "NOTIFICATION_CANCELLED":
			c.cancel(iun)
		}
		c.srv.Clock().Advance(400 * days)

		key, code := "", ""
		for _, e := range timeline(c.detail(iun), from.element) {
			facts, _ := e["legalFactsIds"].([]any)
			for _, f := range facts {
				if f.(obj)["category"] == category {
					key = strings.TrimPrefix(f.(obj)["key"].(string), "safestorage://")
					code, _ = e["details"].(obj)["deliveryDetailCode"].(string)
				}
			}
		}
		require.NotEmpty(t, key, "%s carries no %s", from.element, category)
		if prefix := r.extra("key_prefix"); prefix != "" {
			require.True(t, strings.HasPrefix(key, prefix), key)
		}
		if words := strings.Fields(value); r.Class == "analog" && len(words) > 1 {
			require.Equal(t, strings.TrimSuffix(words[1], ","), code)
		}
		status := int(r.Expect["http_status"].(float64))
		if status != 200 {
			other := c.as("other")
			other.problem(status, other.legalFact(iun, key))
			return
		}
		meta := c.object(status, c.legalFact(iun, key))
		got := c.send(must(http.NewRequestWithContext(t.Context(), "GET", meta["url"].(string), nil)))
		require.Equal(t, 200, got.status)
		require.EqualValues(t, meta["contentLength"], len(got.body))
	})
}

// timings are the terms of the test environments, in the words of the table.
var timings = map[string]struct {
	pec, street string
	courtesy    bool
	from, to    string
}{
	"refinement, digital success": {pec: "x@pec.example.it", from: "DIGITAL_DELIVERY_CREATION_REQUEST", to: "REFINEMENT"},
	"digital_ok":                  {pec: "x@pec.example.it", from: "DIGITAL_DELIVERY_CREATION_REQUEST", to: "REFINEMENT"},
	"refinement, digital failure": {pec: "x@fail.it", from: "DIGITAL_DELIVERY_CREATION_REQUEST", to: "REFINEMENT"},
	"digital_ko":                  {pec: "x@fail.it", from: "DIGITAL_DELIVERY_CREATION_REQUEST", to: "REFINEMENT"},
	"second digital attempt":      {pec: "x@fail.it", from: "SCHEDULE_DIGITAL_WORKFLOW", to: "PREPARE_DIGITAL_DOMICILE"},
	"wait after courtesy message": {street: "Via @OK_AR", courtesy: true, from: "SEND_COURTESY_MESSAGE", to: "PREPARE_ANALOG_DOMICILE"},
	"paper_ok":                    {street: "Via @OK_AR", from: "SEND_ANALOG_FEEDBACK", to: "REFINEMENT"},
	"paper_ko":                    {street: "Via @FAIL-Irreperibile_AR", from: "ANALOG_FAILURE_WORKFLOW", to: "REFINEMENT"},
}

// termOf names the term that a timing sets.
func termOf(t *sendtest.Terms, name string) *time.Duration {
	switch {
	case name == "digital_ok" || strings.HasSuffix(name, "digital success"):
		return &t.DigitalSuccess
	case name == "digital_ko" || strings.HasSuffix(name, "digital failure"):
		return &t.DigitalFailure
	case strings.HasPrefix(name, "paper"):
		return &t.Analog
	case strings.HasPrefix(name, "second"):
		return &t.SecondDigital
	}
	return &t.AfterCourtesy
}

// TestOfficialStatusRules holds the rules that are not rows of the state map,
// which TestOfficialTransitions holds.
func TestOfficialStatusRules(t *testing.T) {
	eachRow(t, "status_rules", func(t *testing.T, r row) {
		switch r.Class {
		case "transition":
			require.Contains(t, r.Expect, "from") // see TestOfficialTransitions
		case "timing":
			minutes, ok := r.Expect["minutes"].(obj)
			if !ok {
				minutes = obj{r.Trigger["value"].(string): r.Expect["minutes"]}
			}
			for name, n := range minutes {
				holdsTiming(t, name, time.Duration(n.(float64))*time.Minute)
			}
		default:
			run, ok := statusRows[r.ID]
			require.True(t, ok, "a row without a test")
			run(t, r)
		}
	})
}

// holdsTiming sets a term to what an environment has, and measures it.
func holdsTiming(t *testing.T, name string, want time.Duration) {
	t.Helper()
	setup, ok := timings[name]
	require.True(t, ok, name)
	opts := []sendtest.Option{
		sendtest.WithClock(patest.RealTime()),
		sendtest.WithTerms(func(t *sendtest.Terms) { *termOf(t, name) = want }),
	}
	if setup.courtesy {
		opts = append(opts, sendtest.WithCourtesy(person(t, 1), "EMAIL", "x@example.it"))
	}
	c := newClient(t, opts...)
	street := setup.street
	if street == "" {
		street = "Via Esempio 1"
	}
	recipient := toStreet(t, 1, street)
	if setup.pec != "" {
		recipient["digitalDomicile"] = obj{"type": "PEC", "address": setup.pec}
	}
	iun := c.accept(c.request(recipient))
	c.srv.Clock().Advance(400 * days)
	d := c.detail(iun)
	from, to := timeline(d, setup.from), timeline(d, setup.to)
	require.NotEmpty(t, from)
	require.NotEmpty(t, to)
	start := instant(t, from[len(from)-1]["eventTimestamp"])
	got := instant(t, to[0]["eventTimestamp"]).Sub(start)
	if termIsLegal := strings.HasPrefix(name, "digital_ok") || strings.HasSuffix(name, "success"); termIsLegal && lateInRome(start) {
		want += days
	}
	require.Equal(t, want, got, name)
}

var statusRows = map[string]func(t *testing.T, r row){
	"status-multi-wait-all": func(t *testing.T, _ row) {
		c := newClient(t)
		iun := c.accept(c.request(toPEC(t, 1, "x@pec.example.it"), toStreet(t, 2, "Via @OK_AR_slow")))
		c.until("DIGITAL_SUCCESS_WORKFLOW")
		require.Equal(t, "DELIVERING", c.detail(iun)["notificationStatus"], "one of two has ended")
		c.until("ANALOG_SUCCESS_WORKFLOW")
		require.Equal(t, "DELIVERED", c.detail(iun)["notificationStatus"])
	},
	"status-multi-priority": func(t *testing.T, r row) {
		require.Equal(t, []string{
			"DIGITAL_DELIVERY_CREATION_REQUEST", "ANALOG_SUCCESS_WORKFLOW", "COMPLETELY_UNREACHABLE", "ANALOG_WORKFLOW_RECIPIENT_DECEASED",
		}, texts(r.Expect["priority"]))
		for streets, want := range map[[2]string]string{
			{"Via @FAIL_DECEDUTO_AR", "Via @FAIL-Irreperibile_AR"}: "UNREACHABLE",
			{"Via @FAIL_DECEDUTO_AR", "Via @OK_AR"}:                "DELIVERED",
			{"Via @FAIL-Irreperibile_AR", "Via @OK_AR"}:            "DELIVERED",
			{"Via @FAIL_DECEDUTO_AR", "Via @FAIL_DECEDUTO_AR"}:     "RETURNED_TO_SENDER",
		} {
			c := newClient(t)
			iun := c.accept(c.request(toStreet(t, 1, streets[0]), toStreet(t, 2, streets[1])))
			c.srv.Clock().Advance(8 * days)
			require.Equal(t, want, c.detail(iun)["notificationStatus"], "%v", streets)
		}
	},
	"status-history-recomputed": func(t *testing.T, _ row) {
		// The view comes before the outcome does, which is dated earlier.
		c := newClient(t)
		iun := c.accept(c.request(toStreet(t, 1, lateSequence)))
		c.until("SEND_ANALOG_PROGRESS")
		c.srv.Clock().Advance(2 * days)
		require.NoError(t, c.srv.View(iun, 0))
		require.Equal(t, []string{"IN_VALIDATION", "ACCEPTED", "DELIVERING", "VIEWED"}, statusesOf(c.detail(iun)))
		c.srv.Clock().Advance(100 * days)
		require.Equal(t, []string{"IN_VALIDATION", "ACCEPTED", "DELIVERING", "DELIVERED", "VIEWED"}, statusesOf(c.detail(iun)))
	},
	"status-unknown-transition": func(t *testing.T, _ row) {
		c := newClient(t)
		iun := c.accept(c.request(toPEC(t, 1, "x@pec.example.it")))
		require.NoError(t, c.srv.View(iun, 0))
		c.srv.Clock().Advance(time.Minute)
		require.NoError(t, c.srv.RetrieveAtRADD(iun, 0))
		require.Equal(t, "VIEWED", c.detail(iun)["notificationStatus"])
	},
	"status-perf-digital-ok":  perfectionOf("x@pec.example.it", "Via Esempio 1", "DIGITAL_DELIVERY_CREATION_REQUEST"),
	"status-perf-digital-ko":  perfectionOf("x@fail.it", "Via Esempio 1", "DIGITAL_DELIVERY_CREATION_REQUEST"),
	"status-perf-unreachable": perfectionOf("", "Via @FAIL-Irreperibile_AR", "ANALOG_FAILURE_WORKFLOW"),
	"status-perf-deceased": func(t *testing.T, _ row) {
		c := newClient(t)
		iun := c.accept(c.request(toStreet(t, 1, "Via @FAIL_DECEDUTO_AR")))
		c.srv.Clock().Advance(400 * days)
		require.NotContains(t, categories(c.detail(iun)), "SCHEDULE_REFINEMENT")
		require.NotContains(t, categories(c.detail(iun)), "REFINEMENT")
	},
}

func perfectionOf(pec, street, from string) func(t *testing.T, r row) {
	return func(t *testing.T, r row) {
		if from2, ok := r.Expect["from"].(string); ok {
			require.Equal(t, from, from2)
		}
		c := newClient(t)
		recipient := toStreet(t, 1, street)
		if pec != "" {
			recipient["digitalDomicile"] = obj{"type": "PEC", "address": pec}
		}
		iun := c.accept(c.request(recipient))
		c.srv.Clock().Advance(400 * days)
		d := c.detail(iun)
		start := instant(t, timeline(d, from)[0]["eventTimestamp"])
		want := time.Duration(r.Expect["days"].(float64)) * days
		if late, ok := r.Expect["plus_days_if_after"].(obj); ok && lateInRome(start) {
			want += time.Duration(late["days"].(float64)) * days
		}
		require.Equal(t, want, instant(t, timeline(d, "REFINEMENT")[0]["eventTimestamp"]).Sub(start))
	}
}

func lateInRome(at time.Time) bool { return at.In(rome.Location()).Hour() >= 21 }
