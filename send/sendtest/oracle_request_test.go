package sendtest_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/send/sendtest"
)

// fullRequest is a request in order with a payment of each kind.
func (c *client) fullRequest(t *testing.T) obj {
	t.Helper()
	r := c.request(toPEC(t, 1, "nome@pec.example.it"))
	r["recipients"].([]obj)[0]["payments"] = []obj{{
		"pagoPa": obj{"noticeCode": payable, "creditorTaxId": "77777777777", "applyCost": false},
		"f24":    obj{"title": "F24", "applyCost": false, "metadataAttachment": c.upload(jsonType, []byte(`{"f24Elid":{}}`))},
	}}
	return r
}

// requestRows are the rows of sync_errors that take more than the value of one
// field.
var requestRows = map[string]func(t *testing.T, c *client) reply{
	"sync-protocol-token": func(t *testing.T, c *client) reply { return c.again(t, func(obj) {}) },
	"sync-protocol-other-token": func(t *testing.T, c *client) reply {
		return c.again(t, func(r obj) { r["idempotenceToken"] = "other" })
	},
	"sync-protocol-same-pa": func(t *testing.T, c *client) reply {
		r := c.request(toPEC(t, 1, "x@pec.example.it"))
		delete(r, "idempotenceToken")
		c.submit(r)
		return c.send25(r)
	},
	"sync-iuv-other-request": func(t *testing.T, c *client) reply {
		c.accept(delivery(c.request(withNotice(toPEC(t, 1, "x@pec.example.it"), payable))))
		require.Equal(t, 202, c.send25(delivery(c.request(withNotice(toPEC(t, 1, "x@pec.example.it"), "302000000000000002")))).status)
		return c.send25(delivery(c.request(withNotice(toPEC(t, 2, "x@pec.example.it"), payable))))
	},
	"sync-iuv-after-cancelled": func(t *testing.T, c *client) reply {
		iun := c.accept(delivery(c.request(withNotice(toPEC(t, 1, "x@pec.example.it"), payable))))
		c.cancel(iun)
		c.until("NOTIFICATION_CANCELLED")
		return c.send25(delivery(c.request(withNotice(toPEC(t, 2, "x@pec.example.it"), payable))))
	},
	"sync-iuv-two-recipients": func(t *testing.T, c *client) reply {
		return c.send25(delivery(c.request(withNotice(toPEC(t, 1, "x@pec.example.it"), payable), withNotice(toPEC(t, 2, "x@pec.example.it"), payable))))
	},
	"sync-same-attachment": func(t *testing.T, c *client) reply {
		r := delivery(c.request(withNotice(toPEC(t, 1, "x@pec.example.it"), payable)))
		r["recipients"].([]obj)[0]["payments"].([]obj)[0]["pagoPa"].(obj)["attachment"] = r["documents"].([]obj)[0]
		return c.send25(r)
	},
	"sync-notice-twice-one-recipient": func(t *testing.T, c *client) reply {
		r := delivery(c.request(withNotice(toPEC(t, 1, "x@pec.example.it"), payable)))
		first := r["recipients"].([]obj)[0]
		first["payments"] = append(first["payments"].([]obj), first["payments"].([]obj)[0])
		return c.send25(r)
	},
	"sync-16-attachments": func(t *testing.T, c *client) reply {
		r := c.request(toPEC(t, 1, "x@pec.example.it"))
		for i := range 15 {
			r["documents"] = append(r["documents"].([]obj), c.upload(pdfType, pdfOf(2+i)))
		}
		return c.send25(r)
	},
	"sync-16-recipients": func(t *testing.T, c *client) reply {
		var all []obj
		for i := range 16 {
			all = append(all, toPEC(t, 1+i, "x@pec.example.it"))
		}
		return c.send25(c.request(all...))
	},
	"sync-vat-null":   func(t *testing.T, c *client) reply { return c.fees(t, "v2.5", obj{"vat": nil}) },
	"sync-pafee-null": func(t *testing.T, c *client) reply { return c.fees(t, "v2.5", obj{"paFee": nil}) },
	"sync-vat-101":    func(t *testing.T, c *client) reply { return c.fees(t, "v2.5", obj{"vat": 101}) },
	"sync-pafee-minus": func(t *testing.T, c *client) reply {
		return c.fees(t, "v2.5", obj{"paFee": -10})
	},
	"sync-vat-null-async": func(t *testing.T, c *client) reply {
		return c.fees(t, "v2.5", obj{"vat": absent, "pagoPaIntMode": "ASYNC"})
	},
	"sync-vat-null-v21-async": func(t *testing.T, c *client) reply {
		return c.fees(t, "v2.1", obj{"vat": absent, "pagoPaIntMode": "ASYNC"})
	},
	"sync-pafee-null-v21-sync": func(t *testing.T, c *client) reply {
		got := c.fees(t, "v2.1", obj{"paFee": absent, "pagoPaIntMode": "SYNC"})
		c.srv.Clock().Advance(time.Hour)
		require.EqualValues(t, 100, c.price(payable)["paFee"])
		return got
	},
	"sync-vat-null-v21-sync": func(t *testing.T, c *client) reply {
		got := c.fees(t, "v2.1", obj{"vat": absent, "pagoPaIntMode": "SYNC"})
		c.srv.Clock().Advance(time.Hour)
		require.EqualValues(t, 22, c.price(payable)["vat"])
		return got
	},
	"sync-applycost-false-delivery": func(t *testing.T, c *client) reply {
		r := delivery(c.request(withNotice(toPEC(t, 1, "x@pec.example.it"), payable)))
		r["recipients"].([]obj)[0]["payments"].([]obj)[0]["pagoPa"].(obj)["applyCost"] = false
		return c.send25(r)
	},
	"sync-applycost-second-recipient-flat": func(t *testing.T, c *client) reply {
		first := withNotice(toPEC(t, 1, "x@pec.example.it"), payable)
		first["payments"].([]obj)[0]["pagoPa"].(obj)["applyCost"] = false
		return c.send25(c.request(first, withNotice(toPEC(t, 2, "x@pec.example.it"), "302000000000000002")))
	},
	"sync-async-detail-v1":  func(t *testing.T, c *client) reply { return c.asyncDetail(t, "") },
	"sync-async-detail-v20": func(t *testing.T, c *client) reply { return c.asyncDetail(t, "v2.0/") },
	"sync-vas-not-enabled": func(t *testing.T, c *client) reply {
		r := c.request(toPEC(t, 1, "x@pec.example.it"))
		delete(r["recipients"].([]obj)[0], "physicalAddress")
		return c.send25(r)
	},
	"sync-iun-unknown": func(_ *testing.T, c *client) reply {
		return c.do("GET", "/delivery/notifications/sent/UGYD-XHEZ-KLRM-202208-X-0", nil)
	},
}

