package send_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/fiscal"
	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

// submit sends a request and returns what came of it.
func (p *player) submit(n send.Notification, files send.Files) error {
	_, err := p.c.Submit(p.t.Context(), n, files)
	return err
}

// requestRows are the rows of sync_errors that take more than the value of one
// field.
var requestRows = map[string]func(p *player) error{
	// The client takes a conflict over its own request for what it is: the
	// deposit goes on with the notification that is there.
	"sync-protocol-token":   func(p *player) error { return p.again(func(*send.Notification) {}) },
	"sync-protocol-same-pa": func(p *player) error { return p.again(func(n *send.Notification) { n.IdempotenceToken = "" }) },
	"sync-protocol-other-token": func(p *player) error {
		return p.again(func(n *send.Notification) { n.IdempotenceToken = "other" })
	},
	"sync-iuv-other-request": func(p *player) error {
		first, files := p.request(owing(toPEC(1, "x@pec.example.it"), payable))
		p.accept(charged(first), files)
		other, files := p.request(owing(toPEC(1, "x@pec.example.it"), secondNotice))
		require.NoError(p.t, p.submit(charged(other), files), "the same recipient, another notice")
		taken, files := p.request(owing(toPEC(2, "x@pec.example.it"), payable))
		err := p.submit(charged(taken), files)
		require.ErrorIs(p.t, err, send.ErrNoticeInUse)
		return err
	},
	"sync-iuv-after-cancelled": func(p *player) error {
		first, files := p.request(owing(toPEC(1, "x@pec.example.it"), payable))
		iun := p.accept(charged(first), files)
		_, err := p.c.Cancel(p.t.Context(), iun)
		require.NoError(p.t, err)
		p.until(iun, send.CategoryNotificationCancelled)
		second, files := p.request(owing(toPEC(2, "x@pec.example.it"), payable))
		return p.submit(charged(second), files)
	},
	"sync-iuv-two-recipients": func(p *player) error {
		n, files := p.request(owing(toPEC(1, "x@pec.example.it"), payable), owing(toPEC(2, "x@pec.example.it"), payable))
		return p.submit(charged(n), files)
	},
	"sync-same-attachment": func(p *player) error {
		n, files := p.request(owing(toPEC(1, "x@pec.example.it"), payable))
		ref := p.upload(files["atto.pdf"], send.ContentPDF)
		n.Documents[0].Attachment, n.Recipients[0].Payments[0].PagoPA.Attachment = ref, &ref
		return p.submit(charged(n), files)
	},
	"sync-notice-twice-one-recipient": func(p *player) error {
		n, files := p.request(owing(owing(toPEC(1, "x@pec.example.it"), payable), payable))
		return p.submit(charged(n), files)
	},
	"sync-16-attachments": func(p *player) error {
		n, files := p.request(toPEC(1, "x@pec.example.it"))
		for i := range 15 {
			name := fmt.Sprint(i)
			n.Documents = append(n.Documents, send.Document{Attachment: send.PDF(name)})
			files[name] = pages(1, name)
		}
		return p.submit(n, files)
	},
	"sync-16-recipients": func(p *player) error {
		var all []send.Recipient
		for i := range 16 {
			all = append(all, toPEC(1+i, "x@pec.example.it"))
		}
		n, files := p.request(all...)
		return p.submit(n, files)
	},
	"sync-vat-null":    func(p *player) error { return p.fees(func(n *send.Notification) { n.VAT = nil }) },
	"sync-pafee-null":  func(p *player) error { return p.fees(func(n *send.Notification) { n.PaFee = nil }) },
	"sync-vat-101":     func(p *player) error { return p.fees(func(n *send.Notification) { n.VAT = new(101) }) },
	"sync-pafee-minus": func(p *player) error { return p.fees(func(n *send.Notification) { n.PaFee = new(fiscal.Cents(-10)) }) },
	"sync-vat-null-async": func(p *player) error {
		return p.fees(func(n *send.Notification) { n.VAT, n.PagoPaIntMode = nil, send.IntModeAsync })
	},
	"sync-applycost-false-delivery": func(p *player) error {
		return p.fees(func(n *send.Notification) { n.Recipients[0].Payments[0].PagoPA.ApplyCost = false })
	},
	"sync-applycost-second-recipient-flat": func(p *player) error {
		first := owing(toPEC(1, "x@pec.example.it"), payable)
		first.Payments[0].PagoPA.ApplyCost = false
		n, files := p.request(first, owing(toPEC(2, "x@pec.example.it"), secondNotice))
		return p.submit(n, files)
	},
	"sync-vas-not-enabled": func(p *player) error {
		n, files := p.request(toPEC(1, "x@pec.example.it"))
		n.Recipients[0].PhysicalAddress = nil
		return p.submit(n, files)
	},
	"sync-iun-unknown": func(p *player) error {
		_, err := p.c.SentNotification(p.t.Context(), "UGYD-XHEZ-KLRM-202208-X-0")
		return err
	},
}

