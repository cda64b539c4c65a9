package send

import (
	"context"
	"slices"

	"github.com/pa-italia/sdk-go/internal/rest"
)

// CancellationReply is the platform's answer to a request to cancel: that it was
// taken, not that it is done. The notification is cancelled when its timeline
// says NOTIFICATION_CANCELLED.
type CancellationReply struct {
	Status  string               `json:"status"`
	Details []CancellationDetail `json:"details,omitempty"`
}

// CancellationDetail says what will happen.
type CancellationDetail struct {
	Code   CancellationCode `json:"code"`
	Level  string           `json:"level,omitempty"` // INFO, WARN
	Detail string           `json:"detail,omitempty"`
}

// CancellationCode is what will happen to a notification that is to be cancelled.
type CancellationCode string

const (
	CancellationAccepted         CancellationCode = "NOTIFICATION_CANCELLATION_ACCEPTED"
	CancellationAlreadyCancelled CancellationCode = "NOTIFICATION_ALREADY_CANCELLED"
	CancellationRefused          CancellationCode = "NOTIFICATION_REFUSED" // there is nothing to cancel
)

// Has reports whether the answer holds a code.
func (c *CancellationReply) Has(code CancellationCode) bool {
	return slices.ContainsFunc(c.Details, func(d CancellationDetail) bool { return d.Code == code })
}

// Cancel asks to cancel an accepted notification, at any time of its life,
// also after perfection. Its notices become free for another notification, and
// it costs SEND's fee for each recipient for whom it was not yet perfected.
//
//api:operation PUT /delivery-push/v2.0/notifications/cancel/{iun}
func (c *Client) Cancel(ctx context.Context, iun string) (*CancellationReply, error) {
	r, reply, err := rest.Call[CancellationReply](ctx, c.rest, &c.ops.cancel, rest.Request{Params: []string{iun}})
	if reply == nil {
		return nil, err
	}
	return &r, err // of the evidence, if any
}
