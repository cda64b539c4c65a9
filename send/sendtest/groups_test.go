package sendtest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/send/sendtest"
)

func TestListOfGroups(t *testing.T) {
	master := sendtest.Sender{APIKey: "master", TaxID: sendtest.SenderTaxID, ActiveGroups: []string{"green"}, SuspendedGroups: []string{"grey"}, Over20Grams: true}
	red := sendtest.Sender{APIKey: "red", TaxID: sendtest.SenderTaxID, Groups: []string{"red", "grey"}, Over20Grams: true}
	c := newClient(t, sendtest.WithSender(master), sendtest.WithSender(red)).as("master")
	groups := func(c *client, query string) map[string]string {
		out := map[string]string{}
		for _, g := range c.list(200, c.do("GET", "/ext-registry-b2b/pa/v1/groups"+query, nil)) {
			out[g["id"].(string)] = g["status"].(string)
			require.NotEmpty(t, g["name"])
		}
		return out
	}
	require.Equal(t, map[string]string{"red": "ACTIVE", "green": "ACTIVE", "grey": "SUSPENDED"}, groups(c, ""))
	require.Equal(t, map[string]string{"red": "ACTIVE", "green": "ACTIVE"}, groups(c, "?statusFilter=ACTIVE"))
	require.Equal(t, map[string]string{"grey": "SUSPENDED"}, groups(c, "?statusFilter=SUSPENDED"))
	require.Empty(t, groups(c, "?statusFilter=DELETED"))
	require.Equal(t, map[string]string{"red": "ACTIVE", "grey": "SUSPENDED"}, groups(c.as("red"), ""), "its own")
	c.problem(400, c.do("GET", "/ext-registry-b2b/pa/v1/groups?statusFilter=x", nil))

	r := c.request(toPEC(t, 1, "x@pec.example.it"))
	r["group"] = "grey"
	require.Contains(t, c.problem(400, c.do("POST", "/delivery/v2.5/requests", r)), "not an active group")
}