// again sends an accepted request a second time, changed.
func (p *player) again(change func(n *send.Notification)) error {
	n, files := p.request(toPEC(1, "x@pec.example.it"))
	p.accept(n, files)
	change(&n)
	return p.submit(n, files)
}

// fees sends a request whose recipient bears the cost, changed.
func (p *player) fees(change func(n *send.Notification)) error {
	n, files := p.request(owing(toPEC(1, "x@pec.example.it"), payable))
	n = charged(n)
	change(&n)
	return p.submit(n, files)
}

// upload stores a file by the single calls and returns its reference.
func (p *player) upload(f send.File, contentType string) send.Attachment {
	p.t.Helper()
	prepared, slot := p.announce(f, contentType)
	ref, err := p.c.Upload(p.t.Context(), slot, prepared, f)
	require.NoError(p.t, err)
	return send.Attachment{ContentType: contentType, Digests: send.Digests{SHA256: prepared.SHA256}, Ref: ref}
}

func (p *player) announce(f send.File, contentType string) (send.Prepared, send.Slot) {
	p.t.Helper()
	prepared, err := send.Prepare(p.t.Context(), "file", f, contentType)
	require.NoError(p.t, err)
	slots, err := p.c.Preload(p.t.Context(), []send.Prepared{prepared})
	require.NoError(p.t, err)
	return prepared, slots[0]
}

// uncertainRules are the rows that break a rule that is a warning: the client
// must let them reach the platform.
var uncertainRules = []string{
	"sync-16-attachments", "sync-16-recipients", "sync-denomination-45-chars", "sync-denomination-pipe", "sync-denomination-non-latin1", "sync-vas-not-enabled", "sync-mandatory-3",
	"sync-charset-36", "sync-charset-37", "sync-charset-40", "sync-charset-43",
}

// errMistyped is a value that a notification read from JSON cannot have.
var errMistyped = errors.New("not the JSON of a notification")

func TestOfficialRequestErrorsThroughTheClient(t *testing.T) {
	eachOfficial(t, "sync_errors", func(t *testing.T, r *officialRow) {
		p := newPlayer(t)
		var err error
		if run, ok := requestRows[r.ID]; ok {
			err = run(p)
		} else {
			require.Contains(t, []string{"taxid", "taxonomy", "mandatory", "length", "charset", "address"}, r.Class, "a row without a request")
			err = p.withField(r)
		}
		status, text := r.status("http_status"), r.text("error_text_contains")
		platform, reached := errors.AsType[*pa.Error](err)
		switch {
		case status == http.StatusAccepted:
			require.NoError(t, err)
		case status == http.StatusConflict && err == nil:
			require.Equal(t, status, statusOf(p.s, "Submit"), "the platform refused the repeat")
			require.Len(t, p.s.Notifications(), 1, "and the client knows its own request again")
		case reached:
			require.Equal(t, status, platform.StatusCode)
			if text != "instance type (null)" { // the client leaves out what is not set
				require.Contains(t, strings.ToLower(string(platform.Raw())), strings.ToLower(text))
			}
		case status == http.StatusConflict:
			require.ErrorIs(t, err, pa.ErrConflict)
			require.Equal(t, status, statusOf(p.s, "Submit"))
		default:
			require.Equal(t, http.StatusBadRequest, status)
			require.True(t, errors.Is(err, pa.ErrInvalid) || errors.Is(err, errMistyped), "%v", err)
			require.Zero(t, p.s.Count("Submit"), "refused before any network")
		}
		require.True(t, reached || !slices.Contains(uncertainRules, r.ID), "an uncertain rule never keeps a request back: %v", err)
	})
}

