package conformance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/fiscal"
	"github.com/pa-italia/sdk-go/internal/rome"
	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/pa/patest"
	"github.com/pa-italia/sdk-go/pdnd"
	"github.com/pa-italia/sdk-go/pdnd/pdndtest"
	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

// storage is where the presigned URLs of the simulator lie: they belong to an
// object store and not to the contract.
const storage = "/safestorage/"

// sendTalk is a simulator of SEND and what clients say to it.
type sendTalk struct {
	t   *testing.T
	srv *sendtest.Server
	rec *Recorder
	n   int // notifications made
}

func (k *sendTalk) client(change ...func(*send.Config)) *send.Client {
	k.t.Helper()
	cfg := send.Config{
		Environment: pa.Simulator,
		BaseURL:     k.srv.URL(),
		APIKey:      pa.NewSecret(sendtest.APIKey),
		Transport:   pa.Transport{HTTPClient: &http.Client{Transport: k.rec}},
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := send.New(cfg)
	require.NoError(k.t, err)
	return c
}

func speaking(v send.Versions) func(*send.Config) {
	return func(cfg *send.Config) { cfg.Versions = v }
}

func withKey(key string) func(*send.Config) {
	return func(cfg *send.Config) { cfg.APIKey = pa.NewSecret(key) }
}

// olderVersions are the oldest that clients speak in each area.
var olderVersions = send.Versions{Requests: "v2.3", Sent: "v2.4", Streams: "v2.4", Price: send.V1}

// allVersions are those that clients speak, newest first: a client of each of
// the sets speaks every version of one area or more. The first is production's.
var allVersions = []send.Versions{
	{},
	{Requests: "v2.6", Sent: "v2.9"}, // the next release
	{Requests: "v2.4", Sent: "v2.7", Streams: "v2.8"},
	{Requests: "v2.4", Sent: "v2.6", Streams: "v2.7", Price: send.V1},
	{Requests: "v2.3", Sent: "v2.5", Streams: "v2.6"},
	{Requests: "v2.3", Sent: "v2.5", Streams: "v2.5"},
	olderVersions,
}

// since reports whether a version, or production's where it is "", is at least
// another.
func since(v, first send.Version) bool { return v == "" || v >= first }

// raw makes a call that no client would make and returns the status.
func (k *sendTalk) raw(method, path, body string, header ...string) int {
	k.t.Helper()
	req, err := http.NewRequestWithContext(k.t.Context(), method, k.srv.URL()+path, strings.NewReader(body))
	require.NoError(k.t, err)
	req.Header.Set("X-Api-Key", sendtest.APIKey)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
		if header[i+1] == "" {
			req.Header.Del(header[i])
		}
	}
	res, err := (&http.Client{Transport: k.rec}).Do(req)
	require.NoError(k.t, err)
	require.NoError(k.t, res.Body.Close())
	return res.StatusCode
}

// person is the tax code of somebody who does not exist.
func person(t testing.TB, n int) fiscal.TaxID {
	t.Helper()
	first := fmt.Sprintf("QQQQQQ80A01Z%03d", n%1000)
	check, err := fiscal.CheckChar(first)
	require.NoError(t, err)
	id, err := fiscal.ParseTaxID(first + string(check))
	require.NoError(t, err)
	return id
}

func pdf(text string) send.File {
	return send.FromBytes([]byte("%PDF-1.7\n% " + text + "\n%%EOF\n"))
}

func inCosenza(street string) *send.PhysicalAddress {
	return &send.PhysicalAddress{Address: street, Zip: "87100", Municipality: "COSENZA", Province: "CS"}
}

// act is the least notification: one document, one recipient on paper.
func (k *sendTalk) act(recipients ...send.Recipient) send.Notification {
	k.t.Helper()
	k.n++
	if len(recipients) == 0 {
		recipients = []send.Recipient{{PhysicalAddress: inCosenza("Via Inventata 1")}}
	}
	for i := range recipients {
		r := &recipients[i]
		if r.TaxID.IsZero() {
			r.TaxID = person(k.t, 10*k.n+i)
		}
		if r.RecipientType == "" {
			r.RecipientType = send.NaturalPerson
		}
		r.Denomination = "Persona Inventata"
	}
	return send.Notification{
		PaProtocolNumber:          fmt.Sprintf("2026/%05d", k.n),
		Subject:                   "Avviso di prova",
		Recipients:                recipients,
		Documents:                 []send.Document{{Title: "Atto", Attachment: send.PDF("atto.pdf")}},
		NotificationFeePolicy:     send.FlatRate,
		PhysicalCommunicationType: send.RegisteredLetterAR,
		SenderDenomination:        sendtest.SenderDenomination,
		SenderTaxID:               sendtest.SenderTaxID,
		TaxonomyCode:              "010202N",
	}
}

