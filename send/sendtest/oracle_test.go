package sendtest_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/fiscal"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

// The table of expected outcomes drawn from the official test-suite.

type oracle struct {
	Scenarios []scenario `json:"scenarios"`
	Multi     []struct {
		ID         string `json:"id"`
		Confidence string `json:"confidence"`
		Trigger    struct {
			Product    string    `json:"physicalCommunicationType"`
			Recipients []trigger `json:"recipients"`
		} `json:"trigger"`
		Expect struct {
			PerRecipient []expectation `json:"per_recipient"`
			Final        string        `json:"final_status"`
			Statuses     []string      `json:"statuses_in_order"`
			Reached      string        `json:"status_reached"`
		} `json:"expect"`
	} `json:"multi_recipient"`
}

type scenario struct {
	ID         string      `json:"id"`
	Class      string      `json:"class"`
	Confidence string      `json:"confidence"`
	Note       string      `json:"note"`
	Trigger    trigger     `json:"trigger"`
	Expect     expectation `json:"expect"`
}

type trigger struct {
	Kind    string `json:"kind"`
	Value   string `json:"value"`
	Product string `json:"physicalCommunicationType"`
	Type    string `json:"recipientType"`
	TaxID   string `json:"taxId"`
	Extra   struct {
		TaxID        string `json:"taxId"`
		PEC          string `json:"digitalDomicile"`
		Street       string `json:"physicalAddress"`
		ForeignState string `json:"foreignState"`
		Source       string `json:"source"`
		PreOutcomes  bool   `json:"preOutcomeFlag"`
		Viewed       string `json:"viewed"`
		Changed      string `json:"addressAfterFirstFailure"`
		Email        string `json:"courtesyEmail"`
	} `json:"extra"`
}

type expectation struct {
	Statuses   []string `json:"statuses_in_order"`
	Categories []string `json:"timeline_categories_in_order"`
	Unordered  []string `json:"unordered_categories"`
	Absent     []string `json:"absent_categories"`
	Codes      []string `json:"delivery_codes_in_order"`
	Facts      []string `json:"legal_fact_categories"`
	Final      string   `json:"final_status"`
	Attempts   *int     `json:"attempts"`
	Source     string   `json:"digital_address_source"`
	Perfection *struct {
		Kind string
		Days int
	} `json:"perfection"`
	Cost *struct {
		Analog *int `json:"analog_attempts"`
		Simple bool `json:"simple_registered_letter"`
	} `json:"cost"`
	Feedback []struct {
		Attempt int
		Code    string
		Status  string  `json:"response_status"`
		Cause   *string `json:"failure_cause"`
	} `json:"feedback"`
	Delivered string          `json:"delivered_address"`
	Cause     string          `json:"failure_cause"` // the last
	CodesOf   string          `json:"delivery_codes_category"`
	Fields    []string        `json:"feedback_detail_fields"`
	Addresses map[string]bool `json:"digital_addresses_available"`
	Retry     *struct {
		Minutes int  `json:"delay_minutes"`
		NewSend bool `json:"new_send_domicile_element"`
	} `json:"retry"`
	Duplicates map[string]bool     `json:"duplicates_allowed"`
	Visible    map[string][]string `json:"visible"`
	NotVisible map[string][]string `json:"not_visible"`
	RecIndex   int

	Viewed         string          `json:"viewed"`
	GetAddress     map[string]bool `json:"get_address"`
	PrepareFailure string          `json:"prepare_failure"`
	WaitDays       int             `json:"wait_before_paper_days"`
	DeceasedCost   json.RawMessage `json:"deceased_notificationCost"`
	Courtesy       struct{ Type, Address string }
}

// official returns the bytes of the table.
func official(t *testing.T) []byte {
	t.Helper()
	dir := os.Getenv("SPECS_DIR")
	if dir == "" {
		t.Skip("SPECS_DIR is not set: the official expectations are not part of the module")
	}
	data, err := os.ReadFile(filepath.Join(dir, "send", "derived", "trigger-expectations.json"))
	require.NoError(t, err)
	return data
}

