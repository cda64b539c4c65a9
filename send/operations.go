package send

import (
	"net/http"
	"time"

	"github.com/pa-italia/sdk-go/internal/rest"
)

// gateway is how SEND's gateway refuses a credential: with a 403 that it
// remembers for a minute under the API key, whatever voucher comes meanwhile.
var gateway = rest.Refusal{Status: http.StatusForbidden, Hold: time.Minute}

// operations are the calls of a client at its versions.
type operations struct {
	preload, upload, submit, requestStatus, lookup rest.Op
	sent, document, paymentDocument, aar           rest.Op
	legalFacts, legalFact, download, price         rest.Op
	cancel, paymentEvents, groups                  rest.Op

	createStream, listStreams, stream, updateStream, disableStream, deleteStream, events rest.Op
	platformStatus, downtimes, downtimeLegalFact                                         rest.Op
}

func newOperations(v Versions) *operations {
	op := func(name, method, path string) rest.Op {
		return rest.Op{Name: "send." + name, Method: method, Path: path, CredentialRefused: gateway}
	}
	get := func(name, path string) rest.Op { return op(name, http.MethodGet, path) }
	requests := "/delivery/" + v.Requests.segment() + "requests"
	attachments := "/delivery/notifications/sent/{iun}/attachments/"
	streams := "/delivery-progresses/" + v.Streams.segment() + "streams"

	o := &operations{
		preload:         op("Preload", http.MethodPost, "/delivery/attachments/preload"),
		upload:          rest.Op{Name: "send.Upload", Method: http.MethodPut, Path: "(presigned)", Idempotent: true, Timeout: time.Minute},
		submit:          op("Submit", http.MethodPost, requests),
		requestStatus:   get("RequestStatus", requests),
		sent:            get("SentNotification", "/delivery/"+v.Sent.segment()+"notifications/sent/{iun}"),
		document:        get("Document", attachments+"documents/{docIdx}"),
		paymentDocument: get("PaymentDocument", attachments+"payment/{recipientIdx}/{attachmentName}"),
		aar:             get("AAR", "/delivery-push/{iun}/document/AAR"),
		legalFacts:      get("LegalFacts", "/delivery-push/v2.0/{iun}/legal-facts"),
		legalFact:       get("LegalFact", "/delivery-push/{iun}/download/legal-facts/{legalFactId}"),
		download:        rest.Op{Name: "send.Download", Method: http.MethodGet, Path: "(presigned)", Timeout: time.Minute},
		price:           get("Price", "/delivery/"+v.Price.segment()+"price/{paTaxId}/{noticeCode}"),
		cancel:          op("Cancel", http.MethodPut, "/delivery-push/v2.0/notifications/cancel/{iun}"),
		paymentEvents:   op("ReportPayments", http.MethodPost, "/delivery/events/payment/pagopa"),
		groups:          get("Groups", "/ext-registry-b2b/pa/v1/groups"),
		createStream:    op("CreateStream", http.MethodPost, streams),
		listStreams:     get("ListStreams", streams),
		stream:          get("Stream", streams+"/{streamId}"),
		updateStream:    op("UpdateStream", http.MethodPut, streams+"/{streamId}"),
		disableStream:   op("DisableStream", http.MethodPost, streams+"/{streamId}/action/disable"),
		deleteStream:    op("DeleteStream", http.MethodDelete, streams+"/{streamId}"),
		events:          get("Events", streams+"/{streamId}/events"),

		platformStatus:    get("PlatformStatus", "/status"),
		downtimes:         get("Downtimes", "/downtime/v1/resolved"),
		downtimeLegalFact: get("DowntimeLegalFact", "/downtime/v1/legal-facts/{legalFactId}"),
	}
	o.preload.Idempotent = true // an unused slot is forgotten by the platform
	// What these do once they do twice.
	o.deleteStream.Idempotent, o.updateStream.Idempotent, o.disableStream.Idempotent = true, true, true
	o.cancel.Idempotent = true
	// The look-up that settles a lost reply is part of the deposit's evidence.
	o.lookup = o.requestStatus
	o.submit.Evidence, o.lookup.Evidence, o.price.Evidence, o.cancel.Evidence = true, true, true, true
	o.platformStatus.OK = []int{http.StatusOK, http.StatusInternalServerError} // degraded is an answer
	o.sent.MaxBody, o.events.MaxBody = 32<<20, 32<<20
	o.events.RetryAfterUnit = time.Millisecond // of this operation alone
	return o
}