// full is a notification with everything that a request of a version can have.
func (k *sendTalk) full(v send.Version) send.Notification {
	n := k.act(
		send.Recipient{
			DigitalDomicile: send.PEC("zeta@pec.example.it"),
			PhysicalAddress: &send.PhysicalAddress{
				At: "c/o Inventati", Address: "Via Inventata 1", AddressDetails: "scala B", Zip: "87100", Municipality: "COSENZA",
				MunicipalityDetails: "Centro", Province: "CS", ForeignState: "ITALIA",
			},
		},
		send.Recipient{RecipientType: send.LegalPerson, PhysicalAddress: inCosenza("Via @OK_890")},
	)
	id, err := fiscal.ParseTaxID("01234567897")
	require.NoError(k.t, err)
	n.Recipients[1].TaxID = id
	n.Recipients[0].Payments = []send.Payment{
		{PagoPA: &send.PagoPAPayment{NoticeCode: k.notice(0), CreditorTaxID: sendtest.SenderTaxID, ApplyCost: true, Attachment: new(send.PDF("avviso.pdf"))}},
		{F24: &send.F24Payment{Title: "Rata unica", ApplyCost: true, MetadataAttachment: send.F24Metadata("f24.json")}},
	}
	n.Recipients[1].Payments = []send.Payment{
		{PagoPA: &send.PagoPAPayment{NoticeCode: k.notice(1), CreditorTaxID: sendtest.SenderTaxID, ApplyCost: true}},
	}
	n.Documents = append(n.Documents, send.Document{Title: "Allegato", Attachment: send.PDF("allegato.pdf")})
	n.NotificationFeePolicy, n.PaFee, n.VAT = send.DeliveryMode, new(fiscal.Cents(100)), new(22)
	n.PhysicalCommunicationType = send.RegisteredLetter890
	n.PagoPaIntMode = send.IntModeSync
	n.Abstract = "Un atto inventato"
	n.Amount = new(fiscal.Cents(10_000))
	n.PaymentExpirationDate = pa.Date{Year: 2030, Month: time.January, Day: 31}
	if since(v, "v2.4") {
		n.AdditionalLanguages = []string{"DE"}
	}
	if v == "v2.6" {
		n.PhysicalCommunicationPriority = new(80)
	}
	n.TaxonomyCode = "010101P"
	return n
}

func (k *sendTalk) notice(i int) string { return fmt.Sprintf("302010%010d%02d", k.n, i) }

func files() send.Files {
	return send.Files{
		"atto.pdf": pdf("atto"), "allegato.pdf": pdf("allegato"), "avviso.pdf": pdf("avviso"),
		"f24.json": send.FromBytes([]byte(`{"f24Standard":{}}`)),
	}
}

// accept deposits a notification and returns its IUN.
func (k *sendTalk) accept(c *send.Client, n send.Notification) string {
	k.t.Helper()
	d, err := c.Submit(k.t.Context(), n, files())
	require.NoError(k.t, err)
	status, err := c.RequestStatus(k.t.Context(), d.NotificationRequestID)
	require.NoError(k.t, err)
	require.Equal(k.t, send.RequestWaiting, status.NotificationRequestStatus)
	k.srv.Clock().Advance(time.Hour)
	d, err = c.Await(k.t.Context(), d)
	require.NoError(k.t, err)
	return d.IUN
}

// drain reads a stream to its end.
func (k *sendTalk) drain(c *send.Client, streamID string) []send.Event {
	k.t.Helper()
	var all []send.Event
	for last := ""; ; {
		page, err := c.EventPage(k.t.Context(), streamID, last)
		require.NoError(k.t, err)
		if len(page.Events) == 0 {
			return all
		}
		all, last = append(all, page.Events...), page.Last
	}
}

func (k *sendTalk) read(d *send.Download, err error) {
	k.t.Helper()
	require.NoError(k.t, err)
	content, err := io.ReadAll(d.Body)
	require.NoError(k.t, errors.Join(err, d.Close()))
	require.NotEmpty(k.t, content)
}

