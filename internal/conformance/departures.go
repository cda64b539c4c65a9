package conformance

import (
	"fmt"
	"slices"
	"strings"
)

// Departure is something that a platform really does and its specification
// does not say. The simulators do it too.
type Departure struct {
	Operation string // "GET /path", or a prefix ending in "*"
	Status    int    // 0 for any
	Side      Side
	At        string // as in [Violation], where a * stands for one element of a pointer
	Rule      string

	// Shape, where it is set, describes the whole reply in place of the
	// specification: it returns what is wrong with it, or "".
	Shape func(e Exchange) string

	Reason string // what happens really
	Source string // where that can be read
}

func (d Departure) covers(v Violation) bool {
	prefix, open := strings.CutSuffix(d.Operation, "*")
	if v.Operation != d.Operation && !(open && strings.HasPrefix(v.Operation, prefix)) {
		return false
	}
	return (d.Status == 0 || d.Status == v.Status) && d.Side == v.Side && d.Rule == v.Rule && placeMatches(d.At, v.At)
}

func placeMatches(pattern, place string) bool {
	want, have := strings.Split(pattern, "/"), strings.Split(place, "/")
	return slices.EqualFunc(want, have, func(w, h string) bool { return w == "*" || w == h })
}

// Report is the outcome of holding exchanges against a contract.
type Report struct {
	Violations []Violation
	// Checked counts the exchanges of each operation.
	Checked map[string]int
	// Excused counts, for each departure, the violations that it covered; one
	// with a Shape counts replies.
	Excused map[int]int

	departures []Departure
}

// Check holds exchanges against a contract, up to the departures.
func Check(c *Contract, exchanges []Exchange, departures []Departure) *Report {
	r := &Report{Checked: make(map[string]int), Excused: make(map[int]int), departures: departures}
	for _, e := range exchanges {
		op, found := c.Check(e)
		if op != nil {
			r.Checked[op.String()]++
		}
		r.take(e, found)
	}
	return r
}

// take keeps the violations of an exchange that no departure covers.
func (r *Report) take(e Exchange, found []Violation) {
	for _, v := range found {
		i := r.departure(v)
		if i < 0 || r.departures[i].Shape == nil {
			continue
		}
		found = slices.DeleteFunc(found, func(v Violation) bool { return v.Side == Reply })
		r.Excused[i]++
		if wrong := r.departures[i].Shape(e); wrong != "" {
			v.At, v.Rule, v.Text = "body", "shape", wrong
			r.Violations = append(r.Violations, v)
		}
		break
	}
	for _, v := range found {
		if i := r.departure(v); i >= 0 {
			r.Excused[i]++
			continue
		}
		r.Violations = append(r.Violations, v)
	}
}

// departure returns the position of the first that covers a violation, or -1:
// those of one operation stand before those of all.
func (r *Report) departure(v Violation) int {
	return slices.IndexFunc(r.departures, func(d Departure) bool { return d.covers(v) })
}

// Unused returns the departures that covered nothing: the platform, the
// specification or the simulator has changed, or nothing tries them.
func (r *Report) Unused() []string {
	var unused []string
	for i, d := range r.departures {
		if r.Excused[i] == 0 {
			unused = append(unused, fmt.Sprintf("%s %d %s %s %s: %s", d.Operation, d.Status, d.Side, d.At, d.Rule, d.Reason))
		}
	}
	return unused
}

// Unchecked returns those of the operations that no exchange was checked of.
func (r *Report) Unchecked(operations []string) []string {
	return slices.DeleteFunc(slices.Clone(operations), func(op string) bool { return r.Checked[op] > 0 })
}
