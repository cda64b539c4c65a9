// Package rome gives the legal time of Italy and its working days.
//
// Deadlines of Italian law are days of the calendar in Europe/Rome, 23 or 25
// hours long when the clocks change, whatever zone the server runs in. The
// package is the only one that imports [time/tzdata], so the zone is there on
// Windows servers and in empty containers too.
//
// Every function takes the day on which an instant falls in Rome: 23:30 UTC of
// 31 December is 1 January.
package rome
