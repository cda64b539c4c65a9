package send_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/fiscal"
	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

// The scenarios of the table of expected outcomes drawn from the official
// test-suite, as they are told by the outcomes.

type officialTrigger struct {
	Kind    string            `json:"kind"`
	Value   string            `json:"value"`
	Product send.PhysicalType `json:"physicalCommunicationType"`
	Type    string            `json:"recipientType"`
	TaxID   string            `json:"taxId"`
	Extra   struct {
		TaxID        string `json:"taxId"`
		PEC          string `json:"digitalDomicile"`
		Street       string `json:"physicalAddress"`
		ForeignState string `json:"foreignState"`
		PreOutcomes  bool   `json:"preOutcomeFlag"`
		Email        string `json:"courtesyEmail"`
		Viewed       string `json:"viewed"`
		Changed      string `json:"addressAfterFirstFailure"`
	} `json:"extra"`
}

type officialExpectation struct {
	RecIndex   int         `json:"recIndex"`
	Final      send.Status `json:"final_status"`
	Categories []string    `json:"timeline_categories_in_order"`
	Codes      []string    `json:"delivery_codes_in_order"`
	Attempts   *int        `json:"attempts"`
	Source     string      `json:"digital_address_source"`
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
		Code    send.DeliveryCode
		Status  send.ResponseStatus `json:"response_status"`
		Cause   *send.FailureCause  `json:"failure_cause"`
	} `json:"feedback"`
	GetAddress     map[string]bool   `json:"get_address"`
	PrepareFailure send.FailureCause `json:"prepare_failure"`
	WaitDays       int               `json:"wait_before_paper_days"`
	Viewed         string            `json:"viewed"`
	Courtesy       struct{ Type, Address string }
}

type officialTable struct {
	Scenarios []struct {
		ID         string
		Class      string
		Confidence string
		Trigger    officialTrigger
		Expect     officialExpectation
	}
	Multi []struct {
		ID         string
		Confidence string
		Trigger    struct {
			Product    send.PhysicalType `json:"physicalCommunicationType"`
			Recipients []officialTrigger
		}
		Expect struct {
			PerRecipient []officialExpectation `json:"per_recipient"`
			Final        send.Status           `json:"final_status"`
		}
	} `json:"multi_recipient"`
}

func readOfficial(t *testing.T) officialTable {
	t.Helper()
	dir := os.Getenv("SPECS_DIR")
	if dir == "" {
		t.Skip("SPECS_DIR is not set: the official expectations are not part of the module")
	}
	data, err := os.ReadFile(filepath.Join(dir, "send", "derived", "trigger-expectations.json"))
	require.NoError(t, err)
	var table officialTable
	require.NoError(t, json.Unmarshal(data, &table))
	return table
}

// privateTokens are those whose sequence is not public, with one that does what
// the table says of them.
var privateTokens = map[string]string{
	"@OK-RITARDO_PERFEZIONAMENTO": "Via @sequence.5s-CON080.5s-RECRN001B[DOC:AR].90s-RECRN001C[DELAY:90s]",
	"@FAIL_duplicate_feedback":    "Via @sequence.5s-CON080.5s-RECRN002A[FAILCAUSE:M05].5s-RECRN002B[DOC:Plico].5s-RECRN002C.5s-RECRN002C",
	"@OK_duplicate_feedback":      "Via @sequence.5s-CON080.5s-RECRN001A.5s-RECRN001B[DOC:AR].5s-RECRN001C.5s-RECRN001C",
	"@OK_duplicate_final_event":   "Via @sequence.5s-CON080.5s-RECRN001A.5s-RECRN001B[DOC:AR].5s-RECRN001C.5s-RECRN001B[DOC:AR].5s-RECRN001C",
}

