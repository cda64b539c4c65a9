package sendtest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/send/sendtest"
)

func TestRefusals(t *testing.T) {
	doc := func(r obj) obj { return r["documents"].([]obj)[0] }
	f24 := func(meta obj) func(r obj) {
		return func(r obj) {
			r["recipients"].([]obj)[0]["payments"] = []obj{{"f24": obj{"title": "Rata", "applyCost": false, "metadataAttachment": meta}}}
		}
	}
	never := func(c *client, contentType string) obj {
		slot := c.preload(contentType, onePage)
		return obj{"digests": obj{"sha256": digestOf(onePage)}, "contentType": contentType, "ref": obj{"key": slot["key"], "versionToken": "x"}}
	}
	tests := map[string]struct {
		change func(c *client, r obj)
		code   string
	}{
		"never preloaded": {func(_ *client, r obj) { doc(r)["ref"].(obj)["key"] = "PN_NOTIFICATION_ATTACHMENTS-0.pdf" }, "FILE_NOTFOUND"},
		"never uploaded":  {func(c *client, r obj) { r["documents"] = []obj{never(c, pdfType)} }, "FILE_NOTFOUND"},
		"wrong version":   {func(_ *client, r obj) { doc(r)["ref"].(obj)["versionToken"] = "x" }, "FILE_NOTFOUND"},
		"wrong digest":    {func(_ *client, r obj) { doc(r)["digests"].(obj)["sha256"] = digestOf(nil) }, "FILE_SHA_ERROR"},
		"no PDF":          {func(c *client, r obj) { r["documents"] = []obj{c.upload(pdfType, []byte("PK"))} }, "FILE_PDF_INVALID_ERROR"},
		"too big": {func(c *client, r obj) {
			r["documents"] = []obj{c.upload(pdfType, []byte("%PDF-"+strings.Repeat("x", 1<<20)))}
		}, "FILE_PDF_TOOBIG_ERROR"},
		"tax id unknown":    {func(_ *client, r obj) { r["recipients"].([]obj)[0]["taxId"] = "LNALNI80A01H501T" }, "TAXID_NOT_VALID"},
		"zip missing":       {func(_ *client, r obj) { delete(r["recipients"].([]obj)[0]["physicalAddress"].(obj), "zip") }, "NOT_VALID_ADDRESS"},
		"zip of zeros":      {func(_ *client, r obj) { r["recipients"].([]obj)[0]["physicalAddress"].(obj)["zip"] = "00000" }, "NOT_VALID_ADDRESS"},
		"F24 not uploaded":  {func(c *client, r obj) { f24(never(c, jsonType))(r) }, "F24_METADATA_NOT_VALID"},
		"F24 no JSON":       {func(c *client, r obj) { f24(c.upload(jsonType, []byte("{")))(r) }, "F24_METADATA_NOT_VALID"},
		"F24 unknown form":  {func(c *client, r obj) { f24(c.upload(jsonType, []byte(`{"f24":{}}`)))(r) }, "F24_METADATA_NOT_VALID"},
		"ASYNC, no payment": {func(_ *client, r obj) { delivery(r)["pagoPaIntMode"] = "ASYNC" }, "PAYMENT_NOT_VALID"},
		"ASYNC, unknown position": {func(_ *client, r obj) {
			withNotice(r["recipients"].([]obj)[0], "302011000000000009")
			delivery(r)["pagoPaIntMode"] = "ASYNC"
		}, "PAYMENT_NOT_VALID"},
		"ASYNC": {func(_ *client, r obj) {
			withNotice(r["recipients"].([]obj)[0], "302011000000000001")
			delivery(r)["pagoPaIntMode"] = "ASYNC"
		}, ""},
		"F24":      {func(c *client, r obj) { f24(c.upload(jsonType, []byte(`{"f24Standard":{}}`)))(r) }, ""},
		"in order": {func(*client, obj) {}, ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			c := newClient(t,
				sendtest.WithLimits(func(l *sendtest.Limits) { l.PDFBytes = 1 << 20 }),
				sendtest.WithGPD(func(u sendtest.FeeUpdate) int {
					if u.CreditorTaxID == "77777777777" && strings.HasSuffix(u.NoticeCode, "1") {
						return 200
					}
					return 404
				}),
			)
			r := c.request(toStreet(t, 1, "Via Esempio 1"))
			tc.change(c, r)
			id := c.submit(r)
			c.srv.Clock().Advance(time.Minute)
			o := c.state(id)
			if tc.code == "" {
				require.Equal(t, "ACCEPTED", o["notificationRequestStatus"], "%v", o["errors"])
				return
			}
			require.Equal(t, "REFUSED", o["notificationRequestStatus"])
			require.Equal(t, tc.code, o["errors"].([]any)[0].(obj)["code"])
			require.NotContains(t, o, "iun")
			n := c.srv.Notifications()[0]
			require.Equal(t, "REFUSED", n.Status)
			require.Equal(t, []string{tc.code}, n.Refusals)
			c.problem(404, c.do("GET", "/delivery/v2.8/notifications/sent/"+n.IUN, nil))
			require.ErrorIs(t, c.srv.View(n.IUN, 0), sendtest.ErrNotViewable)
		})
	}
}