func readOracle(t *testing.T) oracle {
	t.Helper()
	var o oracle
	require.NoError(t, json.Unmarshal(official(t), &o))
	return o
}

// row is a line of the table as it stands.
type row struct {
	ID, Class, Confidence string
	Trigger, Expect       obj
}

func (r row) String() string { return r.ID }

// extra returns a member of the rest of a trigger.
func (r row) extra(name string) string {
	x, _ := r.Trigger["extra"].(obj)
	s, _ := x[name].(string)
	return s
}

// eachRow runs every row of an array whose confidence is high or medium and
// that is not listed as one that cannot hold.
func eachRow(t *testing.T, array string, run func(t *testing.T, r row)) {
	t.Helper()
	var table map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(official(t), &table))
	var rows []row
	require.NoError(t, json.Unmarshal(table[array], &rows))
	held := 0
	for _, r := range rows {
		if r.Confidence == "low" || notHeld[r.ID] != "" {
			continue
		}
		held++
		t.Run(r.ID, func(t *testing.T) { run(t, r) })
	}
	require.NotZero(t, held)
	t.Logf("%d of %d rows of %s hold", held, len(rows), array)
}

// notHeld are the rows that the simulator cannot play, with the reason.
var notHeld = map[string]string{
	"sync-len-764":        "the contract in force allows 88 characters",
	"sync-zip-abroad-478": "no source states the rule that refuses a foreign postal code of one digit",

	"ref-address-table-373": "the street is longer than a printed row: the service refuses it at once",

	"can-multi-recipient-download":         "the API of the recipients is not simulated",
	"can-recipient-document":               "the API of the recipients is not simulated",
	"can-recipient-pagopa":                 "the API of the recipients is not simulated",
	"can-recipient-sender_ack":             "the API of the recipients is not simulated",
	"can-recipient-pec_receipt":            "the API of the recipients is not simulated",
	"can-recipient-document-after-request": "the API of the recipients is not simulated",
	"can-appio":                            "the API of the recipients is not simulated",

	"view-before-completion-digital": "the outcome of a PEC and the scheduling of the refinement are one instant",
	"view-paid-before-letter":        "the simple registered letter does not wait for DIGITAL_FAILURE_WORKFLOW, as the workflow source has it",
}

// TestOfficialExceptions fails for an entry of the list that excuses nothing.
func TestOfficialExceptions(t *testing.T) {
	var table map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(official(t), &table))
	excused := map[string]bool{}
	for _, raw := range table {
		var rows []row
		if json.Unmarshal(raw, &rows) != nil { // the notes about the table itself
			continue
		}
		for _, r := range rows {
			excused[r.ID] = r.Confidence != "low"
		}
	}
	for id, reason := range notHeld {
		require.True(t, excused[id], "%s is listed and is no row of high or medium confidence", id)
		require.NotEmpty(t, reason, id)
	}
}

// unsettled are the scenarios of low confidence whose sources contradict each
// other. The others of low confidence are played too.
var unsettled = map[string]bool{"ana-fail_rir": true, "ana-fail_consolidatore-ar": true}

// privateTokens are those whose sequence is not public, with one that does what
// the table says of them.
var privateTokens = map[string]string{
	"@OK-RITARDO_PERFEZIONAMENTO": lateSequence,
	"@FAIL_duplicate_feedback":    "Via@sequence.5s-CON080.5s-RECRN002A[FAILCAUSE:M05].5s-RECRN002B[DOC:Plico].5s-RECRN002C.5s-RECRN002C",
	"@OK_duplicate_feedback":      "Via@sequence.5s-CON080.5s-RECRN001A.5s-RECRN001B[DOC:AR].5s-RECRN001C.5s-RECRN001C",
	"@OK_duplicate_final_event":   "Via@sequence.5s-CON080.5s-RECRN001A.5s-RECRN001B[DOC:AR].5s-RECRN001C.5s-RECRN001B[DOC:AR].5s-RECRN001C",
}

