package sendtest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/send/sendtest"
)

// TestRequestValidation changes a request that is in order, one thing at a
// time.
func TestRequestValidation(t *testing.T) {
	rec := func(r obj) obj { return r["recipients"].([]obj)[0] }
	addr := func(r obj) obj { return rec(r)["physicalAddress"].(obj) }
	doc := func(r obj) obj { return r["documents"].([]obj)[0] }
	set := func(at func(obj) obj, name string, v any) func(obj) {
		return func(r obj) { at(r)[name] = v }
	}
	del := func(at func(obj) obj, name string) func(obj) {
		return func(r obj) { delete(at(r), name) }
	}
	top := func(r obj) obj { return r }
	pay := func(items ...obj) func(obj) {
		return func(r obj) { rec(r)["payments"] = items }
	}
	notice := func(code string, cost any) obj {
		return obj{"pagoPa": obj{"noticeCode": code, "creditorTaxId": "77777777777", "applyCost": cost}}
	}
	const code = "302000000000000001"
	const body = "PN_INVALID_BODY"
	all := func(fs ...func(obj)) func(obj) {
		return func(r obj) {
			for _, f := range fs {
				f(r)
			}
		}
	}
	policy := all(set(top, "notificationFeePolicy", "DELIVERY_MODE"), set(top, "vat", 22), set(top, "paFee", 100))

	tests := map[string]struct {
		change func(obj)
		status int // 0: accepted
		text   string
	}{
		// gateway
		"subject missing":         {del(top, "subject"), 400, `missing required properties (["subject"])`},
		"null":                    {set(top, "group", nil), 400, "Instance type (null)"},
		"empty enum":              {set(top, "pagoPaIntMode", ""), 400, "not found in enum"},
		"subject too long":        {set(top, "subject", strings.Repeat("a", 135)), 400, "too long"},
		"protocol too long":       {set(top, "paProtocolNumber", strings.Repeat("a", 257)), 400, "too long"},
		"token not ASCII":         {set(top, "idempotenceToken", "à"), 400, "ECMA 262 regex"},
		"vat 101":                 {set(top, "vat", 101), 400, body},
		"paFee negative":          {set(top, "paFee", -10), 400, body},
		"amount with fraction":    {set(top, "amount", 1.5), 400, body},
		"docIdx a number":         {set(doc, "docIdx", 0), 400, "Instance type (integer)"},
		"tax id too short":        {set(rec, "taxId", "1000000000"), 400, "too short"},
		"tax id of no form":       {set(rec, "taxId", "FRMTTRZ6M06B715E"), 400, "ECMA 262 regex"},
		"recipient unknown":       {set(rec, "taxID", "x"), 400, "not allowed by the schema"},
		"no recipients":           {set(top, "recipients", []obj{}), 400, "Array is too short"},
		"no documents":            {set(top, "documents", []obj{}), 400, "Array is too short"},
		"empty payment":           {pay(obj{}), 400, "too few properties"},
		"payment unknown":         {pay(obj{"pagopa": obj{}}), 400, "not allowed by the schema"},
		"notice of 17":            {pay(notice(code[1:], false)), 400, "too short"},
		"applyCost a string":      {pay(notice(code, "true")), 400, "Instance type (string)"},
		"SERCQ":                   {set(rec, "digitalDomicile", obj{"type": "SERCQ", "address": "a@b.it"}), 400, "not found in enum"},
		"PEC without domain":      {set(rec, "digitalDomicile", obj{"type": "PEC", "address": "a"}), 400, "ECMA 262 regex"},
		"zip of brackets":         {set(addr, "zip", "[]!=+"), 400, body},
		"municipality of one":     {set(addr, "municipality", "X"), 400, "too short"},
		"document not PDF":        {set(doc, "contentType", "text/plain"), 400, body},
		"digest in hex":           {set(doc, "digests", obj{"sha256": strings.Repeat("0", 64)}), 400, "too long"},
		"unknown member":          {set(top, "extra", obj{"a": 1}), 0, ""}, // the request is an open schema
		"product unknown":         {set(top, "physicalCommunicationType", "RS"), 400, body},
		"expiry impossible":       {set(top, "paymentExpirationDate", "2026-13-01"), 400, body},
		"denomination of newline": {set(rec, "denomination", "a\nb"), 400, body},

		// service
		"other sender":           {set(top, "senderTaxId", "77777777777"), 403, "PN_DELIVERY_INVALID_SENDER_TAX_ID"},
		"group unknown":          {set(top, "group", "x"), 400, "PN_DELIVERY_INVALIDPARAMETER_GROUP"},
		"taxonomy unknown":       {set(top, "taxonomyCode", "999999X"), 400, "PN_GENERIC_INVALIDPARAMETER_TAXONOMYCODE"},
		"two languages":          {set(top, "additionalLanguages", []string{"DE", "FR"}), 400, "PN_DELIVERY_REQUIREDADDITIONALLANG"},
		"language unknown":       {set(top, "additionalLanguages", []string{"EN"}), 400, "PN_DELIVERY_INVALIDADDITIONALLANGS"},
		"language":               {set(top, "additionalLanguages", []string{"SL"}), 0, ""},
		"16 documents":           {func(r obj) { r["documents"] = make16(r["documents"].([]obj)[0]) }, 400, "Max attachment count reached"},
		"no fees":                {set(top, "notificationFeePolicy", "DELIVERY_MODE"), 400, "paFee or vat field not filled in"},
		"fees":                   {policy, 0, ""},
		"PG alphanumeric":        {set(rec, "recipientType", "PG"), 400, "SEND accepts only numerical taxId for PG recipient 0"},
		"PG wrong digit":         {all(set(rec, "recipientType", "PG"), set(rec, "taxId", "01234567890")), 400, "Invalid taxId for recipient 0"},
		"PG":                     {all(set(rec, "recipientType", "PG"), set(rec, "taxId", "01234567897")), 0, ""},
		"PF numeric":             {set(rec, "taxId", "01234567897"), 400, "Invalid taxId for recipient 0"},
		"PF wrong character":     {set(rec, "taxId", "XXXXXX01A01H501A"), 400, "Invalid taxId for recipient 0"},
		"same recipient twice":   {func(r obj) { r["recipients"] = []obj{rec(r), rec(r)} }, 400, "Duplicated recipient taxId"},
		"cost with flat rate":    {pay(notice(code, true)), 400, "PagoPA applyCostFlg must not be valorized for any payment"},
		"no cost with delivery":  {all(policy, pay(notice(code, false))), 400, "PagoPA applyCostFlg must be valorized for at least one payment"},
		"one cost of two":        {all(policy, pay(notice(code, false), notice("302000000000000002", true))), 0, ""},
		"notice twice":           {pay(notice(code, false), notice(code, false)), 400, "Duplicated iuv { } on recipient with index 0 in payment with index 1"},
		"no address":             {del(rec, "physicalAddress"), 400, "PhysicalAddress cannot be null"},
		"street with accent":     {set(addr, "address", "Via Libertà"), 400, "Field address in recipient 0 contains invalid characters."},
		"street of 45":           {set(addr, "address", strings.Repeat("a", 45)), 400, "Field address in recipient 0 exceed max length of 44 chars"},
		"row of 45":              {set(addr, "municipality", strings.Repeat("a", 36)), 400, "exceed max length"},
		"token":                  {set(addr, "address", "Via @FAIL-Irreperibile_AR 16"), 0, ""},
		"sequence":               {set(addr, "address", "Via @sequence.5s-CON080.5s-RECRN001B[DOC:AR;DELAY:15m].5s-RECRN001C"), 0, ""},
		"no province":            {del(addr, "province"), 400, "No province provided in physical address"},
		"no province abroad":     {all(del(addr, "province"), set(addr, "foreignState", "FRANCIA")), 0, ""},
		"denomination of 45":     {set(rec, "denomination", strings.Repeat("a", 45)), 400, "Field denomination in recipient 0 exceed max length"},
		"denomination with pipe": {set(rec, "denomination", "a|b"), 400, "Field denomination in recipient 0 contains invalid characters."},
		"denomination Latin-1":   {set(rec, "denomination", "Niccolò Müller"), 0, ""},
		"denomination Greek":     {set(rec, "denomination", "Αθηνά"), 400, "Field denomination in recipient 0 contains invalid characters."},
		"key of another kind":    {func(r obj) { doc(r)["ref"] = obj{"key": "PN_F24_META-1.json", "versionToken": "x"} }, 400, "does not conform to the expected content type"},
		"document twice":         {func(r obj) { r["documents"] = []obj{doc(r), doc(r)} }, 400, "Same attachment compares more then once"},
		"document as attachment": {func(r obj) {
			n := notice(code, false)
			n["pagoPa"].(obj)["attachment"] = doc(r)
			rec(r)["payments"] = []obj{n}
		}, 400, "Same attachment compares more then once"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			c := newClient(t)
			r := c.request(toStreet(t, 1, "Via Esempio 1"))
			tc.change(r)
			got := c.do("POST", "/delivery/v2.5/requests", r)
			if tc.status == 0 {
				c.object(202, got)
				return
			}
			text := c.problem(tc.status, got)
			require.Contains(t, text, tc.text)
			require.Empty(t, c.srv.Notifications())
		})
	}
}

