package sendtest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/send/sendtest"
)

func TestDigitalDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t)
		id := c.submit(c.request(toPEC(t, 1, "nome@pec.example.it")))
		waiting := c.state(id)
		require.Equal(t, "WAITING", waiting["notificationRequestStatus"])
		require.EqualValues(t, 10, waiting["retryAfter"])
		require.NotContains(t, waiting, "iun")

		time.Sleep(time.Minute)
		iun := c.state(id)["iun"].(string)
		require.Regexp(t, `^[A-Z]{4}-[A-Z]{4}-[A-Z]{4}-\d{6}-[A-Z]-1$`, iun)
		require.Equal(t, []string{"IN_VALIDATION", "ACCEPTED"}, statusesOf(c.detail(iun)))

		time.Sleep(8 * days)
		d := c.detail(iun)
		require.Equal(t, []string{"IN_VALIDATION", "ACCEPTED", "DELIVERING", "DELIVERED", "EFFECTIVE_DATE"}, statusesOf(d))
		require.Equal(t, "EFFECTIVE_DATE", d["notificationStatus"])
		require.Equal(t, []string{
			"VALIDATE_NORMALIZE_ADDRESSES_REQUEST", "NORMALIZED_ADDRESS", "SENDER_ACK_CREATION_REQUEST", "REQUEST_ACCEPTED",
			"AAR_CREATION_REQUEST", "AAR_GENERATION", "GET_ADDRESS", "GET_ADDRESS",
			"SEND_DIGITAL_DOMICILE", "SEND_DIGITAL_PROGRESS", "SEND_DIGITAL_FEEDBACK",
			"DIGITAL_DELIVERY_CREATION_REQUEST", "SCHEDULE_REFINEMENT", "DIGITAL_SUCCESS_WORKFLOW", "REFINEMENT",
		}, categories(d))
		require.Equal(t, "SEND_DIGITAL.IUN_"+iun+".RECINDEX_0.SOURCE_SPECIAL.REPEAT_false.ATTEMPT_0", timeline(d, "SEND_DIGITAL_DOMICILE")[0]["elementId"])
		require.Equal(t, "DIGITAL_PROG.IUN_"+iun+".RECINDEX_0.SOURCE_SPECIAL.REPEAT_false.ATTEMPT_0.IDX_1", timeline(d, "SEND_DIGITAL_PROGRESS")[0]["elementId"])
		feedback := timeline(d, "SEND_DIGITAL_FEEDBACK")[0]
		delivered, err := time.Parse(time.RFC3339Nano, feedback["eventTimestamp"].(string))
		require.NoError(t, err)
		refined, err := time.Parse(time.RFC3339Nano, timeline(d, "REFINEMENT")[0]["eventTimestamp"].(string))
		require.NoError(t, err)
		require.Equal(t, 7*days, refined.Sub(delivered), "the bubble begins at one o'clock in Rome")
	})
}