// life takes a notification through all operations of a client.
func (k *sendTalk) life(v send.Versions) {
	t, ctx := k.t, k.t.Context()
	c := k.client(speaking(v))
	timeline, err := c.CreateStream(ctx, send.StreamRequest{Title: "timeline", EventType: send.EventTimeline})
	require.NoError(t, err)
	status, err := c.CreateStream(ctx, send.StreamRequest{
		Title: "stati", EventType: send.EventStatus, FilterValues: []string{send.FilterDefault}, WaitForAccepted: since(v.Streams, "v2.7"),
	})
	require.NoError(t, err)
	replacing, err := c.CreateStream(ctx, send.StreamRequest{Title: "stati, dopo", EventType: send.EventStatus, ReplacedStreamID: status.StreamID})
	require.NoError(t, err)
	replaced, err := c.Stream(ctx, status.StreamID)
	require.NoError(t, err)
	require.False(t, replaced.DisabledDate.IsZero())
	change := replacing.StreamRequest
	change.Title, change.FilterValues = "stati, tutti", nil
	updated, err := c.UpdateStream(ctx, replacing.StreamID, change)
	require.NoError(t, err)
	require.Equal(t, change.Title, updated.Title)

	n := k.full(v.Requests)
	iun := k.accept(c, n)
	require.NotEmpty(t, k.drain(c, timeline.StreamID))
	require.NotEmpty(t, k.drain(c, replacing.StreamID))

	price := func() *send.Price {
		p, err := c.Price(ctx, sendtest.SenderTaxID, n.Recipients[0].Payments[0].PagoPA.NoticeCode)
		require.NoError(t, err)
		return p
	}
	require.Positive(t, price().PartialPrice)
	k.srv.Clock().Advance(3 * 24 * time.Hour)
	require.NoError(t, k.srv.View(iun, 0))
	k.srv.Clock().Advance(time.Hour)
	require.False(t, price().NotificationViewDate.IsZero())

	sent, err := c.SentNotification(ctx, iun)
	require.NoError(t, err)
	wait := send.DownloadOptions{MaxWait: 72 * time.Hour}
	k.read(c.Document(ctx, iun, 0, wait))
	k.read(c.PaymentDocument(ctx, iun, 0, send.AttachmentPagoPA, 0, wait))
	k.read(c.PaymentDocument(ctx, iun, 0, send.AttachmentF24, 1, wait))
	facts, err := c.LegalFacts(ctx, iun)
	require.NoError(t, err)
	require.NotEmpty(t, facts)
	for _, f := range facts {
		k.read(c.LegalFact(ctx, iun, f.ID.Key, wait))
	}
	notices := 0
	for i := range sent.Timeline {
		details, err := sent.Timeline[i].Decode()
		require.NoError(t, err)
		if sent.Timeline[i].Category == send.CategoryAARGeneration {
			notices++
			k.read(c.AAR(ctx, iun, details.GeneratedAARURL, wait))
		}
	}
	require.Equal(t, 2, notices)

	// The end: paid, then cancelled all the same.
	require.NoError(t, c.ReportPayments(ctx, send.PaymentEvent{
		NoticeCode: n.Recipients[0].Payments[0].PagoPA.NoticeCode, CreditorTaxID: sendtest.SenderTaxID, PaymentDate: k.srv.Clock().Now(), Amount: 10_200,
	}))
	require.NoError(t, k.srv.RetrieveAtRADD(iun, 1))
	for _, want := range []send.CancellationCode{send.CancellationAccepted, send.CancellationAlreadyCancelled} {
		reply, err := c.Cancel(ctx, iun)
		require.NoError(t, err)
		require.True(t, reply.Has(want))
	}
	k.srv.Clock().Advance(time.Hour)
	sent, err = c.SentNotification(ctx, iun)
	require.NoError(t, err)
	require.Equal(t, send.StatusCancelled, sent.NotificationStatus)
	require.NotEmpty(t, k.drain(c, timeline.StreamID))

	disabled, err := c.DisableStream(ctx, timeline.StreamID)
	require.NoError(t, err)
	require.False(t, disabled.DisabledDate.IsZero())
	list, err := c.ListStreams(ctx)
	require.NoError(t, err)
	for _, s := range list {
		require.NoError(t, c.DeleteStream(ctx, s.StreamID))
	}
}

// next takes over a stream of an older version.
func (k *sendTalk) next() {
	t, ctx := k.t, k.t.Context()
	old, c := k.client(speaking(olderVersions)), k.client()
	s, err := old.CreateStream(ctx, send.StreamRequest{Title: "esiti"})
	require.NoError(t, err)
	k.accept(c, k.act())
	newer, err := c.ReplaceStream(ctx, old, s.StreamID)
	require.NoError(t, err)
	k.accept(c, k.act())
	require.NotEmpty(t, k.drain(old, s.StreamID))
	require.NotEmpty(t, k.drain(c, newer.StreamID))
}

