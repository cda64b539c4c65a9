package sendtest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/send/sendtest"
)

// TestVersionsOfTheDetail reads one notification through every version.
func TestVersionsOfTheDetail(t *testing.T) {
	c := newClient(t)
	r := delivery(c.request(withNotice(toStreet(t, 1, "Via @FAIL_DECEDUTO_AR"), payable)))
	r["additionalLanguages"] = []string{"DE"}
	r["physicalCommunicationPriority"] = 7
	id := c.object(202, c.do("POST", "/delivery/v2.6/requests", r))["notificationRequestId"].(string)
	c.srv.Clock().Advance(time.Minute)
	iun := c.state(id)["iun"].(string)
	c.srv.Clock().Advance(30 * days)
	read := func(version string) obj {
		return c.object(200, c.do("GET", "/delivery/"+version+"notifications/sent/"+iun, nil))
	}
	tests := []struct {
		version                                                                string
		priority, services, deceased, acceptedIDs, languages, stamps, payments bool
	}{
		{"v2.9/", true, true, true, true, true, true, true},
		{"v2.8/", false, true, true, true, true, true, true},
		{"v2.7/", false, true, true, true, true, true, true},
		{"v2.6/", false, false, true, false, true, true, true},
		{"v2.5/", false, false, false, false, true, true, true},
		{"v2.4/", false, false, false, false, false, true, true},
		{"v2.3/", false, false, false, false, false, false, true},
		{"v2.1/", false, false, false, false, false, false, true},
		{"v2.0/", false, false, false, false, false, false, false},
		{"", false, false, false, false, false, false, false},
	}
	for _, tc := range tests {
		t.Run(tc.version, func(t *testing.T) {
			d := read(tc.version)
			has := func(name string) bool { _, ok := d[name]; return ok }
			require.Equal(t, tc.priority, has("physicalCommunicationPriority"))
			require.Equal(t, tc.services, has("usedServices"))
			require.Equal(t, tc.languages, has("additionalLanguages"))
			accepted := timeline(d, "REQUEST_ACCEPTED")[0]
			ids, _ := accepted["details"].(obj)
			require.Equal(t, tc.acceptedIDs, ids["notificationRequestId"] != nil)
			_, stamps := accepted["ingestionTimestamp"]
			require.Equal(t, tc.stamps, stamps)
			require.NotEmpty(t, accepted["timestamp"])
			_, payments := d["recipients"].([]any)[0].(obj)["payments"]
			require.Equal(t, tc.payments, payments)
			if !tc.payments {
				require.Equal(t, obj{"noticeCode": payable, "creditorTaxId": "77777777777"}, d["recipients"].([]any)[0].(obj)["payment"])
				require.NotContains(t, d, "paFee")
			}
			if tc.deceased {
				require.Equal(t, "RETURNED_TO_SENDER", d["notificationStatus"])
				require.Len(t, timeline(d, "ANALOG_WORKFLOW_RECIPIENT_DECEASED"), 1)
			} else {
				require.Equal(t, "DELIVERING", d["notificationStatus"], "the newest status that the version knows")
				require.NotContains(t, statusesOf(d), "RETURNED_TO_SENDER")
				require.Empty(t, timeline(d, "ANALOG_WORKFLOW_RECIPIENT_DECEASED"))
			}
		})
	}
	require.EqualValues(t, 7, read("v2.9/")["physicalCommunicationPriority"])
}

// TestLegalFactsOfOldVersions: the category of the cancellation is not in their
// list.
func TestLegalFactsOfOldVersions(t *testing.T) {
	c := newClient(t)
	iun := c.accept(c.request(toPEC(t, 1, "x@pec.example.it")))
	require.NoError(t, c.srv.Cancel(iun))
	c.srv.Clock().Advance(time.Minute)
	for version, facts := range map[string]bool{"v2.5": true, "v2.4": false} {
		d := c.object(200, c.do("GET", "/delivery/"+version+"/notifications/sent/"+iun, nil))
		_, has := timeline(d, "NOTIFICATION_CANCELLED")[0]["legalFactsIds"]
		require.Equal(t, facts, has, version)
		require.NotEmpty(t, timeline(d, "REQUEST_ACCEPTED")[0]["legalFactsIds"])
	}
	require.NotContains(t, categories(c.object(200, c.do("GET", "/delivery/notifications/sent/"+iun, nil))), "NOTIFICATION_CANCELLED")
}

// TestWhatOldVersionsCannotShow: an address that was left out, several payments
// or an F24.
func TestWhatOldVersionsCannotShow(t *testing.T) {
	c := newClient(t,
		sendtest.WithSender(sendtest.Sender{APIKey: sendtest.APIKey, TaxID: sendtest.SenderTaxID, AddressLookup: true, Over20Grams: true}),
		sendtest.WithRegistryAddress(person(t, 1), sendtest.Address{Street: "Via Esempio 1", Zip: "87100", Municipality: "Cosenza", Province: "CS"}),
	)
	lookup := c.request(toPEC(t, 1, "x@pec.example.it"))
	delete(lookup["recipients"].([]obj)[0], "physicalAddress")
	iun := c.accept(lookup)
	c.object(200, c.do("GET", "/delivery/v2.7/notifications/sent/"+iun, nil))
	c.problem(400, c.do("GET", "/delivery/v2.6/notifications/sent/"+iun, nil))

	f24 := toPEC(t, 2, "x@pec.example.it")
	f24["payments"] = []obj{{"f24": obj{"title": "F24", "applyCost": false, "metadataAttachment": c.upload(jsonType, []byte(`{"f24Elid":{}}`))}}}
	iun = c.accept(c.request(f24))
	c.object(200, c.do("GET", "/delivery/v2.1/notifications/sent/"+iun, nil))
	c.problem(400, c.do("GET", "/delivery/v2.0/notifications/sent/"+iun, nil))

	var payments []obj
	for _, code := range []string{"302000000000000011", "302000000000000012", "302000000000000013"} {
		payments = append(payments, withNotice(obj{}, code)["payments"].([]obj)...)
	}
	two, three := toPEC(t, 3, "x@pec.example.it"), toPEC(t, 4, "x@pec.example.it")
	two["payments"] = payments[:2]
	iun = c.accept(delivery(c.request(two)))
	d := c.object(200, c.do("GET", "/delivery/notifications/sent/"+iun, nil))
	require.Equal(t, "302000000000000012", d["recipients"].([]any)[0].(obj)["payment"].(obj)["noticeCodeAlternative"])
	require.NoError(t, c.srv.Cancel(iun))
	c.srv.Clock().Advance(time.Minute)
	three["payments"] = payments
	iun = c.accept(delivery(c.request(three)))
	c.problem(400, c.do("GET", "/delivery/notifications/sent/"+iun, nil))
}