// absent stands for a member that is left out.
const absent = "(absent)"

func (c *client) send25(r obj) reply { return c.do("POST", "/delivery/v2.5/requests", r) }

// again sends an accepted request a second time, changed.
func (c *client) again(t *testing.T, change func(obj)) reply {
	t.Helper()
	r := c.request(toPEC(t, 1, "x@pec.example.it"))
	c.accept(r)
	change(r)
	return c.send25(r)
}

// fees sends a request with a payment whose fees are changed.
func (c *client) fees(t *testing.T, version string, change obj) reply {
	t.Helper()
	r := delivery(c.request(withNotice(toPEC(t, 1, "x@pec.example.it"), payable)))
	for name, value := range change {
		if r[name] = value; value == absent {
			delete(r, name)
		}
	}
	return c.do("POST", "/delivery/"+version+"/requests", r)
}

// asyncDetail reads an ASYNC notification through an old version.
func (c *client) asyncDetail(t *testing.T, version string) reply {
	t.Helper()
	r := delivery(c.request(withNotice(toPEC(t, 1, "x@pec.example.it"), payable)))
	r["pagoPaIntMode"] = "ASYNC"
	return c.do("GET", "/delivery/"+version+"notifications/sent/"+c.accept(r), nil)
}

func TestOfficialRequestErrors(t *testing.T) {
	eachRow(t, "sync_errors", func(t *testing.T, r row) {
		c := newClient(t)
		var got reply
		if run, ok := requestRows[r.ID]; ok {
			got = run(t, c)
		} else {
			require.Contains(t, []string{"taxid", "taxonomy", "mandatory", "length", "charset", "address"}, r.Class, "a row without a request")
			request := c.fullRequest(t)
			set(t, request, r)
			got = c.send25(request)
		}
		status := int(r.Expect["http_status"].(float64))
		if status == 202 {
			c.object(202, got)
			return
		}
		text, _ := r.Expect["error_text_contains"].(string)
		require.Contains(t, strings.ToLower(c.problem(status, got)), strings.ToLower(text))
	})
}

