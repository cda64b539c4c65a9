package pa

import "time"

// Problem is an error body as the platforms send it: RFC 9457 (formerly 7807)
// with the errors[] that all of them add. Its texts come from the server and
// may hold personal data: this module never prints them.
type Problem struct {
	Type          string
	Title         string
	Status        int
	Detail        string
	TraceID       string // SEND
	CorrelationID string // PDND
	Timestamp     time.Time
	Errors        []ProblemError
}

// ProblemError is one entry of [Problem.Errors].
type ProblemError struct {
	Code    string
	Element string // path of the field, where the platform gives one
	Detail  string
}