// changingDomiciles are those of the registries that change between the two
// attempts, by tax id: the table gives the outcomes.
var changingDomiciles = map[string][2]string{
	"SHRSWP58T71D544X": {"example@OK-pecFirstFailSecondSuccess.it", "example@FAIL-pecFirstKO.it"},
	"PGVCKH47H05A521N": {"example@OK-pecFirstFailSecondSuccess.it", "example@OK-pecSuccess.it"},
	"VHGRBT95E07L215U": {"example@FAIL-pecFirstKOSecondKO.it", "example@FAIL-pecFirstKO.it"},
}

// officialRecipient is the recipient of a trigger, and what the environment
// holds about it. Where the suite uses a code with a wrong check character, or
// one that has a domicile of its own in the test environment, it is somebody
// who does not exist.
func officialRecipient(t *testing.T, tr officialTrigger, x officialExpectation, class string, n int) (send.Recipient, []sendtest.Option) {
	t.Helper()
	base, _ := notification(n)
	r := base.Recipients[0]
	r.Payments[0].PagoPA.Attachment = nil
	taxID, pec, street := tr.TaxID, tr.Extra.PEC, tr.Extra.Street
	if tr.Extra.TaxID != "" {
		taxID = tr.Extra.TaxID
	}
	switch tr.Kind {
	case "taxid":
		taxID = tr.Value
	case "digital":
		pec = tr.Value
	case "analog":
		street = tr.Value
	}
	if pec == "any OK domicile" {
		pec = "nome@pec.example.it"
	}
	_, err := fiscal.ParseTaxID(taxID)
	switch {
	case tr.Type == "PG":
		r.RecipientType = send.LegalPerson
		if taxID == "" {
			taxID = sendtest.SenderTaxID
		}
	case err != nil, taxID == "GLLGLL64B15G702I" && pec != "":
		taxID = r.TaxID.Value()
	}
	r.TaxID = fiscal.UncheckedTaxID(taxID)
	r.DigitalDomicile = nil
	if pec != "" {
		r.DigitalDomicile = send.PEC(pec)
	}
	for token, sequence := range privateTokens {
		if strings.Contains(street, token) {
			street = sequence
		}
	}
	if street != "" && street != "plain default address" {
		r.PhysicalAddress.Address = street
	}
	r.PhysicalAddress.ForeignState = tr.Extra.ForeignState

	var opts []sendtest.Option
	switch {
	case x.Source == "PLATFORM" && tr.Value == "SERCQ":
		opts = append(opts, sendtest.WithPlatformDomicile(taxID, "SERCQ", "sercq"))
	case x.Source == "PLATFORM" && tr.Extra.Changed != "":
		opts = append(opts, sendtest.WithPlatformDomicile(taxID, "PEC", tr.Value, tr.Extra.Changed))
	case x.Source == "PLATFORM":
		opts = append(opts, sendtest.WithPlatformDomicile(taxID, "PEC", tr.Value))
	case tr.Kind == "taxid" && changingDomiciles[tr.Value] != [2]string{}:
		addresses := changingDomiciles[tr.Value]
		opts = append(opts, sendtest.WithGeneralDomicile(r.TaxID.Value(), addresses[0], addresses[1]))
	case x.Source == "GENERAL" || x.GetAddress["GENERAL"]:
		opts = append(opts, sendtest.WithGeneralDomicile(taxID, "nome@pec.example.it"))
	}
	elsewhere := sendtest.Address{Street: "Via Umbria 5L", Zip: "35127", Municipality: "Padova", Province: "PD"}
	switch {
	case x.PrepareFailure == "D01":
		elsewhere.Zip = ""
		opts = append(opts, sendtest.WithRegistryAddress(taxID, elsewhere))
	case x.PrepareFailure == "D02":
		opts = append(opts, sendtest.WithRegistryAddress(taxID, sendtest.Address{Street: street, Zip: "87100", Municipality: "Cosenza", Province: "CS"}))
	case class == "taxid" && x.Attempts != nil && *x.Attempts == 2:
		opts = append(opts, sendtest.WithRegistryAddress(taxID, elsewhere))
	}
	switch {
	case x.Courtesy.Type != "":
		opts = append(opts, sendtest.WithCourtesy(taxID, x.Courtesy.Type, x.Courtesy.Address))
	case x.WaitDays != 0:
		opts = append(opts, sendtest.WithCourtesy(taxID, "EMAIL", tr.Extra.Email))
	}
	return r, opts
}

