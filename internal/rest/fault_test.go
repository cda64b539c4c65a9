package rest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCodesThatAreNone(t *testing.T) {
	for s, want := range map[string]string{
		"PN_DELIVERY_NOTIFICATIONCOSTNOTFOUND": "PN_DELIVERY_NOTIFICATIONCOSTNOTFOUND",
		"PN_WEBHOOK_MAXSTREAMSCOUNTREACHED":    "PN_WEBHOOK_MAXSTREAMSCOUNTREACHED",
		"015-0008":                             "015-0008",
		"404.00":                               "404.00",
		"SignatureDoesNotMatch":                "SignatureDoesNotMatch",
		"ZZZZZZ80A01Z001X":                     "",
		"taxId:ZZZZZZ8LAL1ZLL1X":               "",
		"Via Inventata 1":                      "",
		"":                                     "",
	} {
		require.Equal(t, want, code(s), s)
	}
	require.Equal(t, "Root=1-26ec1195-f99384c24d1320f03f33d58f", identifier("Root=1-26ec1195-f99384c24d1320f03f33d58f"))
	require.Empty(t, identifier("a b"))
}