// incidents asks for the state of the platform, in and after two downtimes.
func (k *sendTalk) incidents() {
	t, ctx := k.t, k.t.Context()
	c := k.client()
	status, err := c.PlatformStatus(ctx)
	require.NoError(t, err)
	require.True(t, status.Healthy())
	k.srv.Clock().Advance(90 * time.Minute)
	status, err = c.PlatformStatus(ctx)
	require.NoError(t, err)
	require.Len(t, status.OpenIncidents, 2)
	k.srv.Clock().Advance(time.Hour)
	now := k.srv.Clock().Now().In(rome.Location())
	list, err := c.Downtimes(ctx, now.Year(), now.Month())
	require.NoError(t, err)
	require.Len(t, list, 1)
	_, err = c.DowntimeLegalFact(ctx, list[0].LegalFactID, send.DownloadOptions{})
	require.ErrorIs(t, err, send.ErrNotReady)
	k.srv.Clock().Advance(48 * time.Hour)
	k.read(c.DowntimeLegalFact(ctx, list[0].LegalFactID, send.DownloadOptions{}))
	list, err = c.Downtimes(ctx, now.Year(), now.Month())
	require.NoError(t, err)
	require.True(t, list[0].FileAvailable)

	_, err = c.DowntimeLegalFact(ctx, "PN_DOWNTIME_LEGAL_FACTS-none.pdf", send.DownloadOptions{})
	require.ErrorIs(t, err, pa.ErrNotFound)
	require.Equal(t, 400, k.raw("GET", "/downtime/v1/resolved?year=1999&month=1", ""))
}

// officialTriggers are the values that make the test environment of SEND act
// out a delivery, as the official test-suite uses them.
func officialTriggers(t testing.TB) []send.Recipient {
	t.Helper()
	const name = "send/derived/trigger-expectations.json"
	inManifest(t, name)
	data, err := os.ReadFile(filepath.Join(specsDir(t), filepath.FromSlash(name)))
	require.NoError(t, err)
	var table struct {
		Scenarios []struct {
			Trigger struct {
				Kind, Value string
				Extra       struct{ ForeignState string }
			}
		}
	}
	require.NoError(t, json.Unmarshal(data, &table))
	var all []send.Recipient
	seen := map[string]bool{}
	for _, s := range table.Scenarios {
		key := s.Trigger.Value + s.Trigger.Extra.ForeignState
		if seen[key] {
			continue
		}
		seen[key] = true
		switch s.Trigger.Kind {
		case "analog":
			address := inCosenza(s.Trigger.Value)
			address.ForeignState = s.Trigger.Extra.ForeignState
			all = append(all, send.Recipient{PhysicalAddress: address})
		case "digital":
			all = append(all, send.Recipient{PhysicalAddress: inCosenza("Via Inventata 1"), DigitalDomicile: send.PEC(s.Trigger.Value)})
		}
	}
	require.Greater(t, len(all), 80)
	return all
}

// Recipients whose deliveries depend on what the simulator is told of them.
const (
	courtesyID  = "QQQQQQ85A41Z900"
	platformID  = "QQQQQQ85A41Z901"
	sercqID     = "QQQQQQ85A41Z902"
	generalID   = "QQQQQQ85A41Z903"
	unknownToAE = "QQQQQQ85A41Z904"
)

func known(t testing.TB, first string) fiscal.TaxID {
	t.Helper()
	check, err := fiscal.CheckChar(first)
	require.NoError(t, err)
	id, err := fiscal.ParseTaxID(first + string(check))
	require.NoError(t, err)
	return id
}

func withRecipients(t testing.TB) []sendtest.Option {
	return []sendtest.Option{
		sendtest.WithCourtesy(known(t, courtesyID).Value(), "APPIO", ".."),
		sendtest.WithPlatformDomicile(known(t, platformID).Value(), "PEC", "eta@pec.example.it"),
		sendtest.WithPlatformDomicile(known(t, sercqID).Value(), "SERCQ", "x-pagopa-pn-sercq:send-self:notification-already-delivered"),
		sendtest.WithGeneralDomicile(known(t, generalID).Value(), "theta@fail.it"),
		sendtest.WithUnknownTaxIDs(known(t, unknownToAE).Value()),
	}
}