// lateSequence is a delivery whose outcome arrives fifteen days after its date.
const lateSequence = "Via@sequence.5s-CON080.5s-RECRN001B[DOC:AR].90s-RECRN001C[DELAY:90s]"

// changingDomiciles are those of the registries that change between the
// attempts: the table gives their outcomes, and the address that was reached.
var changingDomiciles = map[string][2]string{
	"tax-general-retry-shrswp58t71d544x": {"example@OK-pecFirstFailSecondSuccess.it", "example@FAIL-pecFirstKO.it"},
	"tax-general-retry-pgvckh47h05a521n": {"example@OK-pecFirstFailSecondSuccess.it", "example@OK-pecSuccess.it"},
	"tax-general-retry-vhgrbt95e07l215u": {"example@FAIL-pecFirstKOSecondKO.it", "example@FAIL-pecFirstKO.it"},
}

// optionsOf sets up what the test environment holds about a recipient.
func optionsOf(t *testing.T, sc scenario) []sendtest.Option {
	opts := []sendtest.Option{sendtest.WithPreOutcomes(sc.Trigger.Extra.PreOutcomes)}
	taxID := taxIDOf(t, sc.Trigger, 1)
	x := sc.Expect
	switch {
	case x.Source == "PLATFORM" && sc.Trigger.Value == "SERCQ":
		opts = append(opts, sendtest.WithPlatformDomicile(taxID, "SERCQ", "sercq"))
	case x.Source == "PLATFORM" && sc.Trigger.Extra.Changed != "":
		opts = append(opts, sendtest.WithPlatformDomicile(taxID, "PEC", sc.Trigger.Value, sc.Trigger.Extra.Changed))
	case x.Source == "PLATFORM":
		opts = append(opts, sendtest.WithPlatformDomicile(taxID, "PEC", sc.Trigger.Value))
	case changingDomiciles[sc.ID] != [2]string{}:
		addresses := changingDomiciles[sc.ID]
		opts = append(opts, sendtest.WithGeneralDomicile(taxID, addresses[0], addresses[1]))
	case x.Source == "GENERAL" || x.GetAddress["GENERAL"]:
		opts = append(opts, sendtest.WithGeneralDomicile(taxID, "nome@pec.example.it"))
	}
	switch {
	case x.PrepareFailure == "D02":
		opts = append(opts, sendtest.WithRegistryAddress(taxID, sendtest.Address{Street: sc.Trigger.Extra.Street, Zip: "87100", Municipality: "Cosenza", Province: "CS"}))
	case sc.Class == "taxid" && x.Attempts != nil && *x.Attempts == 2:
		opts = append(opts, sendtest.WithRegistryAddress(taxID, sendtest.Address{Street: "Via Umbria 5L", Zip: "35127", Municipality: "Padova", Province: "PD"}))
	}
	switch {
	case x.Courtesy.Type != "":
		opts = append(opts, sendtest.WithCourtesy(taxID, x.Courtesy.Type, x.Courtesy.Address))
	case x.WaitDays != 0:
		opts = append(opts, sendtest.WithCourtesy(taxID, "EMAIL", sc.Trigger.Extra.Email))
	}
	return opts
}

func TestOfficialScenarios(t *testing.T) {
	for _, sc := range readOracle(t).Scenarios {
		if unsettled[sc.ID] || notHeld[sc.ID] != "" {
			continue
		}
		t.Run(sc.ID, func(t *testing.T) {
			c := newClient(t, optionsOf(t, sc)...)
			r := c.request(recipientOf(t, sc.Trigger, 1))
			if sc.Trigger.Product != "" {
				r["physicalCommunicationType"] = sc.Trigger.Product
			}
			iun := c.accept(r)
			c.srv.Clock().Advance(400 * days)
			d := c.detail(iun)
			if sc.Expect.Statuses != nil {
				subsequence(t, sc.Expect.Statuses, statusesOf(d), "statuses")
			}
			if sc.Expect.Final != "" {
				require.Equal(t, sc.Expect.Final, d["notificationStatus"])
			}
			checkRecipient(t, sc.Expect, d, 0)
			var facts []string
			for _, f := range c.list(200, c.do("GET", "/delivery-push/v2.0/"+iun+"/legal-facts", nil)) {
				facts = append(facts, f["legalFactsId"].(obj)["category"].(string))
			}
			for _, f := range sc.Expect.Facts {
				if name, optional := strings.CutSuffix(f, "?"); !optional {
					require.Contains(t, facts, name)
				}
			}
		})
	}
}

