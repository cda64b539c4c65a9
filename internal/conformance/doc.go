// Package conformance holds the clients and the simulators of this module
// against the specifications that the platforms publish, so that a client and
// a simulator by the same hand cannot agree on the same mistake.
//
// There are three checks. A [Recorder] between a client and its simulator keeps
// what goes over the wire, and [Contract.Check] validates it: paths,
// parameters, statuses, content types, headers and bodies, where a member that
// the specification does not name is as wrong as one that is missing.
// [Coverage] compares the operations that the source says it calls with those
// that exist. [Drift] compares the Go types with the schemas, field by field.
//
// What a platform does beyond its specification stands in lists beside the
// tests, each entry with its reason; an entry that nothing needs fails.
//
// The specification files are not part of the repository: [Manifest] says
// where each comes from and which bytes it has, and the command specs fetches
// those that their publisher serves as they are. The environment variable
// SPECS_DIR names the folder; without it the checks against the files are
// skipped.
package conformance