// statusOf returns the status of the last call of an operation.
func statusOf(s *sendtest.Server, op string) int {
	status := 0
	for _, x := range s.Exchanges() {
		if x.Op == op {
			status = x.Status
		}
	}
	return status
}

// withField sends a request with a payment of each kind in which a field,
// named by its path, has the value that a row describes. The notification is
// read from JSON, as programs in other languages write it.
func (p *player) withField(r *officialRow) error {
	p.t.Helper()
	recipient := owing(toPEC(1, "nome@pec.example.it"), payable)
	recipient.Payments[0].PagoPA.ApplyCost = false
	recipient.Payments[0].F24 = &send.F24Payment{Title: "F24", MetadataAttachment: send.F24Metadata("f24.json")}
	n, files := p.request(recipient)
	data, err := json.Marshal(n)
	require.NoError(p.t, err)
	var o map[string]any
	require.NoError(p.t, json.Unmarshal(data, &o))
	setField(o, r)
	data, err = json.Marshal(o)
	require.NoError(p.t, err)
	var changed send.Notification
	if err := json.Unmarshal(data, &changed); err != nil {
		return errMistyped
	}
	return p.submit(changed, files)
}

// setField gives a field the value that a row describes.
func setField(o map[string]any, r *officialRow) {
	type object = map[string]any
	recipient := o["recipients"].([]any)[0].(object)
	address := recipient["physicalAddress"].(object)
	path := strings.Split(r.Trigger["field"].(string), ".")
	at, name := o, path[len(path)-1]
	for i, step := range path[:len(path)-1] {
		switch {
		case step == "recipients[]", i == 0 && step != "payments[]":
			at = recipient
		case step == "payments[]":
			at = recipient["payments"].([]any)[0].(object)
		}
		if next, ok := at[step].(object); ok {
			at = next
		}
	}
	described, ok := r.Trigger["value"].(string)
	if !ok {
		at[name] = nil
		return
	}
	value, kind, _ := strings.Cut(described, " with ")
	value, _, _ = strings.Cut(value, " (")
	number, word, _ := strings.Cut(value, " ")
	count, err := strconv.Atoi(number)
	state, abroad := strings.CutPrefix(kind, "foreignState ")
	switch {
	case kind == "recipientType PG":
		recipient["recipientType"], at[name] = "PG", value
	case abroad:
		address["foreignState"] = state
		delete(address, name)
	case err == nil && strings.HasPrefix(word, "character"):
		at[name] = strings.Repeat("1", count)
	case value == "more than 44 characters":
		at[name] = strings.Repeat("a", 45)
	case value == "line break":
		at[name] = "a\nb"
	case value == "characters outside ISO Latin 1":
		at[name] = "Via Ω"
	case value == "address REVERE, municipality null":
		address["address"], address["municipality"] = "REVERE", nil
	case value == `address "0"`:
		address["address"] = "0"
	case r.Class == "address":
		at[name], address["foreignState"] = value, "FRANCIA"
	default:
		at[name] = value
	}
}