func make16(doc obj) []obj {
	var out []obj
	for i := range 16 {
		d := obj{"digests": doc["digests"], "contentType": doc["contentType"], "ref": obj{"key": fmt.Sprint("PN_NOTIFICATION_ATTACHMENTS-", i), "versionToken": "x"}}
		out = append(out, d)
	}
	return out
}

func TestContentTypeIsNeeded(t *testing.T) {
	c := newClient(t)
	r := c.request(toStreet(t, 1, "Via Esempio 1"))
	for _, kind := range []string{"", "text/plain"} {
		c.problem(415, c.do("POST", "/delivery/v2.5/requests", r, func(req *http.Request) { req.Header.Set("Content-Type", kind) }))
	}
	c.object(202, c.do("POST", "/delivery/v2.5/requests", r, func(req *http.Request) { req.Header.Set("Content-Type", "application/json; charset=utf-8") }))
}

func TestRecipientLimitAndSharedAttachments(t *testing.T) {
	c := newClient(t)
	var sixteen []obj
	for i := range 16 {
		sixteen = append(sixteen, toStreet(t, i+1, "Via Esempio 1"))
	}
	require.Contains(t, c.problem(400, c.do("POST", "/delivery/v2.5/requests", c.request(sixteen...))), "Max recipient count reached")
	shared := c.upload(pdfType, pdfOf(2))
	for i, r := range sixteen[:2] {
		r["payments"] = []obj{{"pagoPa": obj{"noticeCode": fmt.Sprintf("30200000000000000%d", i), "creditorTaxId": "77777777777", "applyCost": false, "attachment": shared}}}
	}
	c.submit(c.request(sixteen[:2]...))
}

