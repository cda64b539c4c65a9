// Package sendtest is a simulator of SEND (Servizio Notifiche Digitali) for
// tests and for development without an account.
//
// It holds state and is as strict as the platform: an upload with a wrong
// digest, an empty optional, a tax id with a wrong check character or a stream
// read through another version fail here as they fail there, with the same
// status, code and text. A notification lives its whole life: acceptance or
// refusal, PEC and paper attempts, perfection, legal facts, price, stream
// events, cancellation.
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
// What the people around a notification do is done with [Server.View],
// [Server.ViewByDelegate], [Server.RetrieveAtRADD], [Server.Pay],
// [Server.Cancel] and, for the platform itself, [Server.Rework], which corrects
// the outcome of a paper delivery. What the registries, the tax agency, the
// normaliser of addresses and GPD know is given as options; GPD is a function,
// [WithGPD], that is told each fee of a notification whose pagoPaIntMode is
// ASYNC.
//
// # Versions
//
// Every operation that a sender calls is served: requests in the versions 2.1
// and 2.3 to 2.6, sent notifications and streams in all versions up to 2.9, the
// price in both. An older version leaves out the members, categories, statuses
// and legal facts that it does not know, as the adapters of the platform do,
// and refuses a notification that it cannot show.
//
// # Limits
//
// Documents are not printed, seals are not applied, tariffs are parameters; the
// API of the recipients is not there. Requests in the first version (one
// payment per recipient), the older lists of legal facts and the payment events
// of F24 are not served. Files made by the simulator say that they have no
// legal value.
package sendtest