// wrongF24 are metadata with the faults that the rows name, of our own making.
var wrongF24 = map[string]string{
	"ref-f24-83_4": `{"f24Simplified":{"taxPayer":{"taxCode":"XXXXXX01A01H501F"},"payments":{"records":[{"applyCost":false,"municipality":"H501","taxType":"3918"}]}}}`,
	"ref-f24-83_5": `{"f24Simplified":{"taxPayer":{},"payments":{"records":[]}}}`,
	"ref-f24-84_3": `{"f24Standard":{"taxPayer":{"taxCode":"01234567897"},"inps":{"records":[{"applyCost":false,"office":"1"}]}}}`,
	"ref-f24-88_5": `{"f24Standard":{"taxPayer":{"taxCode":"01234567897"},"treasury":{"records":[{"applyCost":true,"taxType":"1001","debit":100}]}}}`,
	"ref-f24-95_2": `{"f24Standard":{"taxPayer":{"taxCode":"01234567897"},"localTax":{"records":[{"applyCost":false,"municipality":"roma","taxType":"3918"}]}}}`,
	"ref-f24-95_3": `{"f24Standard":{"taxPayer":{"taxCode":"01234567897"},"region":{"records":[{"applyCost":false,"debit":2147483648}]}}}`,
	"ref-f24-95_6": `{"f24Excise":{"taxPayer":{"taxCode":"01234567897"},"excise":{"records":[{"applyCost":false,"month":"xx"}]}}}`,
	"ref-f24-95_7": `{"f24Elid":{"taxPayer":{"taxCode":"01234567897"},"treasury":{"records":[{"applyCost":false,"id":"1"}]}}}`,
}

// unknownPlaces are addresses that only a normaliser with a table of places can
// refuse.
var unknownPlaces = []string{
	"ref-address-mismatch-2", "ref-address-mismatch-3", "ref-address-table-374", "ref-address-table-376",
	"ref-address-table-377", "ref-address-table-381", "ref-async-gpd-restored",
}

func TestOfficialRefusalsThroughTheClient(t *testing.T) {
	eachOfficial(t, "refusals", func(t *testing.T, r *officialRow) {
		extra, _ := r.Trigger["extra"].(map[string]any)
		positions := map[string]int64{} // fees on top of the position that exists
		opts := []sendtest.Option{
			sendtest.WithSender(sendtest.Sender{
				APIKey: sendtest.APIKey, TaxID: sendtest.SenderTaxID, AddressLookup: true, Over20Grams: extra["sender_enabled_over_20g"] != false,
			}),
			sendtest.WithFailingRegistry("SRFBRD80A01E256Z"),
			sendtest.WithRegistryAddress("FRMTTR76M06B715E", sendtest.Address{Street: "Via Esempio 1", Zip: "87100", Municipality: "Cosenza", Province: "CS"}),
			sendtest.WithRegistryAddress("01113570442", sendtest.Address{Street: "Via del Campo 101", Zip: "00121", Municipality: "Roma", Province: "RM"}),
			sendtest.WithGPD(func(u sendtest.FeeUpdate) int {
				if u.CreditorTaxID != creditor || u.NoticeCode != payable {
					return http.StatusNotFound
				}
				positions[u.NoticeCode] = u.NotificationFee
				return http.StatusOK
			}),
		}
		if slices.Contains(unknownPlaces, r.ID) {
			opts = append(opts, sendtest.WithNormaliser(func(sendtest.Address) bool { return false }))
		}
		p := newPlayer(t, opts...)
		n, files := p.refusable(r)
		d, err := p.c.Submit(t.Context(), n, files)
		if rule := foretold[r.ID]; rule != "" {
			var invalid *pa.ValidationError
			require.ErrorAs(t, err, &invalid)
			require.True(t, slices.ContainsFunc(invalid.Findings, func(f pa.Finding) bool { return f.Rule == rule }), "%v", err)
			require.Equal(t, "REFUSED", r.text("final_status"))
			for name := range r.Expect {
				r.read[name] = true // of a request that does not get there
			}
			return
		}
		require.NoError(t, err)
		d, err = p.c.Await(t.Context(), d)

		statuses := r.texts("statuses_in_order")
		inOrder(t, r.texts("timeline_categories_in_order"), p.s.Notifications()[0].Categories)
		if found := r.object("found_address"); found != nil {
			require.NoError(t, err)
			require.Equal(t, "ACCEPTED", statuses[len(statuses)-1])
			got := p.chronicle(d.IUN).of(send.CategoryPublicRegistryValidationResponse)[0].d
			require.Equal(t, found["registry"], got.Registry)
			require.Equal(t, []any{found["address"], found["zip"], found["municipality"]},
				[]any{got.PhysicalAddress.Address, got.PhysicalAddress.Zip, got.PhysicalAddress.Municipality})
		}
		codes, details := r.texts("error_codes"), r.texts("error_detail_contains")
		if statuses[len(statuses)-1] == "ACCEPTED" {
			require.NoError(t, err)
			require.NotEmpty(t, d.IUN)
			require.Empty(t, codes)
			inOrder(t, statuses, p.chronicle(d.IUN).statuses())
			return
		}
		require.Equal(t, "REFUSED", r.text("final_status"))
		require.ErrorIs(t, err, send.ErrRefused)
		require.Equal(t, send.StageRefused, d.Stage)
		require.Empty(t, d.IUN)
		require.NotEmpty(t, d.Refusals)
		for _, reason := range d.Refusals {
			require.True(t, send.RefusalCode(reason.Code).Known(), reason.Code)
			require.NotContains(t, reason.Message(pa.Italian), reason.Code, "said in words")
		}
		for i, code := range codes {
			require.Equal(t, code, d.Refusals[i].Code)
		}
		for i, text := range details {
			require.Contains(t, d.Refusals[i].Detail, text)
		}
		require.Equal(t, false, r.want("iun_readable_after_refusal"))
		_, err = p.c.SentNotification(t.Context(), p.s.Notifications()[0].IUN)
		require.ErrorIs(t, err, pa.ErrNotFound)
		if before, ok := extra["gpd_amount_before"].(float64); ok {
			require.Contains(t, positions, payable, "the fee had been put on the position")
			require.EqualValues(t, extra["gpd_amount_after"], before+float64(positions[payable]))
		}
	})
}