// playOfficial lets a notification to these recipients live its life.
func playOfficial(t *testing.T, product send.PhysicalType, recipients []send.Recipient, opts []sendtest.Option, live func(*testing.T, *sendtest.Server, string), check func(*testing.T, *send.SentNotification)) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t, opts...)
		c := clientOf(t, s)
		n, files := notification(1)
		n.Recipients = recipients
		if product != "" {
			n.PhysicalCommunicationType = product
		}
		d, err := c.Submit(t.Context(), n, files)
		require.NoError(t, err)
		d, err = c.Await(t.Context(), d)
		require.NoError(t, err)
		live(t, s, d.IUN)
		sent, err := c.SentNotification(t.Context(), d.IUN)
		require.NoError(t, err)
		requireCounted(t, c, sent)
		check(t, sent)
	})
}

func allPasses(*testing.T, *sendtest.Server, string) { time.Sleep(400 * day) }

// checkOfficial holds the outcome of a recipient against what is expected.
func checkOfficial(t *testing.T, x officialExpectation, r *send.RecipientOutcome) {
	t.Helper()
	perChannel := map[send.Channel]int{}
	sends := map[string]bool{} // an attempt to the old domicile and to the new is one
	var codes []string
	var results []*send.Attempt
	for i := range r.Attempts {
		a := &r.Attempts[i]
		perChannel[a.Channel]++
		sends[fmt.Sprint(a.Channel, a.Number, a.Source)] = a.Channel != send.ChannelSimple
		for _, e := range a.Events {
			codes = append(codes, string(e.Code))
		}
		if a.Result != "" {
			results = append(results, a)
		}
		if x.Source != "" && a.Channel == send.ChannelDigital {
			require.Equal(t, x.Source, string(a.Source))
		}
	}
	for _, c := range x.Codes {
		if name, optional := strings.CutSuffix(c, "?"); !optional && send.DeliveryCode(c).Known() {
			require.Contains(t, codes, name)
		}
	}
	if x.Attempts != nil {
		maps.DeleteFunc(sends, func(_ string, counts bool) bool { return !counts })
		require.Len(t, sends, *x.Attempts)
	}
	if x.Cost != nil {
		if x.Cost.Analog != nil {
			require.Equal(t, *x.Cost.Analog, perChannel[send.ChannelAnalog])
		}
		require.Equal(t, x.Cost.Simple, perChannel[send.ChannelSimple] > 0)
	}
	for i, f := range x.Feedback {
		require.Greater(t, len(results), i)
		a := results[i]
		require.Equal(t, f.Status, a.Result)
		require.Equal(t, f.Attempt, a.Number)
		require.True(t, f.Code == "" || slices.ContainsFunc(a.Events, func(e send.DeliveryEvent) bool { return e.Code == f.Code && e.At.Equal(a.ResultAt) }), f.Code)
		if f.Cause != nil {
			require.Equal(t, *f.Cause, a.Cause)
		}
	}
	if x.PrepareFailure != "" {
		require.Equal(t, x.PrepareFailure, r.NoSecondAttempt)
	}
	if slices.Contains(x.Categories, string(send.CategoryCompletelyUnreachable)) {
		require.NotZero(t, r.UnreachableAt)
	}
	if x.Perfection == nil {
		return
	}
	switch x.Perfection.Kind {
	case "view":
		require.Equal(t, send.PerfectedByView, r.Perfection.Kind)
	case "elapsed":
		require.Equal(t, send.PerfectedByTime, r.Perfection.Kind)
		require.Equal(t, r.Due, r.Perfection.At)
	case "none":
		require.Contains(t, []send.PerfectionKind{send.NeverPerfected, send.NotYetPerfected}, r.Perfection.Kind)
		require.Equal(t, !r.DeceasedAt.IsZero(), r.Perfection.Kind == send.NeverPerfected)
	default:
		t.Fatalf("perfection %q", x.Perfection.Kind)
	}
}

