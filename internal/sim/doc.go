// Package sim holds what the simulators of the platforms share: a [Server]
// that routes, records and breaks calls; an [Agenda] of life-cycle events; and
// strict reading of JSON.
//
// A Server answers in two ways that behave alike: over a loopback socket
// ([Server.Start], or mounted as an [net/http.Handler]) and through
// [Server.Transport], which runs the handler in the goroutine of the caller
// and so lives in a testing/synctest bubble.
//
// There are no background goroutines and no timers: what is due by the clock
// happens when the next call arrives, each event at its own instant.
package sim
