// Package paotel turns the calls of the clients of this module into
// OpenTelemetry spans and metrics. It is a [pa.Observer]: give it to the
// Transport of a client.
//
//	client, err := send.New(send.Config{
//		// …
//		Transport: pa.Transport{Observer: paotel.New()},
//	})
//
// Without options it uses the global providers, also those that are installed
// after it was made. It depends on the OpenTelemetry API only; which SDK and
// which exporter are used is the program's choice.
//
// # Spans
//
// A call is one span of kind client, from before its first attempt to its end:
// repeats and the pauses between them are inside. The span is named after the
// operation, like "send.Submit", and a child of the span in the context that
// the method was called with. It has these attributes, named by the semantic
// conventions of OpenTelemetry where those have a name:
//
//	pa.operation                send.Submit
//	http.request.method         POST
//	url.template                /delivery/v2.5/requests
//	server.address              api.notifichedigitali.it
//	server.port                 only where the address has one
//	http.response.status_code   of the last attempt, absent where there was no reply
//	http.request.resend_count   repeats, absent where there were none
//	http.request.body.size      bytes, all attempts
//	http.response.body.size     bytes, last attempt
//	error.type                  only on a call that failed, see below
//	pa.error.code               the code of the failure, where it has one
//
// error.type is, in this order: the status as text where it is 400 or more;
// canceled or deadline_exceeded where the caller's context ended the call; the
// code; _OTHER.
//
// # Metrics
//
//	pa.client.call.duration     histogram, s     calls, pauses included
//	pa.client.call.retries      counter, {retry} attempts after the first
//	pa.client.request.size      counter, By      request bodies, all attempts
//	pa.client.response.size     counter, By      reply bodies, last attempt
//
// All have pa.operation, http.request.method, url.template, server.address and
// server.port; the duration has http.response.status_code and error.type too.
//
// # Personal data
//
// A URL that was called is never recorded, only its template; nor a query, a
// header, a body or the text of an error. A code comes from the other side of
// the network: one that is not made of short words is left out. Nothing is
// sent to the platform: spans are not propagated to it.
//
// # Stability
//
// Names and attributes may change in a minor version while the module is at
// v0, always under "Changed" in the changelog.
package paotel