func TestDigitalFailure(t *testing.T) {
	c := newClient(t)
	r := toPEC(t, 1, "nome@fail.it")
	r["physicalAddress"].(obj)["address"] = "Via @OK_RS"
	iun := c.accept(c.request(r))
	c.srv.Clock().Advance(30 * days)
	d := c.detail(iun)
	require.Equal(t, []string{"IN_VALIDATION", "ACCEPTED", "DELIVERING", "DELIVERED", "EFFECTIVE_DATE"}, statusesOf(d))
	got := categories(d)
	require.Equal(t, []string{
		"SEND_DIGITAL_DOMICILE", "SEND_DIGITAL_PROGRESS", "SEND_DIGITAL_FEEDBACK",
		"PUBLIC_REGISTRY_CALL", "PUBLIC_REGISTRY_RESPONSE", "GET_ADDRESS", "SCHEDULE_DIGITAL_WORKFLOW",
		"GET_ADDRESS", "GET_ADDRESS", "PREPARE_DIGITAL_DOMICILE",
		"SEND_DIGITAL_DOMICILE", "SEND_DIGITAL_PROGRESS", "SEND_DIGITAL_FEEDBACK",
		"PUBLIC_REGISTRY_CALL", "PUBLIC_REGISTRY_RESPONSE", "GET_ADDRESS",
		"DIGITAL_DELIVERY_CREATION_REQUEST", "SCHEDULE_REFINEMENT", "PREPARE_SIMPLE_REGISTERED_LETTER", "SEND_SIMPLE_REGISTERED_LETTER", "DIGITAL_FAILURE_WORKFLOW",
		"SEND_SIMPLE_REGISTERED_LETTER_PROGRESS", "SEND_SIMPLE_REGISTERED_LETTER_PROGRESS", "SEND_SIMPLE_REGISTERED_LETTER_PROGRESS", "REFINEMENT",
	}, got[8:])
	sends := timeline(d, "SEND_DIGITAL_DOMICILE")
	require.Equal(t, 7*days, instant(t, sends[1]["eventTimestamp"]).Sub(instant(t, timeline(d, "SCHEDULE_DIGITAL_WORKFLOW")[0]["eventTimestamp"])))
	require.EqualValues(t, 1, sends[1]["details"].(obj)["retryNumber"])
	require.EqualValues(t, 194, c.srv.Notifications()[0].Recipients[0].AnalogCost)
	require.Zero(t, c.srv.Notifications()[0].Recipients[0].Attempts)
	require.Equal(t, 15*days, instant(t, timeline(d, "REFINEMENT")[0]["eventTimestamp"]).Sub(instant(t, timeline(d, "DIGITAL_DELIVERY_CREATION_REQUEST")[0]["eventTimestamp"])))
	require.Contains(t, timeline(d, "SEND_DIGITAL_FEEDBACK")[0]["details"], "deliveryFailureCause")
	ids := map[any]bool{}
	for _, e := range timeline(d, "") {
		require.False(t, ids[e["elementId"]], "%s twice", e["elementId"])
		ids[e["elementId"]] = true
	}
}

