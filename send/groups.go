package send

import (
	"context"
	"net/url"

	"github.com/pa-italia/sdk-go/internal/rest"
)

// Group is a group of the sender's users. Keys, notifications and streams can
// belong to one.
type Group struct {
	ID          string      `json:"id,omitempty"` // what Notification.Group wants
	Name        string      `json:"name,omitempty"`
	Description string      `json:"description,omitempty"`
	Status      GroupStatus `json:"status,omitempty"`
}

// GroupStatus is the status of a group.
type GroupStatus string

const (
	GroupActive    GroupStatus = "ACTIVE"
	GroupSuspended GroupStatus = "SUSPENDED"
	GroupDeleted   GroupStatus = "DELETED"
)

// Groups lists the groups of the sender; a status limits the list, "" does not.
//
//api:operation GET /ext-registry-b2b/pa/v1/groups
func (c *Client) Groups(ctx context.Context, status GroupStatus) ([]Group, error) {
	var req rest.Request
	if status != "" {
		req.Query = url.Values{"statusFilter": {string(status)}}
	}
	list, _, err := rest.Call[[]Group](ctx, c.rest, &c.ops.groups, req)
	return list, err
}
