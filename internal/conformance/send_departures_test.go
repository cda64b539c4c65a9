package conformance

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// sendDepartures are what SEND does beyond its contract.
var sendDepartures = []Departure{
	{
		Operation: "POST /delivery/v2.5/requests", Status: 403, Side: Reply, At: "status", Rule: "undocumented",
		Reason: "a senderTaxId that is not the key's is PN_DELIVERY_INVALID_SENDER_TAX_ID",
		Source: "pagopa/pn-delivery d29821ae: the code and its exception",
	},
	{
		Operation: "GET /delivery/v2.8/notifications/sent/{iun}", Status: 404, Side: Reply, At: "status", Rule: "undocumented",
		Reason: "a notification that is not accepted, or is not the sender's, is not found",
		Source: "pagopa/pn-b2b-client RestApiValidation.feature, REST_VALIDATION_2",
	},
	{
		Operation: "GET /delivery/v2.4/notifications/sent/{iun}", Status: 404, Side: Reply, At: "status", Rule: "undocumented",
		Reason: "the same in the older version, which an adapter serves from the newest",
		Source: "pagopa/pn-b2b-client RestApiValidation.feature, REST_VALIDATION_2; pagopa/pn-delivery functions/versioning",
	},
	{
		Operation: "POST /delivery-progresses/v2.9/streams", Status: 409, Side: Reply, At: "status", Rule: "undocumented",
		Reason: "a sender has a limited number of streams: PN_WEBHOOK_MAXSTREAMSCOUNTREACHED",
		Source: "pagopa/pn-b2b-client WebhookV23Creation.feature, B2B-STREAM_ES1.1_2",
	},
	{
		Operation: "GET /delivery-progresses/v2.9/streams/{streamId}/events", Status: 429, Side: Reply, At: "body", Rule: "undocumented",
		Reason: "PN_STREAM_RETRY_AFTER_ERROR comes with the error document of all services",
		Source: "pagopa/pn-stream ed8f6c2e PnStreamServiceImpl.java, line 86",
	},
	{
		Operation: "GET /downtime/v1/*", Side: Request, At: "security", Rule: "required",
		Reason: "the resolved incidents are public: the token that the definition names is of the portal",
		Source: "pagopa/pn-downtime-logs docs/openapi/api-external-v1.yaml, which names no scheme of the B2B host; developer documentation of SEND",
	},
	{
		Operation: "GET /downtime/v1/*", Side: Request, At: "header X-Api-Key", Rule: "undocumented",
		Reason: "the key goes along on every call to the B2B host, and is not looked at",
		Source: "the same",
	},
	{
		Operation: "*", Side: Request, At: "header Authorization", Rule: "undocumented",
		Reason: "a key that is made so wants a PDND voucher beside itself",
		Source: "pagopa/pn-auth-fleet apikeyAuthorizerV2; developer documentation of SEND, creation of a voucher",
	},
	{
		Operation: "*", Status: 401, Side: Reply, At: "status", Rule: "undocumented", Shape: gatewayMessage,
		Reason: "the gateway itself answers a call without a key, in a shape of its own",
		Source: "pagopa/pn-delivery-push docs/openapi/aws/api-delivery-push-B2B-aws.yaml: identitySource of the authorizer",
	},
	{
		Operation: "*", Status: 403, Side: Reply, At: "status", Rule: "undocumented", Shape: gatewayMessage,
		Reason: "the gateway answers for its authorizer, in a shape of its own",
		Source: "pagopa/pn-auth-fleet apikeyAuthorizerV2; replies quoted in pagopa/pdnd-interop-frontend issues 528, 626 and 916",
	},
	{
		Operation: "*", Status: 403, Side: Reply, At: "content-type", Rule: "undocumented", Shape: gatewayMessage,
		Reason: "the same where the contract has a 403, that of the service",
		Source: "pagopa/pn-auth-fleet apikeyAuthorizerV2; replies quoted in pagopa/pdnd-interop-frontend issues 528, 626 and 916",
	},
}

// gatewayMessage is the shape of what an API gateway answers by itself: an
// object with one text, whose name is written in two ways.
func gatewayMessage(e Exchange) string {
	var object map[string]string
	switch err := json.Unmarshal(e.ReplyBody, &object); {
	case err != nil:
		return "not an object of texts"
	case len(object) != 1 || object["message"] == "" && object["Message"] == "":
		return "not an object with a message and nothing else"
	case e.ReplyHeader.Get("Content-Type") != "application/json":
		return "not of type application/json"
	}
	return ""
}

func TestGatewayMessage(t *testing.T) {
	reply := func(contentType, body string) Exchange {
		return Exchange{ReplyHeader: map[string][]string{"Content-Type": {contentType}}, ReplyBody: []byte(body)}
	}
	require.Empty(t, gatewayMessage(reply("application/json", `{"message":"Forbidden"}`)))
	require.Empty(t, gatewayMessage(reply("application/json", `{"Message":"no"}`)))
	require.NotEmpty(t, gatewayMessage(reply("application/problem+json", `{"message":"Forbidden"}`)))
	require.NotEmpty(t, gatewayMessage(reply("application/json", `{"message":"Forbidden","status":"403"}`)))
	require.NotEmpty(t, gatewayMessage(reply("application/json", `{"status":403}`)))
	require.NotEmpty(t, gatewayMessage(reply("application/json", `Forbidden`)))
}
