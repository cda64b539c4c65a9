package sendtest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/send/sendtest"
)

func TestViewByDelegate(t *testing.T) {
	c := newClient(t)
	iun := c.accept(c.request(toPEC(t, 1, "x@pec.example.it")))
	d := sendtest.Delegate{TaxID: person(t, 2), Denomination: "Delegata Inventata", Type: "PF"}
	require.NoError(t, c.srv.ViewByDelegate(iun, 0, d))
	require.NoError(t, c.srv.View(iun, 0))
	viewed := timeline(c.detail(iun), "NOTIFICATION_VIEWED")
	require.Len(t, viewed, 1)
	info := viewed[0]["details"].(obj)["delegateInfo"].(obj)
	require.Equal(t, d.TaxID, info["taxId"])
	require.Equal(t, d.Denomination, info["denomination"])
	require.Equal(t, info, timeline(c.detail(iun), "NOTIFICATION_VIEWED_CREATION_REQUEST")[0]["details"].(obj)["delegateInfo"])
	require.ErrorIs(t, c.srv.ViewByDelegate(iun, 1, d), sendtest.ErrNotViewable)
}

func TestRetrieveAtRADD(t *testing.T) {
	c := newClient(t)
	iun := c.accept(c.request(toStreet(t, 1, "Via @OK_AR"), toPEC(t, 2, "x@pec.example.it")))
	require.NoError(t, c.srv.RetrieveAtRADD(iun, 0))
	d := c.detail(iun)
	radd := timeline(d, "NOTIFICATION_RADD_RETRIEVED")[0]["details"].(obj)
	require.Equal(t, "ALT", radd["raddType"])
	require.NotEmpty(t, radd["raddTransactionId"])
	require.Equal(t, radd["raddTransactionId"], timeline(d, "NOTIFICATION_VIEWED")[0]["details"].(obj)["raddTransactionId"])
	require.Equal(t, "VIEWED", d["notificationStatus"])

	require.NoError(t, c.srv.View(iun, 1))
	require.NoError(t, c.srv.RetrieveAtRADD(iun, 1))
	require.Len(t, timeline(c.detail(iun), "NOTIFICATION_RADD_RETRIEVED"), 2)
	require.Len(t, timeline(c.detail(iun), "NOTIFICATION_VIEWED"), 2, "one for each recipient")
	require.ErrorIs(t, c.srv.RetrieveAtRADD("x", 0), sendtest.ErrNotViewable)
}