func TestFilesExpireUnlessUsed(t *testing.T) {
	c := newClient(t)
	unused := c.request(toStreet(t, 1, "Via Esempio 1"))
	used := c.request(toStreet(t, 1, "Via Esempio 1"))
	iun := c.accept(used)
	c.srv.Clock().Advance(7*days + time.Hour)
	unused["paProtocolNumber"] = "late"
	id := c.submit(unused)
	c.srv.Clock().Advance(time.Minute)
	require.Equal(t, "REFUSED", c.state(id)["notificationRequestStatus"])
	require.Equal(t, 200, c.do("GET", "/delivery/notifications/sent/"+iun+"/attachments/documents/0", nil).status)
}

// TestTwentyGrams is the rule for senders who are not enabled beyond.
func TestTwentyGrams(t *testing.T) {
	for name, tc := range map[string]struct {
		pages      []int
		attachment bool
		refused    bool
	}{
		"one of 4":           {[]int{4}, false, false},
		"one of 5":           {[]int{5}, false, true},
		"2 and 2":            {[]int{2, 2}, false, false},
		"3 and 1":            {[]int{3, 1}, false, true},
		"three of 1":         {[]int{1, 1, 1}, false, true},
		"payment attachment": {[]int{1}, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, sendtest.WithSender(sendtest.Sender{APIKey: sendtest.APIKey, TaxID: sendtest.SenderTaxID}))
			r := c.request(toStreet(t, 1, "Via Esempio 1"))
			var docs []obj
			for _, n := range tc.pages {
				docs = append(docs, c.upload(pdfType, pdfOf(n)))
			}
			r["documents"] = docs
			if tc.attachment {
				r["recipients"].([]obj)[0]["payments"] = []obj{{"pagoPa": obj{
					"noticeCode": "302000000000000001", "creditorTaxId": "77777777777", "applyCost": false, "attachment": c.upload(pdfType, pdfOf(1)),
				}}}
			}
			id := c.submit(r)
			c.srv.Clock().Advance(time.Minute)
			o := c.state(id)
			require.Equal(t, tc.refused, o["notificationRequestStatus"] == "REFUSED")
			if tc.refused {
				require.Equal(t, "SENDER_DISABLED_MORE_THAN_20_GRAMS", o["errors"].([]any)[0].(obj)["code"])
			}
		})
	}
}

func TestAddressFromTheRegistry(t *testing.T) {
	c := newClient(t,
		sendtest.WithSender(sendtest.Sender{APIKey: sendtest.APIKey, TaxID: sendtest.SenderTaxID, AddressLookup: true, Over20Grams: true}),
		sendtest.WithRegistryAddress(person(t, 1), sendtest.Address{Street: "Via Nuova 2", Zip: "35127", Municipality: "Padova", Province: "PD"}),
	)
	r := c.request(toStreet(t, 1, ""))
	delete(r["recipients"].([]obj)[0], "physicalAddress")
	iun := c.accept(r)
	c.srv.Clock().Advance(60 * days)
	d := c.detail(iun)
	require.Equal(t, true, d["usedServices"].(obj)["physicalAddressLookup"])
	require.Equal(t, "Via Nuova 2", timeline(d, "SEND_ANALOG_DOMICILE")[0]["details"].(obj)["physicalAddress"].(obj)["address"])
	require.Equal(t, "EFFECTIVE_DATE", d["notificationStatus"])
}

func TestNormaliserAndFailingRegistry(t *testing.T) {
	c := newClient(t,
		sendtest.WithSender(sendtest.Sender{APIKey: sendtest.APIKey, TaxID: sendtest.SenderTaxID, AddressLookup: true, Over20Grams: true}),
		sendtest.WithNormaliser(func(a sendtest.Address) bool { return a.Municipality == "COSENZA" && a.Province == "CS" }),
		sendtest.WithFailingRegistry(person(t, 3)),
	)
	elsewhere := toStreet(t, 2, "Via Esempio 1")
	elsewhere["physicalAddress"].(obj)["municipality"] = "PALERMO"
	unknown := toStreet(t, 3, "")
	delete(unknown, "physicalAddress")
	for _, tc := range []struct {
		recipient obj
		code      string
	}{{elsewhere, "NOT_VALID_ADDRESS"}, {unknown, "ADDRESS_SEARCH_FAILED"}} {
		id := c.submit(c.request(tc.recipient))
		c.srv.Clock().Advance(time.Minute)
		require.Equal(t, tc.code, c.state(id)["errors"].([]any)[0].(obj)["code"])
	}
	c.accept(c.request(toStreet(t, 1, "Via Esempio 1")))
}