// lives lets all triggers act out their deliveries and reads what became of
// them through every version.
func (k *sendTalk) lives() {
	t, ctx := k.t, k.t.Context()
	newest := k.client()
	var clients []*send.Client
	for _, v := range allVersions {
		clients = append(clients, k.client(speaking(v)))
	}
	var streams []string
	for _, c := range clients {
		s, err := c.CreateStream(ctx, send.StreamRequest{Title: "tutto", EventType: send.EventTimeline})
		require.NoError(t, err)
		streams = append(streams, s.StreamID)
	}

	recipients := officialTriggers(t)
	home := func(first string) send.Recipient {
		return send.Recipient{TaxID: known(t, first), PhysicalAddress: inCosenza("Via Inventata 1")}
	}
	for _, first := range []string{courtesyID, platformID, sercqID, generalID} {
		recipients = append(recipients, home(first))
	}
	list := make([]send.Notification, 0, len(recipients))
	for i, r := range recipients {
		n := k.act(r)
		if i%2 == 0 {
			n.PhysicalCommunicationType = send.RegisteredLetter890
		}
		list = append(list, n)
	}
	list = append(list, k.act(
		send.Recipient{PhysicalAddress: inCosenza("Via @FAIL-Irreperibile_AR")},
		send.Recipient{PhysicalAddress: inCosenza("Via Inventata 1"), DigitalDomicile: send.PEC("x@fail.it")},
		send.Recipient{PhysicalAddress: inCosenza("Via @FAIL_DECEDUTO_AR")},
	))

	// Requests that are refused, each for another reason.
	refused := []send.Notification{k.act(home(unknownToAE)), k.act(), k.act()}
	refused[1].Recipients[0].PhysicalAddress.Zip = "00000"
	unsuitable := files()
	unsuitable["f24.json"] = send.FromBytes([]byte(`{"f24":{}}`))
	refused[2].Recipients[0].Payments = []send.Payment{{F24: &send.F24Payment{Title: "F24", MetadataAttachment: send.F24Metadata("f24.json")}}}
	list = append(list, refused...)

	deposits := make([]send.Deposit, 0, len(list))
	for _, n := range list {
		d, err := newest.Submit(ctx, n, unsuitable)
		require.NoError(t, err, n.Recipients[0].PhysicalAddress.Address)
		deposits = append(deposits, d)
	}
	k.srv.Clock().Advance(time.Hour)
	var accepted []string
	for _, d := range deposits {
		for i, c := range clients {
			s, err := c.RequestStatus(ctx, d.NotificationRequestID)
			require.NoError(t, err)
			require.NotEqual(t, send.RequestWaiting, s.NotificationRequestStatus)
			if i == 0 && s.IUN != "" {
				accepted = append(accepted, s.IUN)
			}
		}
	}
	require.Len(t, accepted, len(list)-len(refused))
	k.srv.Clock().Advance(400 * 24 * time.Hour)
	reworked := slices.IndexFunc(recipients, func(r send.Recipient) bool { return r.DigitalDomicile == nil })
	require.NoError(t, k.srv.Rework(accepted[reworked], 0, "@FAIL-Irreperibile_AR"))
	k.srv.Clock().Advance(100 * 24 * time.Hour)
	for _, iun := range accepted {
		for _, c := range clients {
			sent, err := c.SentNotification(ctx, iun)
			require.NoError(t, err)
			for i := range sent.Timeline {
				_, err := sent.Timeline[i].Decode()
				require.NoError(t, err)
			}
		}
		_, err := newest.LegalFacts(ctx, iun)
		require.NoError(t, err)
	}
	for i, c := range clients {
		require.Greater(t, len(k.drain(c, streams[i])), 10*len(accepted))
	}
}

// lookups leaves addresses to be found by the platform.
func (k *sendTalk) lookups() {
	c := k.client(func(cfg *send.Config) { cfg.Validation.AddressLookup = true })
	s, err := c.CreateStream(k.t.Context(), send.StreamRequest{Title: "ricerca", EventType: send.EventTimeline})
	require.NoError(k.t, err)
	n := k.act(send.Recipient{RecipientType: send.NaturalPerson})
	d, err := c.Submit(k.t.Context(), n, files())
	require.NoError(k.t, err)
	k.srv.Clock().Advance(time.Hour)
	_, err = c.Await(k.t.Context(), d)
	require.ErrorIs(k.t, err, send.ErrRefused)
	require.NotEmpty(k.t, k.drain(c, s.StreamID))
}

