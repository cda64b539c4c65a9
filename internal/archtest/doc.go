// Package archtest holds the tests that keep the shape of this repository: who
// may import whom, whose types may be seen in an exported signature, what
// shipped code may not do, how modules, files and documents are made. It has
// no code but tests.
//
// Each rule is a function from what was read to the list of what breaks it, so
// that a test can show that it finds what it is there to find.
package archtest