// set gives a field, named by its path, the value that a row describes.
func set(t *testing.T, r obj, line row) {
	t.Helper()
	rec := r["recipients"].([]obj)[0]
	path := line.Trigger["field"].(string)
	at, steps := r, strings.Split(path, ".")
	name := steps[len(steps)-1]
	if len(steps) > 1 || path == "physicalAddress" {
		at = rec
		for _, step := range steps[:len(steps)-1] {
			switch step {
			case "recipients[]":
			case "payments[]":
				at = rec["payments"].([]obj)[0]
			default:
				at = at[step].(obj)
			}
		}
	}
	described, ok := line.Trigger["value"].(string)
	if !ok {
		at[name] = nil
		return
	}
	value, kind, _ := strings.Cut(described, " with ")
	value, _, _ = strings.Cut(value, " (")
	number, word, _ := strings.Cut(value, " ")
	n, err := strconv.Atoi(number)
	address := rec["physicalAddress"].(obj)
	switch {
	case kind == "recipientType PG":
		rec["recipientType"], at[name] = "PG", value
	case strings.HasPrefix(kind, "foreignState "):
		address["foreignState"] = strings.TrimPrefix(kind, "foreignState ")
		delete(address, name)
	case err == nil && strings.HasPrefix(word, "character"):
		at[name] = strings.Repeat("1", n)
	case value == "more than 44 characters":
		at[name] = strings.Repeat("a", 45)
	case value == "line break":
		at[name] = "a\nb"
	case value == "characters outside ISO Latin 1":
		at[name] = "Ω"
	case value == "address REVERE, municipality null":
		address["address"], address["municipality"] = "REVERE", nil
	case value == `address "0"`:
		address["address"] = "0"
	default:
		if at[name] = value; line.Class == "address" {
			address["foreignState"] = "FRANCIA"
		}
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

func TestOfficialRefusals(t *testing.T) {
	eachRow(t, "refusals", func(t *testing.T, r row) {
		extra, _ := r.Trigger["extra"].(obj)
		opts := []sendtest.Option{
			sendtest.WithSender(sendtest.Sender{
				APIKey: sendtest.APIKey, TaxID: sendtest.SenderTaxID, AddressLookup: true, Over20Grams: extra["sender_enabled_over_20g"] != false,
			}),
			sendtest.WithFailingRegistry("SRFBRD80A01E256Z"),
			sendtest.WithRegistryAddress("FRMTTR76M06B715E", sendtest.Address{Street: "Via Esempio 1", Zip: "87100", Municipality: "Cosenza", Province: "CS"}),
			sendtest.WithRegistryAddress("01113570442", sendtest.Address{Street: "Via del Campo 101", Zip: "00121", Municipality: "Roma", Province: "RM"}),
		}
		if slices.Contains(unknownPlaces, r.ID) {
			opts = append(opts, sendtest.WithNormaliser(func(sendtest.Address) bool { return false }))
		}
		positions := map[string]int64{} // fees on top of the positions that exist
		opts = append(opts, sendtest.WithGPD(func(u sendtest.FeeUpdate) int {
			if u.CreditorTaxID != "77777777777" || u.NoticeCode != payable {
				return 404
			}
			positions[u.NoticeCode] = u.NotificationFee
			return 200
		}))
		c := newClient(t, opts...)
		id := c.submit(refusable(t, c, r))
		iun := c.srv.Notifications()[0].IUN
		c.srv.Clock().Advance(time.Hour)

		state := c.state(id)
		status := texts(r.Expect["statuses_in_order"])[1]
		require.Equal(t, status, state["notificationRequestStatus"], "%v", state["errors"])
		subsequence(t, texts(r.Expect["timeline_categories_in_order"]), c.srv.Notifications()[0].Categories, "categories")
		for i, code := range texts(r.Expect["error_codes"]) {
			require.Equal(t, code, state["errors"].([]any)[i].(obj)["code"])
		}
		for i, text := range texts(r.Expect["error_detail_contains"]) {
			require.Contains(t, state["errors"].([]any)[i].(obj)["detail"], text)
		}
		if r.Expect["iun_readable_after_refusal"] == false {
			c.problem(404, c.do("GET", "/delivery/v2.8/notifications/sent/"+iun, nil))
		}
		if found, ok := r.Expect["found_address"].(obj); ok {
			got := timeline(c.detail(iun), "PUBLIC_REGISTRY_VALIDATION_RESPONSE")[0]["details"].(obj)
			require.Equal(t, found["registry"], got["registry"])
			require.Equal(t, found["address"], got["physicalAddress"].(obj)["address"])
		}
		if before, ok := extra["gpd_amount_before"].(float64); ok {
			require.Contains(t, positions, payable, "the fee had been put on the position")
			require.EqualValues(t, extra["gpd_amount_after"], before+float64(positions[payable]))
		}
	})
}

// refusable makes the request that a row of refusals describes.
func refusable(t *testing.T, c *client, r row) obj {
	t.Helper()
	extra, _ := r.Trigger["extra"].(obj)
	request := c.request(toStreet(t, 1, "Via Esempio 1"))
	first := request["recipients"].([]obj)[0]
	never := func(contentType string) obj {
		slot := c.preload(contentType, onePage)
		return obj{"digests": obj{"sha256": digestOf(onePage)}, "contentType": contentType, "ref": obj{"key": slot["key"], "versionToken": "x"}}
	}
	f24 := func(meta obj) obj {
		return obj{"f24": obj{"title": "F24", "applyCost": false, "metadataAttachment": meta}}
	}
	switch {
	case r.ID == "ref-file-no-preload":
		request["documents"].([]obj)[0]["ref"].(obj)["key"] = "PN_NOTIFICATION_ATTACHMENTS-0.pdf"
	case r.ID == "ref-file-preload-no-upload":
		request["documents"] = []obj{never(pdfType)}
	case r.ID == "ref-file-not-pdf":
		request["documents"] = []obj{c.upload(pdfType, []byte("PK"))}
	case r.ID == "ref-f24-json-missing":
		first["payments"] = []obj{f24(never(jsonType))}
	case r.ID == "ref-taxid-not-registered":
		first["taxId"] = extra["recipientTaxId"]
	case r.Class == "taxid_and_address":
		address := first["physicalAddress"].(obj)
		for name, value := range extra {
			if address[name] = value; value == nil {
				delete(address, name)
			}
		}
	case strings.HasPrefix(r.Class, "twenty_grams"):
		weigh(t, c, request, extra)
	case r.Class == "f24":
		require.Contains(t, wrongF24, r.ID)
		first["payments"] = []obj{f24(c.upload(jsonType, []byte(wrongF24[r.ID])))}
	case r.Class == "payment_async":
		delivery(request)["pagoPaIntMode"] = "ASYNC"
		asynchronous(t, request, r)
	case r.Class == "address_lookup":
		lookUps(t, request, r)
	default:
		require.FailNow(t, "a row without a request")
	}
	return request
}

// weigh makes an envelope of the documents and payments of a row.
func weigh(t *testing.T, c *client, request, extra obj) {
	t.Helper()
	if list, ok := extra["document_pages"].([]any); ok {
		var documents []obj
		for i, n := range list {
			// A comment makes files of equal length differ.
			documents = append(documents, c.upload(pdfType, append(pdfOf(int(n.(float64))), fmt.Sprintf("%% %d\n", i)...)))
		}
		request["documents"] = documents
	}
	payment, _ := extra["payment"].(string)
	if payment == "" {
		return
	}
	item := obj{"pagoPa": obj{"noticeCode": payable, "creditorTaxId": "77777777777", "applyCost": false}}
	if strings.HasPrefix(payment, "pagoPA with attachment") {
		item["pagoPa"].(obj)["attachment"] = c.upload(pdfType, append(pdfOf(1), "% form\n"...))
	}
	if strings.HasSuffix(payment, "F24") {
		item["f24"] = obj{"title": "F24", "applyCost": false, "metadataAttachment": c.upload(jsonType, []byte(`{"f24Elid":{}}`))}
	}
	request["recipients"].([]obj)[0]["payments"] = []obj{item}
}

// asynchronous gives a request the payments that a row describes: those of
// which GPD knows nothing, or knows one.
func asynchronous(t *testing.T, request obj, r row) {
	t.Helper()
	first := request["recipients"].([]obj)[0]
	switch r.ID {
	case "ref-async-unknown-nav":
		request["paFee"] = 10
		withNotice(first, "302011000000000009")
	case "ref-async-other-creditor":
		withNotice(first, payable)["payments"].([]obj)[0]["pagoPa"].(obj)["creditorTaxId"] = "77777777778"
	case "ref-async-no-payments-digital":
		first["digitalDomicile"] = obj{"type": "PEC", "address": "x@pec.example.it"}
	case "ref-async-multi-unknown-nav":
		request["recipients"] = []obj{withNotice(first, "302011000000000008"), withNotice(toPEC(t, 2, "x@pec.example.it"), "302011000000000009")}
	case "ref-async-gpd-restored":
		withNotice(first, payable)
		for _, name := range []string{"municipality", "zip", "province"} {
			first["physicalAddress"].(obj)[name] = r.extra(name)
		}
	default:
		require.FailNow(t, "a row without payments")
	}
}

// lookUps leaves the addresses of the recipients of a row to be found.
func lookUps(t *testing.T, request obj, r row) {
	t.Helper()
	var all []obj
	add := func(taxID, kind string) {
		recipient := toStreet(t, 1, "")
		delete(recipient, "physicalAddress")
		recipient["taxId"], recipient["recipientType"] = taxID, kind
		all = append(all, recipient)
	}
	if taxID := r.extra("taxId"); taxID != "" {
		add(taxID, r.Trigger["recipientType"].(string))
	}
	if list, ok := r.Trigger["extra"].(obj)["recipients"].([]any); ok {
		for _, item := range list {
			add(item.(obj)["taxId"].(string), item.(obj)["type"].(string))
		}
	}
	require.NotEmpty(t, all)
	request["recipients"] = all
}
