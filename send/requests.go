package send

import (
	"context"
	"net/url"
	"time"

	"github.com/pa-italia/sdk-go/internal/rest"
)

// submitted is the reply to a request for notification.
type submitted struct {
	NotificationRequestID string `json:"notificationRequestId"`
	PaProtocolNumber      string `json:"paProtocolNumber"`
	IdempotenceToken      string `json:"idempotenceToken,omitempty"`
}

// submit posts a request whose documents are uploaded. The reply is there also
// where the error is pa.ErrEvidence.
//
//api:operation POST /delivery/v2.5/requests
func (c *Client) submit(ctx context.Context, n *Notification) (submitted, error) {
	body, err := rest.JSON(n)
	if err != nil {
		return submitted{}, err
	}
	s, reply, err := rest.Call[submitted](ctx, c.rest, &c.ops.submit, rest.Request{Body: body})
	if reply != nil && s.NotificationRequestID == "" {
		return submitted{}, c.rest.Unexpected(&c.ops.submit, reply)
	}
	return s, err
}

// RequestStatus is what became of a request for notification.
type RequestStatus struct {
	Notification
	NotificationRequestID     string         `json:"notificationRequestId"`
	NotificationRequestStatus RequestOutcome `json:"notificationRequestStatus"`
	RetryAfter                int            `json:"retryAfter,omitempty"` // seconds, while waiting
	IUN                       string         `json:"iun,omitempty"`        // once accepted
	Errors                    []RefusalError `json:"errors,omitempty"`     // once refused
}

// Wait returns how long to wait before asking again: what the platform asks
// for, at least a second and at most an hour.
func (s *RequestStatus) Wait() time.Duration {
	return time.Duration(min(max(s.RetryAfter, 1), 3600)) * time.Second
}

// RequestOutcome is the outcome of the validation of a request.
type RequestOutcome string

const (
	RequestWaiting  RequestOutcome = "WAITING"
	RequestAccepted RequestOutcome = "ACCEPTED"
	RequestRefused  RequestOutcome = "REFUSED"
)

// RefusalError is a reason why a request was refused.
type RefusalError struct {
	Code     string `json:"code"`
	Element  string `json:"element,omitempty"`
	Detail   string `json:"detail,omitempty"` // the platform's text: it can name people
	RecIndex *int   `json:"recIndex,omitempty"`
}

// RequestStatus returns the status of the request with that id.
//
//api:operation GET /delivery/v2.5/requests
func (c *Client) RequestStatus(ctx context.Context, notificationRequestID string) (*RequestStatus, error) {
	return c.requestStatus(ctx, &c.ops.requestStatus, url.Values{"notificationRequestId": {notificationRequestID}})
}

// RequestStatusByProtocol returns the status of the request with that protocol
// number and idempotence token, which the platform wants together: it is how a
// request whose id was lost is found again. Its exchange is part of the evidence.
//
//api:operation GET /delivery/v2.5/requests
func (c *Client) RequestStatusByProtocol(ctx context.Context, paProtocolNumber, idempotenceToken string) (*RequestStatus, error) {
	return c.requestStatus(ctx, &c.ops.lookup, url.Values{"paProtocolNumber": {paProtocolNumber}, "idempotenceToken": {idempotenceToken}})
}

// requestStatus refuses a status that says nothing: to go on with it would
// lose the request.
func (c *Client) requestStatus(ctx context.Context, op *rest.Op, query url.Values) (*RequestStatus, error) {
	s, reply, err := rest.Call[RequestStatus](ctx, c.rest, op, rest.Request{Query: query})
	if reply == nil {
		return nil, err
	}
	if s.NotificationRequestID == "" || s.NotificationRequestStatus == RequestAccepted && s.IUN == "" {
		return nil, c.rest.Unexpected(op, reply)
	}
	return &s, err
}