// taxIDOf returns the tax id of a trigger, or one of somebody who does not
// exist: also where the suite uses a code with a wrong check character, which
// its environment lets pass, and for the recipient who has a domicile on the
// platform in UAT and none in the environment of the suite.
func taxIDOf(t *testing.T, tr trigger, n int) string {
	t.Helper()
	taxID := tr.TaxID
	if tr.Extra.TaxID != "" {
		taxID = tr.Extra.TaxID
	}
	if tr.Kind == "taxid" {
		taxID = tr.Value
	}
	digital := tr.Kind == "digital" || tr.Extra.PEC != ""
	_, err := fiscal.ParseTaxID(taxID)
	switch {
	case tr.Type == "PG" && taxID == "":
		return "01234567897"
	case tr.Type != "PG" && (err != nil || taxID == "GLLGLL64B15G702I" && digital && tr.Extra.Source != "PLATFORM"):
		return person(t, n)
	}
	return taxID
}

func recipientOf(t *testing.T, tr trigger, n int) obj {
	t.Helper()
	pec, street := tr.Extra.PEC, tr.Extra.Street
	switch tr.Kind {
	case "digital":
		pec = tr.Value
		if pec == "any OK domicile" {
			pec = "nome@pec.example.it"
		}
	case "analog":
		street = cmp.Or(privateTokens[tr.Value], tr.Value)
	}
	if street == "" || street == "plain default address" {
		street = "VIA ROMA 1"
	}
	r := toStreet(t, n, street)
	if pec != "" {
		r["digitalDomicile"] = obj{"type": "PEC", "address": pec}
	}
	r["taxId"] = taxIDOf(t, tr, n)
	if tr.Type != "" {
		r["recipientType"] = tr.Type
	}
	if tr.Extra.ForeignState != "" {
		r["physicalAddress"].(obj)["foreignState"] = tr.Extra.ForeignState
	}
	return r
}

