// Package access is what the examples share: the flags that say which SEND to
// call and with which credentials, and the clients made from them.
//
// With nothing set, [Connect] starts the simulators of SEND and PDND in this
// process, on loopback: the same code then runs with no account and no network.
// What is set in flags goes before the environment variables that
// [send.ConfigFromEnv] and [pdnd.ConfigFromEnv] read.
package access