// refusable makes the request that a row of refusals describes.
func (p *player) refusable(r *officialRow) (send.Notification, send.Files) {
	p.t.Helper()
	extra, _ := r.Trigger["extra"].(map[string]any)
	n, files := p.request(toStreet(1, ""))
	first := &n.Recipients[0]
	never := func(contentType string, f send.File) send.Attachment {
		prepared, slot := p.announce(f, contentType)
		return send.Attachment{ContentType: contentType, Digests: send.Digests{SHA256: prepared.SHA256}, Ref: send.Ref{Key: slot.Key, VersionToken: "x"}}
	}
	f24 := func(a send.Attachment) []send.Payment {
		return []send.Payment{{F24: &send.F24Payment{Title: "F24", MetadataAttachment: a}}}
	}
	switch {
	case r.ID == "ref-file-no-preload":
		n.Documents[0].Attachment = p.upload(files["atto.pdf"], send.ContentPDF)
		n.Documents[0].Ref.Key = "PN_NOTIFICATION_ATTACHMENTS-0.pdf"
	case r.ID == "ref-file-preload-no-upload":
		n.Documents[0].Attachment = never(send.ContentPDF, files["atto.pdf"])
	case r.ID == "ref-file-not-pdf":
		files["atto.pdf"] = send.FromBytes([]byte("PK"))
	case r.ID == "ref-f24-json-missing":
		first.Payments = f24(never(send.ContentJSON, files["f24.json"]))
	case r.ID == "ref-taxid-not-registered":
		first.TaxID = fiscal.UncheckedTaxID(r.extra("recipientTaxId"))
	case r.Class == "taxid_and_address":
		a := first.PhysicalAddress
		for name, field := range map[string]*string{
			"address": &a.Address, "zip": &a.Zip, "municipality": &a.Municipality, "province": &a.Province, "foreignState": &a.ForeignState,
		} {
			if _, ok := extra[name]; ok {
				*field = r.extra(name)
			}
		}
	case strings.HasPrefix(r.Class, "twenty_grams"):
		weigh(&n, files, extra)
	case r.Class == "f24":
		require.Contains(p.t, wrongF24, r.ID)
		files["f24.json"] = send.FromBytes([]byte(wrongF24[r.ID]))
		first.Payments = f24(send.F24Metadata("f24.json"))
	case r.Class == "payment_async":
		n = charged(n)
		n.PagoPaIntMode = send.IntModeAsync
		p.asynchronous(&n, r)
	case r.Class == "address_lookup":
		p.lookUps(&n, r)
	default:
		require.FailNow(p.t, "a row without a request")
	}
	return n, files
}