func TestVersionsOfRequests(t *testing.T) {
	c := newClient(t, sendtest.WithSender(sendtest.Sender{APIKey: sendtest.APIKey, TaxID: sendtest.SenderTaxID, AddressLookup: true, Over20Grams: true}))
	r := c.request(toPEC(t, 1, "nome@pec.example.it"))
	delete(r["recipients"].([]obj)[0], "physicalAddress")
	require.Contains(t, c.problem(400, c.do("POST", "/delivery/v2.4/requests", r)), `missing required properties (["physicalAddress"])`)
	id := c.submit(r)
	c.srv.Clock().Advance(days)
	o := c.state(id)
	require.Equal(t, "REFUSED", o["notificationRequestStatus"])
	require.Equal(t, obj{"code": "ADDRESS_NOT_FOUND", "detail": "Address not found for recipient index: 0", "recIndex": 0.0}, o["errors"].([]any)[0])
}

// TestMembersOfOlderRequests: what a version does not know is neither kept nor
// shown.
func TestMembersOfOlderRequests(t *testing.T) {
	for _, tc := range []struct {
		version             string
		languages, priority bool
	}{
		{"v2.6", true, true}, {"v2.5", true, false}, {"v2.4", true, false}, {"v2.3", false, false}, {"v2.1", false, false},
	} {
		t.Run(tc.version, func(t *testing.T) {
			c := newClient(t)
			r := c.request(toPEC(t, 1, "nome@pec.example.it"))
			r["additionalLanguages"], r["physicalCommunicationPriority"] = []string{"DE"}, 42
			id := c.object(202, c.do("POST", "/delivery/"+tc.version+"/requests", r))["notificationRequestId"].(string)
			sent := c.object(200, c.do("GET", "/delivery/v2.6/requests?notificationRequestId="+url.QueryEscape(id), nil))
			require.Equal(t, tc.languages, sent["additionalLanguages"] != nil, "kept")
			kept := 0 // the default
			if tc.priority {
				kept = 42
			}
			require.EqualValues(t, kept, sent["physicalCommunicationPriority"])
			own := c.object(200, c.do("GET", "/delivery/"+tc.version+"/requests?notificationRequestId="+url.QueryEscape(id), nil))
			require.Equal(t, tc.languages, own["additionalLanguages"] != nil, "shown")
			require.Equal(t, tc.priority, own["physicalCommunicationPriority"] != nil)
		})
	}
	c := newClient(t)
	r := c.request(toPEC(t, 1, "nome@pec.example.it"))
	for _, wrong := range []any{101, -1, "1"} {
		r["physicalCommunicationPriority"] = wrong
		c.problem(400, c.do("POST", "/delivery/v2.6/requests", r))
	}
}