// TestPaperOutcomes is a built-in part of the official expectations.
func TestPaperOutcomes(t *testing.T) {
	for street, tc := range map[string]struct {
		final    string
		feedback []string // code, outcome, cause
		days     int      // of the term; 0: none
	}{
		"Via @OK_890":                                {"EFFECTIVE_DATE", []string{"RECAG001C OK "}, 10},
		"Via@OK_AR":                                  {"EFFECTIVE_DATE", []string{"RECRN001C OK "}, 10},
		"Via Esempio 1":                              {"EFFECTIVE_DATE", []string{"RECAG001C OK "}, 10},
		"Via @ok-nessuna_cosa":                       {"EFFECTIVE_DATE", []string{"RECRN001C OK "}, 10},
		"Via Brooklyn @OK_890":                       {"EFFECTIVE_DATE", []string{"RECRN001C OK "}, 10},
		"Via @FAIL-nessuna_cosa":                     {"EFFECTIVE_DATE", []string{"RECRN002C OK "}, 10},
		"Via @FAIL_890":                              {"EFFECTIVE_DATE", []string{"RECAG003C OK M05"}, 10},
		"Via @FAIL-Irreperibile_890":                 {"EFFECTIVE_DATE", []string{"RECAG003F KO M03"}, 10},
		"Via @FAIL_IndirizzoInesatto890":             {"EFFECTIVE_DATE", []string{"RECAG003C KO M06"}, 10},
		"Via @FAIL-IndirizzoInesatto_890":            {"EFFECTIVE_DATE", []string{"RECAG003C KO M06"}, 10},
		"Via @FAIL-Discovery_AR":                     {"EFFECTIVE_DATE", []string{"RECRN002F KO M01", "RECRN001C OK "}, 10},
		"Via @FAIL-DiscoveryIrreperibile_AR":         {"EFFECTIVE_DATE", []string{"RECRN002F KO M01", "RECRN002F KO M03"}, 10},
		"Via @OK-Giacenza_AR":                        {"EFFECTIVE_DATE", []string{"RECRN003C OK "}, 10},
		"Via @OK-Giacenza-gt10_AR":                   {"EFFECTIVE_DATE", []string{"PNRN012 OK "}, 10},
		"Via @FAIL-CompiutaGiacenza_AR":              {"EFFECTIVE_DATE", []string{"PNRN012 OK "}, 10},
		"Via @OK-Giacenza-lte10_890":                 {"EFFECTIVE_DATE", []string{"RECAG012 OK "}, 10},
		"Via @OK-Giacenza-gt10-23L_890":              {"EFFECTIVE_DATE", []string{"RECAG012 OK "}, 10},
		"Via @FAIL-Giacenza-lte10_890":               {"EFFECTIVE_DATE", []string{"RECAG007C OK "}, 10},
		"Via @FAIL-Giacenza-gt10_890_no_recag012":    {"EFFECTIVE_DATE", []string{"PNAG012 OK "}, 10},
		"Via @OK-CausaForzaMaggiore_890":             {"EFFECTIVE_DATE", []string{"RECAG001C OK "}, 10},
		"Via @OK-Retry_AR":                           {"EFFECTIVE_DATE", []string{"RECRN001C OK "}, 10},
		"Via @FAIL_DECEDUTO_890":                     {"RETURNED_TO_SENDER", []string{"RECAG003C OK M02"}, 0},
		"Via @OK_AR_BLOCKED":                         {"DELIVERING", nil, 0},
		"Via @sequence.1s-CON080.1s-RECAG002C":       {"EFFECTIVE_DATE", []string{"RECAG002C OK "}, 10},
		"Via @sequence.1s-RECRN002C[FAILCAUSE:M02]":  {"RETURNED_TO_SENDER", []string{"RECRN002C OK M02"}, 0},
		"Via @FAIL_ConsolidatoreIndirizzo-AR":        {"DELIVERING", nil, 0},
		"Via @FAIL-EVENTO-INESISTENTE":               {"DELIVERING", nil, 0},
		"Via @FAIL_RIR":                              {"EFFECTIVE_DATE", []string{"RECRI004C KO "}, 10},
		"Via @OK-NO012-gt10":                         {"DELIVERING", nil, 0},
		"Via @OK-REC008_890":                         {"EFFECTIVE_DATE", []string{"RECAG012 OK "}, 10},
		"Via @OK_PCRETRY_CON996_AR":                  {"EFFECTIVE_DATE", []string{"RECRN002C KO M06"}, 10},
		"Via @OK-GiacenzaDelegato-lte10_890_redrive": {"EFFECTIVE_DATE", []string{"RECAG012 OK "}, 10},
	} {
		t.Run(street, func(t *testing.T) {
			c := newClient(t)
			r := c.request(toStreet(t, 1, street))
			r["physicalCommunicationType"] = "REGISTERED_LETTER_890"
			iun := c.accept(r)
			c.srv.Clock().Advance(200 * days)
			d := c.detail(iun)
			var feedback []string
			for _, e := range timeline(d, "SEND_ANALOG_FEEDBACK") {
				f := e["details"].(obj)
				cause, _ := f["deliveryFailureCause"].(string)
				feedback = append(feedback, f["deliveryDetailCode"].(string)+" "+f["responseStatus"].(string)+" "+cause)
			}
			require.Equal(t, tc.feedback, feedback)
			require.Equal(t, tc.final, d["notificationStatus"])
			x := expectation{}
			x.Perfection = &struct {
				Kind string
				Days int
			}{"elapsed", tc.days}
			if tc.days == 0 {
				x.Perfection.Kind = "none"
			}
			checkPerfection(t, x, timeline(d, ""))
		})
	}
}