// checkRecipient holds the elements of a recipient against what is expected.
func checkRecipient(t *testing.T, x expectation, d obj, index int) {
	t.Helper()
	var own []obj
	for _, e := range timeline(d, "") {
		details, _ := e["details"].(obj)
		if rec, ok := details["recIndex"]; !ok || rec == float64(index) {
			own = append(own, e)
		}
	}
	var cats, codes []string
	var feedback []obj
	sends, simple := 0, false
	cause := ""
	var progress []time.Time // of the codes that ask for another try
	for _, e := range own {
		category := e["category"].(string)
		cats = append(cats, category)
		details, _ := e["details"].(obj)
		if code, ok := details["deliveryDetailCode"].(string); ok && (x.CodesOf == "" || x.CodesOf == category) {
			codes = append(codes, code)
		}
		if c, ok := details["deliveryFailureCause"].(string); ok {
			cause = c
		}
		if details["shouldRetry"] == true {
			progress = append(progress, instant(t, e["eventTimestamp"]))
		}
		switch category {
		case "SEND_ANALOG_FEEDBACK", "SEND_DIGITAL_FEEDBACK":
			feedback = append(feedback, details)
		case "SEND_ANALOG_DOMICILE":
			sends++
		case "SEND_SIMPLE_REGISTERED_LETTER":
			simple = true
		case "SEND_DIGITAL_DOMICILE":
			if x.Source != "" {
				require.Equal(t, x.Source, details["digitalAddressSource"])
			}
		}
	}
	if x.Cause != "" {
		require.Equal(t, x.Cause, cause)
	}
	for _, name := range x.Fields {
		require.Contains(t, feedback[0], name)
	}
	if x.Retry != nil {
		require.GreaterOrEqual(t, len(progress), 2)
		gap := progress[1].Sub(progress[0])
		require.GreaterOrEqual(t, gap, time.Duration(x.Retry.Minutes)*time.Minute)
		require.Less(t, gap, time.Duration(x.Retry.Minutes+1)*time.Minute)
		require.False(t, x.Retry.NewSend)
		require.Equal(t, 1, strings.Count(strings.Join(cats, " ")+" ", "SEND_DIGITAL_DOMICILE "))
	}
	subsequence(t, x.Categories, cats, "categories")
	subsequence(t, x.Codes, codes, "codes")
	for _, c := range x.Unordered {
		require.Contains(t, cats, c)
	}
	for _, c := range x.Absent {
		require.NotContains(t, cats, c)
	}
	for _, c := range x.Visible["b2b"] {
		require.Contains(t, codes, c)
	}
	for _, c := range x.NotVisible["b2b"] {
		require.NotContains(t, codes, c)
	}
	if x.Feedback != nil && x.Attempts != nil {
		require.Len(t, feedback, len(x.Feedback))
	}
	for i, f := range x.Feedback {
		require.Equal(t, f.Status, feedback[i]["responseStatus"])
		if f.Code != "" {
			require.Equal(t, f.Code, feedback[i]["deliveryDetailCode"])
		}
		if f.Cause != nil {
			require.Equal(t, *f.Cause, feedback[i]["deliveryFailureCause"])
		} else if strings.HasPrefix(f.Code, "R") {
			require.NotContains(t, feedback[i], "deliveryFailureCause")
		}
	}
	for category, allowed := range x.Duplicates {
		if !allowed {
			require.LessOrEqual(t, len(slices.DeleteFunc(slices.Clone(cats), func(c string) bool { return c != category })), 1, category)
		}
	}
	for _, e := range own {
		details, _ := e["details"].(obj)
		switch e["category"] {
		case "DIGITAL_SUCCESS_WORKFLOW":
			if x.Delivered != "" {
				require.Equal(t, x.Delivered, details["digitalAddress"].(obj)["address"])
			}
		case "GET_ADDRESS":
			for _, available := range []map[string]bool{x.GetAddress, x.Addresses} {
				if want, ok := available[details["digitalAddressSource"].(string)]; ok {
					require.Equal(t, want, details["isAvailable"])
				}
			}
		case "PREPARE_ANALOG_DOMICILE_FAILURE":
			if x.PrepareFailure != "" {
				require.Equal(t, x.PrepareFailure, details["failureCause"])
			}
		case "SEND_COURTESY_MESSAGE":
			if x.Courtesy.Type != "" {
				require.Equal(t, obj{"type": x.Courtesy.Type, "address": x.Courtesy.Address}, details["digitalAddress"])
			}
		case "ANALOG_WORKFLOW_RECIPIENT_DECEASED":
			switch string(x.DeceasedCost) {
			case `"set"`:
				require.Contains(t, details, "notificationCost")
			case "null":
				require.NotContains(t, details, "notificationCost")
			}
		}
	}
	if x.Courtesy.Type != "" || x.WaitDays != 0 {
		require.Contains(t, cats, "SEND_COURTESY_MESSAGE")
	}
	if x.Cost != nil {
		if x.Cost.Analog != nil {
			require.Equal(t, *x.Cost.Analog, sends)
		}
		require.Equal(t, x.Cost.Simple, simple)
	}
	checkPerfection(t, x, own)
}

