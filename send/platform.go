package send

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/pa-italia/sdk-go/internal/rest"
)

// Functionality is a part of the platform.
type Functionality string

const (
	FunctionalityCreate        Functionality = "NOTIFICATION_CREATE"
	FunctionalityVisualization Functionality = "NOTIFICATION_VISUALIZATION"
	FunctionalityWorkflow      Functionality = "NOTIFICATION_WORKFLOW"
)

// PlatformStatus is the state of the platform: healthy without open incidents.
type PlatformStatus struct {
	Status          int             `json:"status,omitempty"`
	Title           string          `json:"title,omitempty"`
	Detail          string          `json:"detail,omitempty"`
	Functionalities []Functionality `json:"functionalities"`
	OpenIncidents   []Downtime      `json:"openIncidents"`
}

// Healthy reports whether no incident is open.
func (s *PlatformStatus) Healthy() bool { return len(s.OpenIncidents) == 0 }

// Downtime is an incident. A resolved one suspends legal terms by its legal
// fact.
type Downtime struct {
	Functionality          Functionality `json:"functionality"`
	Status                 string        `json:"status"` // KO, OK
	StartDate              time.Time     `json:"startDate"`
	EndDate                time.Time     `json:"endDate,omitzero"`
	LegalFactID            string        `json:"legalFactId,omitempty"`
	FileAvailable          bool          `json:"fileAvailable,omitempty"`
	FileAvailableTimestamp time.Time     `json:"fileAvailableTimestamp,omitzero"`
}

// PlatformStatus returns the state of the platform. Its 500 is an answer, not
// a failure: there are open incidents.
//
//api:operation GET /status
func (c *Client) PlatformStatus(ctx context.Context) (*PlatformStatus, error) {
	s, reply, err := rest.Call[PlatformStatus](ctx, c.rest, &c.ops.platformStatus, rest.Request{})
	if err != nil {
		return nil, err
	}
	if len(s.Functionalities) == 0 || reply.Status == http.StatusInternalServerError && s.Healthy() {
		return nil, c.rest.Unexpected(&c.ops.platformStatus, reply)
	}
	return &s, nil
}

// downtimePage is a reply of the list of resolved incidents.
type downtimePage struct {
	Result   []Downtime `json:"result"`
	NextPage string     `json:"nextPage,omitempty"` // none on the last
}

// Downtimes lists the resolved incidents of a month, which suspended legal terms.
//
//api:operation GET /downtime/v1/resolved
func (c *Client) Downtimes(ctx context.Context, year int, month time.Month) ([]Downtime, error) {
	query := url.Values{"year": {strconv.Itoa(year)}, "month": {strconv.Itoa(int(month))}}
	var all []Downtime
	for {
		page, reply, err := rest.Call[downtimePage](ctx, c.rest, &c.ops.downtimes, rest.Request{Query: query})
		if err != nil {
			return nil, err
		}
		all = append(all, page.Result...)
		switch page.NextPage {
		case "":
			return all, nil
		case query.Get("page"):
			return nil, c.rest.Unexpected(&c.ops.downtimes, reply) // the same page for ever
		}
		query.Set("page", page.NextPage)
	}
}

// DowntimeLegalFact downloads the legal fact of a resolved incident. One that
// is not signed yet is a [*NotReadyError].
//
//api:operation GET /downtime/v1/legal-facts/{legalFactId}
func (c *Client) DowntimeLegalFact(ctx context.Context, legalFactID string, opt DownloadOptions) (*Download, error) {
	return c.fetch(ctx, &c.ops.downtimeLegalFact, rest.Request{Params: []string{bareKey(legalFactID)}}, opt)
}