func TestSecondAttemptAtTheRegistryAddress(t *testing.T) {
	for name, tc := range map[string]struct {
		at       sendtest.Address
		cause    string
		attempts int
	}{
		"another": {sendtest.Address{Street: "Via Umbria 5", Zip: "35127", Municipality: "Padova", Province: "PD"}, "", 2},
		"equal":   {sendtest.Address{Street: "via @fail-irreperibile_ar", Zip: "87100", Municipality: "Cosenza", Province: "CS"}, "D02", 1},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, sendtest.WithRegistryAddress(person(t, 1), tc.at))
			iun := c.accept(c.request(toStreet(t, 1, "Via @FAIL-Irreperibile_AR")))
			c.srv.Clock().Advance(60 * days)
			d := c.detail(iun)
			require.Len(t, timeline(d, "SEND_ANALOG_DOMICILE"), tc.attempts)
			failures := timeline(d, "PREPARE_ANALOG_DOMICILE_FAILURE")
			if tc.cause == "" {
				require.Empty(t, failures)
				require.Equal(t, "RECRN001C", timeline(d, "SEND_ANALOG_FEEDBACK")[1]["details"].(obj)["deliveryDetailCode"])
				return
			}
			require.Equal(t, tc.cause, failures[0]["details"].(obj)["failureCause"])
			require.Equal(t, []string{"IN_VALIDATION", "ACCEPTED", "DELIVERING", "UNREACHABLE", "EFFECTIVE_DATE"}, statusesOf(d))
		})
	}
}

func TestCourtesyMakesPaperWait(t *testing.T) {
	c := newClient(t, sendtest.WithCourtesy(person(t, 1), "EMAIL", "nome@example.it"))
	iun := c.accept(c.request(toStreet(t, 1, "Via @OK_AR")))
	c.srv.Clock().Advance(4 * days)
	require.NotContains(t, categories(c.detail(iun)), "SEND_ANALOG_DOMICILE")
	c.srv.Clock().Advance(2 * days)
	d := c.detail(iun)
	require.Equal(t, 5*days, instant(t, timeline(d, "SEND_ANALOG_DOMICILE")[0]["eventTimestamp"]).Sub(instant(t, timeline(d, "SEND_COURTESY_MESSAGE")[0]["eventTimestamp"])))
}

func TestDomicilesOfThePlatformAndTheRegistries(t *testing.T) {
	c := newClient(t,
		sendtest.WithPlatformDomicile(person(t, 1), "SERCQ", "sercq"),
		sendtest.WithPlatformDomicile(person(t, 2), "PEC", "due@fail.it"),
		sendtest.WithGeneralDomicile(person(t, 3), "tre@pec.example.it"),
	)
	iun := c.accept(c.request(toPEC(t, 1, "uno@pec.example.it"), toPEC(t, 2, "due@pec.example.it"), toStreet(t, 3, "Via Esempio 1")))
	c.srv.Clock().Advance(days)
	d := c.detail(iun)
	var got [][]any
	for _, e := range timeline(d, "SEND_DIGITAL_FEEDBACK") {
		f := e["details"].(obj)
		got = append(got, []any{f["recIndex"], f["digitalAddress"].(obj)["address"], f["deliveryDetailCode"]})
	}
	require.ElementsMatch(t, [][]any{
		{0.0, "sercq", "Q003"}, {1.0, "due@fail.it", "C004"}, {1.0, "due@pec.example.it", "C003"}, {2.0, "tre@pec.example.it", "C003"},
	}, got)
	require.NotContains(t, categories(d), "SCHEDULE_ANALOG_WORKFLOW")
}

// TestDomicileThatChanges: the second attempt goes to the former address and
// then to the present one, and one delivery is enough.
func TestDomicileThatChanges(t *testing.T) {
	const fails, recovers, works = "x@fail.it", "x@OK-pecFirstFailSecondSuccess.it", "x@pec.example.it"
	for _, tc := range []struct {
		former, present, reached string
		outcomes                 []any
	}{
		{recovers, fails, recovers, []any{"KO", "OK", "KO"}},
		{fails, works, works, []any{"KO", "KO", "OK"}},
		{recovers, works, works, []any{"KO", "OK", "OK"}},
		{fails, fails + ".example", "", []any{"KO", "KO", "KO"}},
		{fails, fails, "", []any{"KO", "KO"}},
	} {
		t.Run(tc.former+" "+tc.present, func(t *testing.T) {
			c := newClient(t, sendtest.WithPlatformDomicile(person(t, 1), "PEC", tc.former, tc.present))
			iun := c.accept(c.request(toStreet(t, 1, "Via Esempio 1")))
			c.srv.Clock().Advance(60 * days)
			d := c.detail(iun)
			var outcomes []any
			for _, e := range timeline(d, "SEND_DIGITAL_FEEDBACK") {
				outcomes = append(outcomes, e["details"].(obj)["responseStatus"])
			}
			require.Equal(t, tc.outcomes, outcomes)
			if tc.reached == "" {
				require.Len(t, timeline(d, "DIGITAL_FAILURE_WORKFLOW"), 1)
				return
			}
			require.Equal(t, tc.reached, timeline(d, "DIGITAL_SUCCESS_WORKFLOW")[0]["details"].(obj)["digitalAddress"].(obj)["address"])
		})
	}
}