// refusals asks for what is not there and for what is not allowed.
func (k *sendTalk) refusals() {
	t, ctx := k.t, k.t.Context()
	c, old := k.client(), k.client(speaking(olderVersions))
	n := k.full("")
	iun := k.accept(c, n)
	const nobody = "ADEG-HJKL-MNPQ-202601-R-1"
	const noStream = "00000000-0000-4000-8000-00000000dead"
	notice := n.Recipients[0].Payments[0].PagoPA.NoticeCode

	// The gateway: no key, an unknown key.
	require.Equal(t, 401, k.raw("GET", "/delivery-progresses/v2.9/streams", "", "X-Api-Key", ""))
	require.Equal(t, 403, k.raw("GET", "/delivery-progresses/v2.9/streams", "", "X-Api-Key", "unknown"))

	require.Equal(t, 403, k.raw("GET", "/delivery-progresses/v2.9/streams/"+noStream, "", "X-Api-Key", "unknown"))

	// Requests.
	taken := k.full("")
	taken.Recipients[0].Payments = n.Recipients[0].Payments
	_, err := c.Submit(ctx, taken, files())
	require.ErrorIs(t, err, send.ErrNoticeInUse)
	other := k.act()
	other.SenderTaxID = "77777777777"
	_, err = c.Submit(ctx, other, files())
	require.ErrorIs(t, err, pa.ErrForbidden)
	other = k.act()
	other.TaxonomyCode = "999999Z"
	_, err = c.Submit(ctx, other, files())
	require.ErrorIs(t, err, pa.ErrInvalid)
	_, err = c.RequestStatus(ctx, "QUFBQS1BQUFBLUFBQUEtMjAyNjAxLUEtMQ==")
	require.ErrorIs(t, err, pa.ErrNotFound)
	require.Equal(t, 400, k.raw("GET", "/delivery/v2.5/requests", ""))
	require.Equal(t, 400, k.raw("POST", "/delivery/v2.5/requests", `{}`))
	require.Equal(t, 400, k.raw("POST", "/delivery/v2.4/requests", `[]`))
	require.Equal(t, 400, k.raw("POST", "/delivery/attachments/preload", `[{"sha256":"short"}]`))

	// A sent notification and its files.
	_, err = c.SentNotification(ctx, nobody)
	require.ErrorIs(t, err, pa.ErrNotFound)
	_, err = old.SentNotification(ctx, nobody)
	require.ErrorIs(t, err, pa.ErrNotFound)
	_, err = c.SentNotification(ctx, "not-an-iun")
	require.ErrorIs(t, err, pa.ErrInvalid)
	none := send.DownloadOptions{}
	_, err = c.Document(ctx, iun, 9, none)
	require.ErrorIs(t, err, pa.ErrNotFound)
	_, err = c.PaymentDocument(ctx, iun, 1, send.AttachmentF24, 0, none)
	require.ErrorIs(t, err, pa.ErrNotFound)
	_, err = c.PaymentDocument(ctx, iun, 0, "RECEIPT", 0, none)
	require.ErrorIs(t, err, pa.ErrInvalid)
	_, err = c.LegalFacts(ctx, nobody)
	require.ErrorIs(t, err, pa.ErrNotFound)
	_, err = c.LegalFact(ctx, iun, "PN_LEGAL_FACTS-none.pdf", none)
	require.ErrorIs(t, err, pa.ErrNotFound)
	_, err = c.AAR(ctx, iun, "PN_AAR-none.pdf", none)
	require.ErrorIs(t, err, pa.ErrNotFound)
	require.Equal(t, 400, k.raw("GET", "/delivery-push/"+iun+"/document/AAR", ""))

	// Cancellations and payments.
	_, err = c.Cancel(ctx, nobody)
	require.ErrorIs(t, err, pa.ErrNotFound)
	_, err = c.Cancel(ctx, "not-an-iun")
	require.ErrorIs(t, err, pa.ErrInvalid)
	unknown := send.PaymentEvent{NoticeCode: "302099999999999999", CreditorTaxID: sendtest.SenderTaxID, PaymentDate: time.Now(), Amount: 1}
	require.ErrorIs(t, c.ReportPayments(ctx, unknown), pa.ErrNotFound)
	require.Equal(t, 400, k.raw("POST", "/delivery/events/payment/pagopa", `{"events":[{}]}`))

	// Prices.
	for _, c := range []*send.Client{c, old} {
		_, err = c.Price(ctx, sendtest.SenderTaxID, "302099999999999999")
		require.ErrorIs(t, err, send.ErrNoCost)
	}
	_, err = c.Price(ctx, sendtest.SenderTaxID, notice[1:])
	require.ErrorIs(t, err, pa.ErrInvalid)

	// Streams.
	s, err := c.CreateStream(ctx, send.StreamRequest{Title: "uno"})
	require.NoError(t, err)
	_, err = old.EventPage(ctx, s.StreamID, "")
	require.ErrorIs(t, err, send.ErrStreamVersion)
	_, err = old.Stream(ctx, s.StreamID)
	require.ErrorIs(t, err, send.ErrStreamVersion)
	require.ErrorIs(t, old.DeleteStream(ctx, s.StreamID), send.ErrStreamVersion)
	_, err = old.UpdateStream(ctx, s.StreamID, s.StreamRequest)
	require.ErrorIs(t, err, send.ErrStreamVersion)
	_, err = old.DisableStream(ctx, s.StreamID)
	require.ErrorIs(t, err, send.ErrStreamVersion)
	_, err = c.UpdateStream(ctx, noStream, s.StreamRequest)
	require.ErrorIs(t, err, pa.ErrNotFound)
	_, err = c.DisableStream(ctx, noStream)
	require.ErrorIs(t, err, pa.ErrNotFound)
	_, err = c.EventPage(ctx, noStream, "")
	require.ErrorIs(t, err, pa.ErrNotFound)
	require.ErrorIs(t, c.DeleteStream(ctx, noStream), pa.ErrNotFound)
	_, err = c.Stream(ctx, noStream)
	require.Error(t, err)
	_, err = c.CreateStream(ctx, send.StreamRequest{Title: "due", ReplacedStreamID: noStream})
	require.ErrorIs(t, err, pa.ErrNotFound)
	require.Equal(t, 400, k.raw("GET", "/delivery-progresses/v2.9/streams/not-a-uuid", ""))
	require.Equal(t, 400, k.raw("GET", "/delivery-progresses/v2.9/streams/"+s.StreamID+"/events?lastEventId=1", ""))
	require.Equal(t, 400, k.raw("POST", "/delivery-progresses/v2.9/streams", `{"title":"senza gruppi","eventType":"STATUS"}`))
	_, err = c.CreateStream(ctx, send.StreamRequest{Title: "due"})
	require.ErrorIs(t, err, send.ErrTooManyStreams)
	require.Equal(t, 200, k.raw("GET", "/delivery-progresses/v2.9/streams/"+s.StreamID+"/events", ""))
	require.Equal(t, 429, k.raw("GET", "/delivery-progresses/v2.9/streams/"+s.StreamID+"/events", ""), "sooner than it was told")
}