func TestDuplicates(t *testing.T) {
	c := newClient(t)
	first := delivery(c.request(withNotice(toStreet(t, 1, "Via Esempio 1"), "302000000000000001")))
	id := c.submit(first)
	duplicated := "PN_GENERIC_INVALIDPARAMETER_DUPLICATED"
	require.Contains(t, c.problem(409, c.do("POST", "/delivery/v2.5/requests", first)), duplicated)

	found := c.object(200, c.do("GET", "/delivery/v2.5/requests?paProtocolNumber="+first["paProtocolNumber"].(string)+"&idempotenceToken=t", nil))
	require.Equal(t, id, found["notificationRequestId"], "how a lost reply is recovered")

	other := delivery(c.request(withNotice(toStreet(t, 1, "Via Esempio 1"), "302000000000000001")))
	require.Contains(t, c.problem(409, c.do("POST", "/delivery/v2.5/requests", other)), duplicated, "notice in use")
	other["recipients"] = []obj{toStreet(t, 1, "Via Esempio 1")}
	other["paProtocolNumber"] = first["paProtocolNumber"]
	other["idempotenceToken"] = "another"
	c.submit(other)

	// a refusal frees the notice
	refused := delivery(c.request(withNotice(toStreet(t, 2, "Via Esempio 1"), "302000000000000009")))
	refused["recipients"].([]obj)[0]["physicalAddress"].(obj)["zip"] = "00000"
	c.submit(refused)
	c.srv.Clock().Advance(days)
	c.submit(delivery(c.request(withNotice(toStreet(t, 2, "Via Esempio 1"), "302000000000000009"))))

	// no token counts as one
	plain := c.request(toStreet(t, 1, "Via Esempio 1"))
	delete(plain, "idempotenceToken")
	c.submit(plain)
	c.problem(409, c.do("POST", "/delivery/v2.5/requests", plain))
}

func TestGroups(t *testing.T) {
	sender := sendtest.Sender{TaxID: sendtest.SenderTaxID, Over20Grams: true}
	master, red, blue := sender, sender, sender
	master.APIKey, red.APIKey, blue.APIKey = "master", "red", "blue"
	red.Groups, blue.Groups = []string{"red"}, []string{"blue"}
	c := newClient(t, sendtest.WithSender(master), sendtest.WithSender(red), sendtest.WithSender(blue)).as("red")
	r := c.request(toStreet(t, 1, "Via Esempio 1"))
	require.Contains(t, c.problem(400, c.do("POST", "/delivery/v2.5/requests", r)), "Specify a group in cx_groups=[red]")
	r["group"] = "blue"
	c.problem(400, c.do("POST", "/delivery/v2.5/requests", r))
	r["group"] = "red"
	iun := c.accept(r)
	path := "/delivery/v2.8/notifications/sent/" + iun
	require.Equal(t, 200, c.do("GET", path, nil).status)
	require.Equal(t, 200, c.as("master").do("GET", path, nil).status)
	require.Equal(t, 404, c.as("blue").do("GET", path, nil).status)
}