func TestView(t *testing.T) {
	c := newClient(t)
	iun := c.accept(c.request(toStreet(t, 1, "Via @FAIL-Discovery_890")))
	require.ErrorIs(t, c.srv.View(iun, 1), sendtest.ErrNotViewable)
	require.ErrorIs(t, c.srv.View("AAAA-AAAA-AAAA-202601-A-1", 0), sendtest.ErrNotViewable)
	c.srv.Clock().Advance(days)
	require.NoError(t, c.srv.View(iun, 0))
	require.NoError(t, c.srv.View(iun, 0))
	c.srv.Clock().Advance(60 * days)
	d := c.detail(iun)
	require.Equal(t, "VIEWED", d["notificationStatus"])
	require.Len(t, timeline(d, "NOTIFICATION_VIEWED"), 1)
	require.Len(t, timeline(d, "SEND_ANALOG_DOMICILE"), 1, "no second attempt for one who has read it")
	require.NotContains(t, categories(d), "SCHEDULE_REFINEMENT")
	require.NotContains(t, categories(d), "REFINEMENT")
	require.EqualValues(t, 500, timeline(d, "NOTIFICATION_VIEWED")[0]["details"].(obj)["notificationCost"])
	require.Equal(t, "RECIPIENT_ACCESS", timeline(d, "NOTIFICATION_VIEWED")[0]["legalFactsIds"].([]any)[0].(obj)["category"])
}

func TestViewRightAfterAcceptanceStopsTheDelivery(t *testing.T) {
	c := newClient(t)
	iun := c.accept(c.request(toStreet(t, 1, "Via @OK_AR")))
	require.NoError(t, c.srv.View(iun, 0))
	c.srv.Clock().Advance(60 * days)
	d := c.detail(iun)
	require.Equal(t, []string{"IN_VALIDATION", "ACCEPTED", "VIEWED"}, statusesOf(d))
	require.NotContains(t, categories(d), "SEND_ANALOG_DOMICILE")
}

func TestViewAfterRefinementHasNoCost(t *testing.T) {
	c := newClient(t)
	iun := c.accept(c.request(toPEC(t, 1, "nome@pec.example.it")))
	c.srv.Clock().Advance(9 * days)
	require.NoError(t, c.srv.View(iun, 0))
	d := c.detail(iun)
	require.Equal(t, []string{"IN_VALIDATION", "ACCEPTED", "DELIVERING", "DELIVERED", "EFFECTIVE_DATE", "VIEWED"}, statusesOf(d))
	require.NotContains(t, timeline(d, "NOTIFICATION_VIEWED")[0]["details"], "notificationCost")
	require.Contains(t, timeline(d, "REFINEMENT")[0]["details"], "notificationCost")
}

