// Package patest holds the types that the simulators of this module share:
// the [Clock] of a simulated life cycle, the [Fault] that makes a call go
// wrong, and the [Exchange] that says what a simulator saw.
//
// # Two times
//
// A simulator lives in two times. Wire time is what the protocol layer checks:
// tokens, signatures, presigned URLs. It is always [time.Now], because the
// other side computes it too. Life-cycle time is the time in which a
// notification is delivered or a position is paid; it is the [Clock], which
// may run faster than the wall clock and may be moved ahead. Every wait that a
// simulator tells its client is given in wire time, scaled by [Clock.Wait].
//
// Both are read through package time, so in a [testing/synctest] bubble both
// are bubble time and days pass in microseconds.
//
// # Stability
//
// This package and the simulators may change in any minor version.
package patest
