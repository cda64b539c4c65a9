// Package sendtest is a simulator of SEND (Servizio Notifiche Digitali) for
// tests and for development without an account.
//
// It holds state and is as strict as the platform: an upload with a wrong
// digest, an empty optional, a tax id with a wrong check character or a stream
// read through another version fail here as they fail there, with the same
// status, code and text. A notification lives its whole life: acceptance or
// refusal, PEC and paper attempts, perfection, legal facts, price, stream
// events.
//
//	srv := sendtest.New(t)
//	client, err := send.New(srv.Config())
//	// deposit, and let the days pass:
//	srv.Clock().Advance(8 * 24 * time.Hour)
//
// # Reaching it
//
// [Server.Transport] reaches it without sockets, also inside a
// testing/synctest bubble, where fifteen days pass at once. [Start], or
// [WithAddr] with [New], listens on the loopback interface. Both answer at
// [Server.URL]; without sockets that is an https URL under .invalid, which no
// network can reach. Presigned URLs lie under the same URL.
//
// # Time
//
// Nothing happens in the background. What is due by the [patest.Clock] happens
// when the next call arrives, at its own instant. With patest.Day(time.Minute)
// a day lasts a minute, as in the UAT environment, and the waits told to the
// client shrink alike. Presigned URLs and the cache of the authorizer live in
// wire time.
//
// # Outcomes
//
// What becomes of a delivery is chosen as in the UAT environment: by the
// domain of the digital domicile (anything is delivered, @fail.it fails,
// x@sequence.5s-C001.5s-C003.it is a sequence of its own) and by a token in
// the street (Via @FAIL-Irreperibile_890). An address without a token is
// delivered. Seconds of a paper sequence stand for four hours each, so that
// the sixty seconds of a deposit are the ten days that they mean.
//
// # Limits
//
// Documents are not printed, seals are not applied, tariffs are parameters.
// Files made by the simulator say that they have no legal value.
package sendtest
