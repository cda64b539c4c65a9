// Package pdndtest simulates the authorization server of PDND Interoperabilità:
// the token endpoint, which exchanges client assertions for vouchers, and the
// keys that vouchers are signed with.
//
// It checks an assertion as PDND does, in the same order and with the same
// replies: whatever is wrong, the wire says "Unable to generate a token for the
// given request" and no more. What PDND keeps for its own log is in
// [Server.Failures], so that a test can see the reason that a client cannot.
//
//	s := pdndtest.New(t)
//	cfg, err := s.Config(pdndtest.ClientID, pdndtest.PurposeID)
//	…
//	client, err := pdnd.New(cfg) // a real client, with a key of its own
//	token, err := client.Token(ctx)
//	…
//	err = s.CheckVoucher(token.Value.Reveal()) // what a provider does
//
// [Server.CheckVoucher] is made to be given to the simulators of the platforms
// that take vouchers, such as sendtest.WithVoucherCheck.
//
// Like PDND the simulator has no memory of assertions, which can be exchanged
// any number of times until they expire, gives no leeway to clocks and sets no
// limit to the life of an assertion. It is as strict as UAT and attestation;
// [WithLax] makes it as lax as production. All its time is wire time.
//
// # What is simulated
//
//   - clients with keys, purposes, API clients; states of agreement, e-service
//     version and purpose; the time that changes take to be known;
//   - the rate limit of an organization with its headers;
//   - vouchers of type at+jwt with the claims of PDND, several audiences
//     joined by commas included;
//   - faults: [Server.Inject], [InternalError], [GatewayError].
//
// DPoP proofs are answered with 501, and there is no token endpoint for
// asynchronous exchanges.
//
// # Stability
//
// This package may change in any minor version.
package pdndtest
