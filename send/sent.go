package send

import (
	"context"
	"time"

	"github.com/pa-italia/sdk-go/internal/rest"
)

// SentNotification is an accepted notification with all that happened to it
// (FullSentNotificationV28).
type SentNotification struct {
	Notification
	SenderPaID                string            `json:"senderPaId,omitempty"`
	IUN                       string            `json:"iun"`
	SentAt                    time.Time         `json:"sentAt"`
	CancelledByIUN            string            `json:"cancelledByIun,omitempty"`
	DocumentsAvailable        *bool             `json:"documentsAvailable,omitempty"` // false 120 days after perfection
	UsedServices              *UsedServices     `json:"usedServices,omitempty"`
	NotificationStatus        Status            `json:"notificationStatus"`
	NotificationStatusHistory []StatusHistory   `json:"notificationStatusHistory"`
	Timeline                  []TimelineElement `json:"timeline"`
}

// UsedServices tells which services of the platform a notification used.
type UsedServices struct {
	PhysicalAddressLookup bool `json:"physicalAddressLookup,omitempty"`
}

// StatusHistory is a status that the notification was in.
type StatusHistory struct {
	Status                  Status    `json:"status"`
	ActiveFrom              time.Time `json:"activeFrom"`
	RelatedTimelineElements []string  `json:"relatedTimelineElements"`
}

// Status is the status of a notification. VIEWED and EFFECTIVE_DATE speak of
// any recipient; whether and when the notification is perfected for one of
// them is in the timeline. New statuses appear: one that this package does not
// know is kept as received.
type Status string

// Statuses of NotificationStatusV26.
const (
	StatusInValidation     Status = "IN_VALIDATION"
	StatusAccepted         Status = "ACCEPTED"
	StatusRefused          Status = "REFUSED"
	StatusDelivering       Status = "DELIVERING"
	StatusDelivered        Status = "DELIVERED"
	StatusViewed           Status = "VIEWED"
	StatusEffectiveDate    Status = "EFFECTIVE_DATE" // perfected by elapsed time
	StatusPaid             Status = "PAID"           // no longer used
	StatusUnreachable      Status = "UNREACHABLE"
	StatusCancelled        Status = "CANCELLED"
	StatusReturnedToSender Status = "RETURNED_TO_SENDER"
)

// SentNotification returns the detail of an accepted notification. Before
// acceptance, after a refusal, and for a moment after acceptance, the platform
// answers pa.ErrNotFound.
//
//api:operation GET /delivery/v2.8/notifications/sent/{iun}
func (c *Client) SentNotification(ctx context.Context, iun string) (*SentNotification, error) {
	n, _, err := rest.Call[SentNotification](ctx, c.rest, &c.ops.sent, rest.Request{Params: []string{iun}})
	if err != nil {
		return nil, err
	}
	return &n, nil
}