// Keys of the sender that must name a group, and of the one that must come
// with a voucher.
const (
	groupKey   = "00000000-bbbb-4000-8000-5e4d00000002"
	voucherKey = "00000000-cccc-4000-8000-5e4d00000003"
)

func (k *sendTalk) groups() {
	t, ctx := k.t, k.t.Context()
	c := k.client(withKey(groupKey))
	list, err := c.Groups(ctx, send.GroupActive)
	require.NoError(t, err)
	require.Equal(t, []send.Group{{ID: "tributi", Name: "tributi", Status: send.GroupActive}}, list)
	_, err = c.Groups(ctx, "")
	require.NoError(t, err)
	_, err = c.Groups(ctx, "UNKNOWN")
	require.ErrorIs(t, err, pa.ErrInvalid)
	_, err = c.CreateStream(ctx, send.StreamRequest{Title: "senza gruppo"})
	require.ErrorIs(t, err, pa.ErrForbidden)
	s, err := c.CreateStream(ctx, send.StreamRequest{Title: "con gruppo", Groups: []string{"tributi"}})
	require.NoError(t, err)
	_, err = c.Submit(ctx, k.act(), files())
	require.ErrorIs(t, err, pa.ErrInvalid)
	n := k.act()
	n.Group = "tributi"
	k.accept(c, n)
	require.NotEmpty(t, k.drain(c, s.StreamID))
}

// vouchers calls with a key that wants a PDND voucher, with and without one.
func (k *sendTalk) vouchers(token pa.TokenSource) {
	t, ctx := k.t, k.t.Context()
	with := k.client(withKey(voucherKey), func(cfg *send.Config) { cfg.Voucher = token })
	_, err := with.ListStreams(ctx)
	require.NoError(t, err)
	require.Equal(t, 403, k.raw("GET", "/delivery-progresses/v2.9/streams", "", "Authorization", "Bearer x"), "a voucher where none is wanted")
}