// golden collects reports by class, each under its name.
type golden map[string]*strings.Builder

func (g golden) add(class, id, text string) {
	if g[class] == nil {
		g[class] = &strings.Builder{}
	}
	g[class].WriteString("# " + id + "\n" + text + "\n")
}

func (g golden) require(t *testing.T) {
	for class, b := range g {
		requireGolden(t, "official_"+class, b.String())
	}
}

func TestOutcomesOfOfficialScenarios(t *testing.T) {
	table := readOfficial(t)
	told, played := golden{}, 0
	for _, sc := range table.Scenarios {
		if sc.Confidence == "low" {
			continue
		}
		played++
		ok := t.Run(sc.ID, func(t *testing.T) {
			r, opts := officialRecipient(t, sc.Trigger, sc.Expect, sc.Class, 1)
			opts = append(opts, sendtest.WithPreOutcomes(sc.Trigger.Extra.PreOutcomes))
			playOfficial(t, sc.Trigger.Product, []send.Recipient{r}, opts, allPasses, func(t *testing.T, sent *send.SentNotification) {
				if sc.Expect.Final != "" {
					require.Equal(t, sc.Expect.Final, sent.NotificationStatus)
				}
				o, err := sent.Outcomes()
				require.NoError(t, err)
				checkOfficial(t, sc.Expect, &o.Recipients[0])
				told.add(sc.Class, sc.ID, reportOf(t, sent, pa.Italian))
			})
		})
		if !ok {
			return
		}
	}
	require.Greater(t, played, 100)
	told.require(t)
	t.Log(played, "scenarios played")
}

func TestOutcomesOfOfficialScenariosOfSeveralRecipients(t *testing.T) {
	table := readOfficial(t)
	told := golden{}
	for _, m := range table.Multi {
		if m.Confidence == "low" {
			continue
		}
		ok := t.Run(m.ID, func(t *testing.T) {
			expect := make([]officialExpectation, len(m.Trigger.Recipients))
			var during, later []int // who sees it
			for _, x := range m.Expect.PerRecipient {
				expect[x.RecIndex] = x
				switch x.Viewed {
				case "after SEND_ANALOG_DOMICILE":
					during = append(during, x.RecIndex)
				case "after the deceased element":
					later = append(later, x.RecIndex)
				}
			}
			var recipients []send.Recipient
			var opts []sendtest.Option
			for i, tr := range m.Trigger.Recipients {
				r, more := officialRecipient(t, tr, expect[i], "", i+1)
				recipients, opts = append(recipients, r), append(opts, more...)
				if tr.Extra.Viewed != "" {
					during = append(during, i)
				}
			}
			live := func(t *testing.T, s *sendtest.Server, iun string) {
				time.Sleep(time.Hour)
				for _, i := range during {
					require.NoError(t, s.View(iun, i))
				}
				allPasses(t, s, iun)
				for _, i := range later {
					require.NoError(t, s.View(iun, i))
				}
				if m.Expect.Final == send.StatusCancelled {
					require.NoError(t, s.Cancel(iun))
					time.Sleep(time.Hour)
				}
			}
			playOfficial(t, m.Trigger.Product, recipients, opts, live, func(t *testing.T, sent *send.SentNotification) {
				if m.Expect.Final != "" {
					require.Equal(t, m.Expect.Final, sent.NotificationStatus)
				}
				o, err := sent.Outcomes()
				require.NoError(t, err)
				for _, x := range m.Expect.PerRecipient {
					checkOfficial(t, x, &o.Recipients[x.RecIndex])
				}
				told.add("multi_recipient", m.ID, reportOf(t, sent, pa.Italian))
			})
		})
		if !ok {
			return
		}
	}
	told.require(t)
}