// weigh makes an envelope of the documents and payments of a row.
func weigh(n *send.Notification, files send.Files, extra map[string]any) {
	if list, ok := extra["document_pages"].([]any); ok {
		n.Documents = nil
		for i, count := range list {
			name := fmt.Sprint("atto-", i)
			files[name] = pages(int(count.(float64)), name)
			n.Documents = append(n.Documents, send.Document{Attachment: send.PDF(name)})
		}
	}
	payment, _ := extra["payment"].(string)
	if payment == "" {
		return
	}
	item := send.Payment{PagoPA: &send.PagoPAPayment{NoticeCode: payable, CreditorTaxID: creditor}}
	if strings.HasPrefix(payment, "pagoPA with attachment") {
		item.PagoPA.Attachment = new(send.PDF("avviso.pdf"))
	}
	if strings.HasSuffix(payment, "F24") {
		item.F24 = &send.F24Payment{Title: "F24", MetadataAttachment: send.F24Metadata("f24.json")}
	}
	n.Recipients[0].Payments = []send.Payment{item}
}

// asynchronous gives a request the payments that a row describes: those of
// which GPD knows nothing, or knows one.
func (p *player) asynchronous(n *send.Notification, r *officialRow) {
	p.t.Helper()
	first := n.Recipients[0]
	switch r.ID {
	case "ref-async-unknown-nav":
		n.PaFee = new(fiscal.Cents(10))
		n.Recipients[0] = owing(first, "302011000000000009")
	case "ref-async-other-creditor":
		n.Recipients[0] = owing(first, payable)
		n.Recipients[0].Payments[0].PagoPA.CreditorTaxID = "77777777778"
	case "ref-async-no-payments-digital":
		n.Recipients[0].DigitalDomicile = send.PEC("x@pec.example.it")
	case "ref-async-multi-unknown-nav":
		n.Recipients = []send.Recipient{owing(first, "302011000000000008"), owing(toPEC(2, "x@pec.example.it"), "302011000000000009")}
	case "ref-async-gpd-restored":
		n.Recipients[0] = owing(first, payable)
		a := first.PhysicalAddress
		a.Municipality, a.Zip, a.Province = r.extra("municipality"), r.extra("zip"), r.extra("province")
	default:
		require.FailNow(p.t, "a row without payments")
	}
}

// lookUps leaves the addresses of the recipients of a row to be found.
func (p *player) lookUps(n *send.Notification, r *officialRow) {
	p.t.Helper()
	n.Recipients = nil
	add := func(taxID, kind string) {
		one := toStreet(1, "")
		one.PhysicalAddress, one.TaxID, one.RecipientType = nil, fiscal.UncheckedTaxID(taxID), send.RecipientType(kind)
		n.Recipients = append(n.Recipients, one)
	}
	if taxID := r.extra("taxId"); taxID != "" {
		add(taxID, r.Trigger["recipientType"].(string))
	}
	list, _ := r.Trigger["extra"].(map[string]any)["recipients"].([]any)
	for _, item := range list {
		add(item.(map[string]any)["taxId"].(string), item.(map[string]any)["type"].(string))
	}
	require.NotEmpty(p.t, n.Recipients)
}

// secret is an API key of the simulator.
func secret(key string) pa.Secret { return pa.NewSecret(key) }
