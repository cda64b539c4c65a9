package sendtest

import (
	"net/http"
	"slices"

	"github.com/pa-italia/sdk-go/internal/sim"
)

type paGroup struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Status string `json:"status"`
}

const (
	groupActive    = "ACTIVE"
	groupSuspended = "SUSPENDED"
)

var groupStatuses = []string{groupActive, groupSuspended, "DELETED"}

// groups lists the groups that a key sees: its own, or all of the
// administration for a key without groups.
func (s *Server) groups(c *call) sim.Reply {
	status := c.URL.Query().Get("statusFilter")
	if status != "" && !slices.Contains(groupStatuses, status) {
		return s.invalid(codeInvalidParameters, []string{"Query parameter 'statusFilter' is not in the enum"})
	}
	out := []paGroup{}
	add := func(status string, ids []string) {
		for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
			if len(c.sender.Groups) == 0 || slices.Contains(c.sender.Groups, id) {
				out = append(out, paGroup{ID: id, Name: id, Status: status})
			}
		}
	}
	if status == "" || status == groupActive {
		add(groupActive, s.groupsOf(c.sender.TaxID))
	}
	if status == "" || status == groupSuspended {
		add(groupSuspended, s.suspendedGroupsOf(c.sender.TaxID))
	}
	return sim.JSON(http.StatusOK, out)
}

// groupsOf returns the active groups of an administration.
func (s *Server) groupsOf(taxID string) []string {
	suspended := s.suspendedGroupsOf(taxID)
	var groups []string
	for _, sender := range s.set.senders {
		if sender.TaxID == taxID {
			groups = append(groups, sender.Groups...)
			groups = append(groups, sender.ActiveGroups...)
		}
	}
	return slices.DeleteFunc(groups, func(g string) bool { return slices.Contains(suspended, g) })
}

func (s *Server) suspendedGroupsOf(taxID string) []string {
	var groups []string
	for _, sender := range s.set.senders {
		if sender.TaxID == taxID {
			groups = append(groups, sender.SuspendedGroups...)
		}
	}
	return groups
}
