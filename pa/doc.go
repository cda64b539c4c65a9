// Package pa holds the contracts that the packages of this module share: how a
// client is configured, how it authenticates, how it reports what went wrong
// and what it leaves behind as evidence. It knows no platform.
//
// A client of any package is built from a Config that names an [Environment]
// and carries a [Transport]; its credentials come from a [SecretSource] or a
// [TokenSource], which are asked again at every attempt, so that a rotated key
// is taken up without a restart.
//
// # Errors
//
// A call to a REST platform fails with an [*Error]; what was wrong before any
// network was touched is a [*ValidationError], with all faults at once. Code
// branches with [errors.Is] on the sentinels of this package and of the
// package called:
//
//	switch {
//	case errors.Is(err, pa.ErrNotFound):       // the platform does not know it
//	case errors.Is(err, pa.ErrOutcomeUnknown): // it may have been done: look it up
//	case errors.Is(err, pa.ErrUnavailable):    // try later
//	}
//
// [CodeOf] gives the stable code of any error of this module and [Message] a
// sentence for a clerk, in Italian or English: what is wrong, where, what to
// do. No error text contains a body, a query string, a header value, a token
// or a person's tax code.
package pa
