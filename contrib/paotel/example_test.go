package paotel_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/pa-italia/sdk-go/contrib/paotel"
	"github.com/pa-italia/sdk-go/pa"
)

// An observer goes into the Transport of a client, which then calls it; here
// one call is made by hand to show what comes out.
func Example() {
	exporter := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))

	transport := pa.Transport{Observer: paotel.New(paotel.WithTracerProvider(provider))}

	_, end := transport.Observer.Start(context.Background(), pa.OpInfo{
		Op: "send.Submit", Method: http.MethodPost, Path: "/delivery/v2.5/requests", Host: "api.notifichedigitali.it",
	})
	end(pa.OpResult{StatusCode: http.StatusAccepted, Attempts: 2, Duration: 300 * time.Millisecond, Sent: 900, Received: 70})

	for _, span := range exporter.GetSpans() {
		fmt.Println(span.Name)
		for _, kv := range span.Attributes {
			fmt.Printf("  %s = %s\n", kv.Key, kv.Value.String())
		}
	}
	// Output:
	// send.Submit
	//   pa.operation = send.Submit
	//   http.request.method = POST
	//   url.template = /delivery/v2.5/requests
	//   server.address = api.notifichedigitali.it
	//   http.response.status_code = 202
	//   http.request.body.size = 900
	//   http.response.body.size = 70
	//   http.request.resend_count = 1
}