// TestOutcomeThatArrivesLate reports a delivery of long ago, after whose term
// the recipient has read the notification.
func TestOutcomeThatArrivesLate(t *testing.T) {
	c := newClient(t)
	iun := c.accept(c.request(toStreet(t, 1, "Via @sequence.5s-CON080.15m-RECRN001B[DOC:AR;DELAY:15m].5s-RECRN001C[DELAY:15m]")))
	c.srv.Clock().Advance(20 * days)
	require.NoError(t, c.srv.View(iun, 0))
	c.srv.Clock().Advance(200 * days)
	d := c.detail(iun)
	refinement := timeline(d, "REFINEMENT")[0]
	require.True(t, instant(t, refinement["eventTimestamp"]).Before(instant(t, timeline(d, "NOTIFICATION_VIEWED")[0]["eventTimestamp"])))
	require.NotContains(t, refinement["details"], "notificationCost", "the access has it")
	require.Equal(t, []string{"IN_VALIDATION", "ACCEPTED", "DELIVERING", "DELIVERED", "EFFECTIVE_DATE", "VIEWED"}, statusesOf(d), "computed again from what is known now")
}

func TestStatusOfSeveralRecipients(t *testing.T) {
	const ok, gone, dead = "Via @OK_AR", "Via @FAIL-Irreperibile_AR", "Via @FAIL_DECEDUTO_AR"
	for name, tc := range map[string]struct {
		streets []string
		viewer  int // -1: nobody
		history []string
	}{
		"all delivered":              {[]string{ok, ok}, -1, []string{"DELIVERED", "EFFECTIVE_DATE"}},
		"one unreachable":            {[]string{ok, gone}, -1, []string{"DELIVERED", "EFFECTIVE_DATE"}},
		"unreachable and deceased":   {[]string{gone, dead}, -1, []string{"UNREACHABLE", "EFFECTIVE_DATE"}},
		"both deceased":              {[]string{dead, dead}, -1, []string{"RETURNED_TO_SENDER"}},
		"another has read it":        {[]string{ok, dead}, 0, []string{"VIEWED"}},
		"the deceased had read it":   {[]string{ok, dead}, 1, []string{"DELIVERED", "EFFECTIVE_DATE"}},
		"deceased alone, had read":   {[]string{dead}, 0, []string{"VIEWED", "RETURNED_TO_SENDER"}},
		"unreachable, deceased read": {[]string{gone, dead}, 1, []string{"UNREACHABLE", "EFFECTIVE_DATE"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t)
			var recipients []obj
			for i, s := range tc.streets {
				recipients = append(recipients, toStreet(t, i+1, s))
			}
			iun := c.accept(c.request(recipients...))
			c.srv.Clock().Advance(time.Hour)
			if tc.viewer >= 0 {
				require.NoError(t, c.srv.View(iun, tc.viewer))
			}
			c.srv.Clock().Advance(60 * days)
			require.Equal(t, append([]string{"IN_VALIDATION", "ACCEPTED", "DELIVERING"}, tc.history...), statusesOf(c.detail(iun)))
		})
	}
}

func TestDeliveryAfterNinePMTakesADayMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(20*time.Hour + 30*time.Minute) // the bubble begins on 1 January 2000 at one o'clock in Rome
		c := newClient(t)
		iun := c.accept(c.request(toPEC(t, 1, "nome@pec.example.it")))
		time.Sleep(9 * days)
		d := c.detail(iun)
		require.Equal(t, 8*days, instant(t, timeline(d, "REFINEMENT")[0]["eventTimestamp"]).Sub(instant(t, timeline(d, "SEND_DIGITAL_FEEDBACK")[0]["eventTimestamp"])))
	})
}

// TestDaysPassAtOnce is what a bubble is for: a client that waits as long as
// it is told sees the whole life.
func TestDaysPassAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, sendtest.WithRetryAfter(15*time.Minute, true))
		began := time.Now()
		id := c.stream(streamOf("STATUS"))
		r := toPEC(t, 1, "nome@fail.it")
		c.submit(c.request(r))
		cursor, last := "", ""
		for last != "EFFECTIVE_DATE" {
			events, wait := c.page(id, cursor)
			for _, e := range events {
				cursor, last = e["eventId"].(string), e["newStatus"].(string)
			}
			d, err := time.ParseDuration(wait + "ms")
			require.NoError(t, err)
			time.Sleep(d)
		}
		require.InDelta(t, 22*24, time.Since(began).Hours(), 1, "seven days to the second attempt, fifteen of term")
	})
}
