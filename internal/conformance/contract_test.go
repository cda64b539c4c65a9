package conformance

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// sendDocuments are the contract of SEND for senders: the B2B bundle, from that
// of the next release what it adds, and from the definitions of the other
// services what the bundle leaves out.
func sendDocuments() []Document {
	return []Document{
		{File: "send/send-b2b-pa.openapi.yaml"},
		{File: "send/send-b2b-pa-next-2.25.0.openapi.yaml", Only: []string{
			"POST /delivery/v2.6/requests", "GET /delivery/v2.6/requests", "GET /delivery/v2.9/notifications/sent/{iun}",
		}},
		{File: "send/send-delivery-push-gateway.openapi.yaml", Prefix: "/delivery-push", Only: []string{"GET /delivery-push/{iun}/document/{documentType}"}},
		{File: "send/send-downtime-logs.openapi.yaml", Only: []string{"GET /downtime/v1/resolved", "GET /downtime/v1/legal-facts/{legalFactId}"}},
		{File: "send/send-selfcare-groups.openapi.yaml", Only: []string{"GET /ext-registry-b2b/pa/v1/groups"}},
	}
}

// pdndDocuments are the contract of the authorization server of PDND.
func pdndDocuments() []Document {
	return []Document{{File: "pdnd/authorization-server/authorizationServerApi.yml"}}
}

// load reads a contract from the folder of specifications, or skips the test.
func load(t testing.TB, docs []Document) *Contract {
	t.Helper()
	dir := specsDir(t)
	for _, d := range docs {
		inManifest(t, d.File)
	}
	c, err := Load(dir, docs...)
	require.NoError(t, err)
	return c
}

func TestLoadContracts(t *testing.T) {
	c := load(t, sendDocuments())
	elements := 0
	seen := map[*Schemas]bool{}
	for _, op := range c.Operations {
		if !seen[op.doc] {
			seen[op.doc] = true
			elements += len(op.doc.elements)
		}
	}
	require.Greater(t, len(c.Operations), 50)
	require.Greater(t, elements, 5, "versions of the timeline element whose details are told apart")
	t.Logf("SEND: %d operations, %d versions of the timeline element", len(c.Operations), elements)

	c = load(t, pdndDocuments())
	require.NotNil(t, c.Operation("POST /token.oauth2"))
}
