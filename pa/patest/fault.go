package patest

import (
	"errors"
	"net/http"
	"time"
)

// Fault is what goes wrong with the next calls of an operation.
//
// The steps of a call come in this order: the request is read; Delay;
// DropBefore, or Status without Done (the work is not done); the work;
// DropAfter, or Status with Done; Replace; Oversize; Truncate.
//
// Faults of a simulator are tried in the order in which they were injected;
// a call meets at most one.
type Fault struct {
	// Skip lets this many matching calls pass first.
	Skip int
	// Times is how many calls are then hit: 0 means one, a negative number all
	// of them.
	Times int
	// Rate hits this share of the matching calls instead, between 0 and 1,
	// drawn from the seeded source of the simulator.
	Rate float64
	// Match restricts the fault to some requests; nil means all. The body has
	// been read and cannot be read again, and the simulator must not be called.
	Match func(*http.Request) bool

	// Delay is waited first, in wire time. A client that gives up ends it; the
	// work is then done only if DropAfter or Done say so.
	Delay time.Duration

	// DropBefore breaks the connection and does nothing. DropAfter breaks it
	// after the work is done, so that the client never learns the outcome.
	DropBefore, DropAfter bool

	// Status, Header and Body are a reply that stands in for the true one.
	// With Done the work is done all the same (a gateway that times out after
	// the service has succeeded).
	Status int
	Header http.Header
	Body   string
	Done   bool

	// Truncate cuts the body after this many bytes while its full length is
	// announced; a negative number cuts right after the header.
	Truncate int

	// Oversize appends this many blanks to the body: it is then longer than
	// the metadata or the limits of the client say, and JSON is still JSON.
	Oversize int

	// Replace rewrites the reply: a page of HTML for JSON, a value that the
	// specification does not know, a missing header. The header and body given
	// to it may be changed in place.
	Replace func(status int, header http.Header, body []byte) (int, http.Header, []byte)
}

// Validate reports a fault that contradicts itself or does nothing, since a
// test that injects it would prove nothing.
func (f Fault) Validate() error {
	var errs []error
	bad := func(cond bool, text string) {
		if cond {
			errs = append(errs, errors.New("patest: fault: "+text))
		}
	}
	bad(f.Skip < 0, "Skip is negative")
	bad(f.Rate < 0 || f.Rate > 1, "Rate is not between 0 and 1")
	bad(f.Rate > 0 && f.Times != 0, "Rate and Times exclude each other")
	bad(f.Delay < 0, "Delay is negative")
	bad(f.Oversize < 0, "Oversize is negative")
	bad(f.Status != 0 && (f.Status < 200 || f.Status > 599), "Status is not a final HTTP status")
	bad(f.Done && f.Status == 0, "Done needs a Status")
	bad(f.Status == 0 && (f.Body != "" || len(f.Header) > 0), "Header and Body need a Status")
	bad(f.DropBefore && f.DropAfter, "DropBefore and DropAfter exclude each other")
	dropped := f.DropBefore || f.DropAfter
	replies := f.Status != 0 || f.Truncate != 0 || f.Oversize != 0 || f.Replace != nil
	bad(dropped && replies, "a dropped connection carries no reply")
	bad(!dropped && !replies && f.Delay == 0, "it does nothing")
	return errors.Join(errs...)
}
