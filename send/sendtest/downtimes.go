package sendtest

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/pa-italia/sdk-go/internal/rome"
	"github.com/pa-italia/sdk-go/internal/sim"
)

// Functionalities of the platform that an [Incident] can hit.
const (
	NotificationCreate        = "NOTIFICATION_CREATE"
	NotificationVisualization = "NOTIFICATION_VISUALIZATION"
	NotificationWorkflow      = "NOTIFICATION_WORKFLOW"
)

var functionalities = []string{NotificationCreate, NotificationVisualization, NotificationWorkflow}

// Incident is a downtime that the platform declares. It does not keep the
// simulator from working: for that there are faults.
type Incident struct {
	Functionality string        // one of the three
	After         time.Duration // from the start of the simulator, in life-cycle time
	Lasts         time.Duration // 0: without end
}

// WithIncident declares a downtime: while it lasts GET /status answers 500,
// with the same body; later it is among the resolved ones, with a legal fact.
func WithIncident(i Incident) Option {
	return func(s *settings) error {
		if !slices.Contains(functionalities, i.Functionality) || i.After < 0 || i.Lasts < 0 {
			return errors.New("sendtest: an incident needs a functionality of the platform, and times that are not negative")
		}
		s.incidents = append(s.incidents, i)
		return nil
	}
}

// downtime is an incident that has begun.
type downtime struct {
	functionality string
	start, end    time.Time // zero end: open
	fact          *object
	signed        time.Time // when its legal fact was; zero: not yet
}

// scheduleDowntimes puts the incidents on the agenda.
func (s *Server) scheduleDowntimes(now time.Time) {
	for _, i := range s.set.incidents {
		s.after(now, i.After, func(now time.Time) {
			d := &downtime{functionality: i.Functionality, start: now}
			s.downtimes = append(s.downtimes, d)
			if i.Lasts > 0 {
				s.after(now, i.Lasts, func(now time.Time) { s.resolve(now, d) })
			}
		})
	}
}

// resolve ends a downtime. Its legal fact is named at once and signed later.
func (s *Server) resolve(now time.Time, d *downtime) {
	d.end = now
	pdf := simulatedPDF("MALFUNZIONAMENTO "+d.functionality, d.start.UTC().Format(time.RFC3339)+" - "+now.UTC().Format(time.RFC3339))
	d.fact = s.store("PN_DOWNTIME_LEGAL_FACTS-", ".pdf", mediaPDF, pdf, now)
	s.after(now, s.set.terms.DowntimeFact, func(now time.Time) { d.signed = now })
}

type platformStatus struct {
	Functionalities []string        `json:"functionalities"`
	OpenIncidents   []downtimeEntry `json:"openIncidents"`
}

type downtimeEntry struct {
	Functionality          string `json:"functionality"`
	Status                 string `json:"status"`
	StartDate              stamp  `json:"startDate"`
	EndDate                *stamp `json:"endDate,omitempty"`
	LegalFactID            string `json:"legalFactId,omitempty"`
	FileAvailable          *bool  `json:"fileAvailable,omitempty"`
	FileAvailableTimestamp *stamp `json:"fileAvailableTimestamp,omitempty"`
}

// platformStatus tells the open incidents, at most one per functionality: with
// 500 if there are any.
func (s *Server) platformStatus(*call) sim.Reply {
	out := platformStatus{Functionalities: functionalities, OpenIncidents: []downtimeEntry{}}
	seen := map[string]bool{}
	for _, d := range s.downtimes {
		if d.end.IsZero() && !seen[d.functionality] {
			seen[d.functionality] = true
			out.OpenIncidents = append(out.OpenIncidents, downtimeEntry{Functionality: d.functionality, Status: "KO", StartDate: stamp(d.start)})
		}
	}
	status := http.StatusOK
	if len(out.OpenIncidents) > 0 {
		status = http.StatusInternalServerError
	}
	return sim.Problem(status, out)
}

type downtimeHistory struct {
	Result []downtimeEntry `json:"result"`
}

// resolvedDowntimes lists those that ended in a month, or in a year, of the
// Italian calendar.
func (s *Server) resolvedDowntimes(c *sim.Call) sim.Reply {
	year, errYear := bounded(c.URL.Query(), "year", 2023, 9999)
	month, errMonth := bounded(c.URL.Query(), "month", 1, 12)
	if err := errors.Join(errYear, errMonth); err != nil {
		return s.downtimeFail(http.StatusBadRequest, err.Error())
	}
	out := downtimeHistory{Result: []downtimeEntry{}}
	for _, d := range s.downtimes {
		end := d.end.In(rome.Location())
		if d.end.IsZero() || year != 0 && end.Year() != year || month != 0 && int(end.Month()) != month {
			continue
		}
		e := downtimeEntry{
			Functionality: d.functionality, Status: "OK", StartDate: stamp(d.start), EndDate: new(stamp(d.end)),
			LegalFactID: d.fact.key, FileAvailable: new(!d.signed.IsZero()),
		}
		if !d.signed.IsZero() {
			e.FileAvailableTimestamp = new(stamp(d.signed))
		}
		out.Result = append(out.Result, e)
	}
	return sim.JSON(http.StatusOK, out)
}

// bounded returns an integer of a query, or 0 if it is not there.
func bounded(q url.Values, name string, low, high int) (int, error) {
	if !q.Has(name) {
		return 0, nil
	}
	n, err := strconv.Atoi(q.Get(name))
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("query parameter %s is not between %d and %d", name, low, high)
	}
	return n, nil
}

// downtimeFact serves the legal fact of a downtime: nothing, with 204, until it
// is signed.
func (s *Server) downtimeFact(c *sim.Call) sim.Reply {
	for _, d := range s.downtimes {
		if d.fact == nil || d.fact.key != c.PathValue("legalFactId") {
			continue
		}
		if d.signed.IsZero() {
			return sim.Reply{Status: http.StatusNoContent}
		}
		return s.downloadOf(d.fact, "downtime_"+d.functionality+"_"+d.start.In(rome.Location()).Format("20060102"))
	}
	return s.downtimeFail(http.StatusNotFound, "no legal fact with this id")
}

// downtimeProblem is the error document of the downtime service, whose codes
// are numbers.
type downtimeProblem struct {
	Status  int             `json:"status"`
	Title   string          `json:"title"`
	TraceID string          `json:"traceId"`
	Errors  []downtimeError `json:"errors"`
}

type downtimeError struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

func (s *Server) downtimeFail(status int, detail string) sim.Reply {
	return sim.Problem(status, downtimeProblem{
		Status: status, Title: http.StatusText(status), TraceID: s.traceID(),
		Errors: []downtimeError{{Code: strconv.Itoa(status) + "-0000", Detail: detail}},
	})
}