func TestSend(t *testing.T) {
	c := load(t, sendDocuments())
	var exchanges []Exchange
	outside := 0
	keep := func(k *sendTalk) {
		exchanges, outside = append(exchanges, k.rec.Exchanges()...), outside+k.rec.Outside()
	}
	inBubble := func(name string, opts func(t *testing.T) []sendtest.Option, talk func(k *sendTalk)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := sendtest.New(t, opts(t)...)
				k := &sendTalk{t: t, srv: srv, rec: NewRecorder(srv.Transport(), storage)}
				defer keep(k) // also where it fails
				talk(k)
			})
		})
	}
	options := func(opts ...sendtest.Option) func(*testing.T) []sendtest.Option {
		return func(*testing.T) []sendtest.Option { return opts }
	}

	cold := sendtest.WithColdStorage(sendtest.ColdStorage{Answers: 1, RetryAfter: 5 * time.Hour})
	for i, v := range allVersions {
		inBubble(fmt.Sprintf("versions %d", i), options(cold), func(k *sendTalk) { k.life(v) })
	}
	inBubble("to a newer version", options(), (*sendTalk).next)
	inBubble("triggers", func(t *testing.T) []sendtest.Option {
		return append(withRecipients(t), sendtest.WithPreOutcomes(true), sendtest.WithTerms(func(terms *sendtest.Terms) { terms.StreamEvents = 1000 * 24 * time.Hour }))
	}, (*sendTalk).lives)
	inBubble("address look-up", options(sendtest.WithSender(sendtest.Sender{
		APIKey: sendtest.APIKey, TaxID: sendtest.SenderTaxID, Denomination: sendtest.SenderDenomination, AddressLookup: true, Over20Grams: true,
	})), (*sendTalk).lookups)
	inBubble("refusals", options(sendtest.WithStreamLimit(1), sendtest.WithRetryAfter(time.Hour, true)), (*sendTalk).refusals)
	inBubble("groups", options(sendtest.WithSender(sendtest.Sender{
		APIKey: groupKey, TaxID: sendtest.SenderTaxID, Denomination: sendtest.SenderDenomination, Groups: []string{"tributi"}, Over20Grams: true,
	})), (*sendTalk).groups)

	t.Run("vouchers", func(t *testing.T) {
		issuer := pdndtest.New(t)
		cfg, err := issuer.Config(pdndtest.ClientID, pdndtest.PurposeID)
		require.NoError(t, err)
		token, err := pdnd.New(cfg)
		require.NoError(t, err)
		srv := sendtest.New(t, sendtest.WithVoucherCheck(issuer.CheckVoucher), sendtest.WithSender(sendtest.Sender{
			APIKey: voucherKey, TaxID: sendtest.SenderTaxID, Denomination: sendtest.SenderDenomination, VoucherRequired: true,
		}), sendtest.WithSender(sendtest.Sender{APIKey: sendtest.APIKey, TaxID: sendtest.SenderTaxID, Denomination: sendtest.SenderDenomination}))
		k := &sendTalk{t: t, srv: srv, rec: NewRecorder(srv.Transport(), storage)}
		defer keep(k)
		k.vouchers(token)
	})
	t.Run("incidents", func(t *testing.T) { // the list of them begins with 2023, a bubble with 2000
		srv := sendtest.New(t,
			sendtest.WithIncident(sendtest.Incident{Functionality: sendtest.NotificationCreate, After: time.Hour, Lasts: time.Hour}),
			sendtest.WithIncident(sendtest.Incident{Functionality: sendtest.NotificationWorkflow, After: time.Hour}))
		k := &sendTalk{t: t, srv: srv, rec: NewRecorder(srv.Transport(), storage)}
		defer keep(k)
		k.incidents()
	})
	t.Run("over sockets", func(t *testing.T) {
		srv := sendtest.New(t, sendtest.WithAddr("127.0.0.1:0"), sendtest.WithClock(patest.Day(10*time.Second)))
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		k := &sendTalk{t: t, srv: srv, rec: NewRecorder(transport, storage)}
		defer keep(k)
		k.life(send.Versions{})
	})

	r := Check(c, exchanges, sendDepartures)
	report(t, c, r, append(olderOperations(c, declaredIn(t, "send")), names(declaredIn(t, "send"))...))
	t.Logf("%d calls to presigned URLs are outside of the contract", outside)

	seen := categoriesIn(t, c, exchanges)
	newest := c.Operation("GET /delivery/v2.8/notifications/sent/{iun}").doc
	var unseen []string
	for category := range newest.elements[newest.Named("TimelineElementV28")].details {
		if seen[category] == 0 {
			unseen = append(unseen, category)
		}
	}
	require.ElementsMatch(t, unseenCategories, unseen, "the list of what the simulator never tells must be exact")
	t.Logf("details of %d categories checked, %d never come", len(seen), len(unseen))
}

// unseenCategories are those that the simulator does not tell, so that the
// shape of their details is not checked.
var unseenCategories = []string{"NOT_HANDLED"} // deprecated

// categoriesIn counts the timeline elements in replies by category.
func categoriesIn(t testing.TB, c *Contract, exchanges []Exchange) map[string]int {
	t.Helper()
	seen := make(map[string]int)
	for _, e := range exchanges {
		op, _ := c.route(e.Method, e.Path)
		if e.Status != http.StatusOK || op == nil {
			continue
		}
		reply := op.spec.Responses.Status(e.Status)
		if reply == nil {
			continue // reported by the check
		}
		content := reply.Value.Content["application/json"]
		if content == nil {
			continue // the state of the platform
		}
		schema := content.Schema.Value
		op.doc.eachElement(schema, parse(t, e.ReplyBody), nil, func(_ *elementSchema, object map[string]any, _ []string) {
			seen[fmt.Sprint(object["category"])]++
		})
	}
	return seen
}

func names(declared []Declared) []string {
	var list []string
	for _, d := range declared {
		list = append(list, d.Operation)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// index is the position of an item in a pointer: what is wrong with one is
// wrong with many.
var index = regexp.MustCompile(`/\d+`)

// report fails the test with what a check found, and prints its counts.
func report(t *testing.T, c *Contract, r *Report, operations []string) {
	t.Helper()
	shown := map[string]int{}
	for _, v := range r.Violations {
		v.At = index.ReplaceAllString(v.At, "/*")
		shown[v.String()]++
	}
	for line, n := range shown {
		t.Errorf("%d× %s", n, line)
	}
	require.Empty(t, r.Unused(), "departures that nothing needs")
	require.Empty(t, r.Unchecked(operations), "operations without an exchange")
	var lines bytes.Buffer
	total := 0
	for _, op := range c.Operations {
		if n := r.Checked[op.String()]; n > 0 {
			total += n
			fmt.Fprintf(&lines, "%6d %s\n", n, op)
		}
	}
	excused := 0
	for _, n := range r.Excused {
		excused += n
	}
	t.Logf("%d exchanges of %d operations checked, %d deviations covered by %d departures\n%s", total, len(r.Checked), excused, len(r.Excused), &lines)
}