func checkPerfection(t *testing.T, x expectation, own []obj) {
	t.Helper()
	if x.Perfection == nil {
		return
	}
	var from, due, refined time.Time
	for _, e := range own {
		details, _ := e["details"].(obj)
		switch e["category"] {
		case "SEND_DIGITAL_FEEDBACK": // of two addresses the one that was reached counts
			if details["responseStatus"] == "OK" {
				from = instant(t, details["notificationDate"])
			}
		case "DIGITAL_DELIVERY_CREATION_REQUEST":
			if details["endWorkflowStatus"] == "FAILURE" {
				from = instant(t, e["eventTimestamp"])
			}
			require.False(t, from.IsZero())
			require.Equal(t, from, instant(t, details["completionWorkflowDate"]))
		case "ANALOG_FAILURE_WORKFLOW":
			from = instant(t, e["eventTimestamp"])
		case "SEND_ANALOG_FEEDBACK":
			from = instant(t, details["notificationDate"])
		case "SCHEDULE_REFINEMENT":
			due = instant(t, details["schedulingDate"])
		case "REFINEMENT":
			refined = instant(t, e["eventTimestamp"])
		}
	}
	if x.Perfection.Kind != "elapsed" { // none, or the view
		require.Zero(t, refined)
		return
	}
	require.Equal(t, due, refined)
	extra := 0
	if rome, err := time.LoadLocation("Europe/Rome"); err == nil && x.Perfection.Days == 7 && from.In(rome).Hour() >= 21 {
		extra = 1
	}
	require.Equal(t, time.Duration(x.Perfection.Days+extra)*days, due.Sub(from))
}

func instant(t *testing.T, v any) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, fmt.Sprint(v))
	require.NoError(t, err)
	return at
}

// subsequence checks that the wanted values without a question mark come in
// this order; others may lie between.
func subsequence(t *testing.T, want, got []string, what string) {
	t.Helper()
	rest := got
	for _, w := range want {
		if strings.HasSuffix(w, "?") {
			continue
		}
		i := slices.Index(rest, w)
		require.GreaterOrEqual(t, i, 0, "%s: %s is missing after %v in %v", what, w, got[:len(got)-len(rest)], got)
		rest = rest[i+1:]
	}
}

func TestOfficialScenariosOfSeveralRecipients(t *testing.T) {
	for _, m := range readOracle(t).Multi {
		if notHeld[m.ID] != "" {
			continue
		}
		t.Run(m.ID, func(t *testing.T) {
			var opts []sendtest.Option
			for _, x := range m.Expect.PerRecipient {
				if x.PrepareFailure == "D01" {
					opts = append(opts, sendtest.WithRegistryAddress(taxIDOf(t, m.Trigger.Recipients[x.RecIndex], x.RecIndex+1), sendtest.Address{Street: "Via Umbria 5L", Municipality: "Padova", Province: "PD"}))
				}
			}
			c := newClient(t, opts...)
			var recipients []obj
			var during, later []int // who reads it
			for i, tr := range m.Trigger.Recipients {
				recipients = append(recipients, recipientOf(t, tr, i+1))
				if tr.Extra.Viewed != "" {
					during = append(during, i)
				}
			}
			for _, x := range m.Expect.PerRecipient {
				switch x.Viewed {
				case "after SEND_ANALOG_DOMICILE":
					during = append(during, x.RecIndex)
				case "after the deceased element":
					later = append(later, x.RecIndex)
				case "":
				default:
					t.Fatalf("viewed %q", x.Viewed)
				}
			}
			r := c.request(recipients...)
			if m.Trigger.Product != "" {
				r["physicalCommunicationType"] = m.Trigger.Product
			}
			iun := c.accept(r)
			c.srv.Clock().Advance(time.Hour)
			for _, i := range during {
				require.NoError(t, c.srv.View(iun, i))
			}
			c.srv.Clock().Advance(400 * days)
			for _, i := range later {
				require.NoError(t, c.srv.View(iun, i))
			}
			if m.Expect.Final == "CANCELLED" {
				require.NoError(t, c.srv.Cancel(iun))
				c.srv.Clock().Advance(time.Minute)
			}
			d := c.detail(iun)
			subsequence(t, m.Expect.Statuses, statusesOf(d), "statuses")
			if m.Expect.Final != "" {
				require.Equal(t, m.Expect.Final, d["notificationStatus"])
			}
			if m.Expect.Reached != "" {
				require.Contains(t, statusesOf(d), m.Expect.Reached)
			}
			for _, x := range m.Expect.PerRecipient {
				checkRecipient(t, x, d, x.RecIndex)
			}
		})
	}
}
