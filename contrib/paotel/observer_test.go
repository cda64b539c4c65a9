package paotel_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/pa-italia/sdk-go/contrib/paotel"
	"github.com/pa-italia/sdk-go/pa"
)

// telemetry keeps in memory what an observer made.
type telemetry struct {
	spans   *tracetest.InMemoryExporter
	tracers *sdktrace.TracerProvider
	reader  *sdkmetric.ManualReader
	meters  *sdkmetric.MeterProvider
}

func newTelemetry() *telemetry {
	spans, reader := tracetest.NewInMemoryExporter(), sdkmetric.NewManualReader()
	return &telemetry{
		spans:   spans,
		tracers: sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)),
		reader:  reader,
		meters:  sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)),
	}
}

func (tel *telemetry) observer() pa.Observer {
	return paotel.New(paotel.WithTracerProvider(tel.tracers), paotel.WithMeterProvider(tel.meters))
}

func (tel *telemetry) metrics(t *testing.T) map[string]metricdata.Metrics {
	t.Helper()
	var rm metricdata.ResourceMetrics
	require.NoError(t, tel.reader.Collect(context.WithoutCancel(t.Context()), &rm))
	require.Len(t, rm.ScopeMetrics, 1)
	require.Equal(t, paotel.ScopeName, rm.ScopeMetrics[0].Scope.Name)
	byName := map[string]metricdata.Metrics{}
	for _, m := range rm.ScopeMetrics[0].Metrics {
		byName[m.Name] = m
	}
	return byName
}

func attributes(set []attribute.KeyValue) map[string]any {
	m := map[string]any{}
	for _, kv := range set {
		m[string(kv.Key)] = kv.Value.AsInterface()
	}
	return m
}

var submit = pa.OpInfo{Op: "send.Submit", Method: http.MethodPost, Path: "/delivery/v2.5/requests", Host: "api.notifichedigitali.it"}

func TestCallThatSucceeds(t *testing.T) {
	tel := newTelemetry()
	parent, root := tel.tracers.Tracer("test").Start(t.Context(), "deposito")

	ctx, end := tel.observer().Start(parent, submit)
	inside := trace.SpanContextFromContext(ctx)
	end(pa.OpResult{StatusCode: 202, Attempts: 3, Duration: 1500 * time.Millisecond, Sent: 900, Received: 70})
	root.End()

	spans := tel.spans.GetSpans()
	require.Len(t, spans, 2)
	s := spans[0]
	require.Equal(t, "send.Submit", s.Name)
	require.Equal(t, trace.SpanKindClient, s.SpanKind)
	require.Equal(t, inside.SpanID(), s.SpanContext.SpanID(), "the call must run under its own span")
	require.Equal(t, root.SpanContext().SpanID(), s.Parent.SpanID())
	require.Equal(t, codes.Unset, s.Status.Code)
	require.Equal(t, map[string]any{
		"pa.operation":              "send.Submit",
		"http.request.method":       "POST",
		"url.template":              "/delivery/v2.5/requests",
		"server.address":            "api.notifichedigitali.it",
		"http.response.status_code": int64(202),
		"http.request.resend_count": int64(2),
		"http.request.body.size":    int64(900),
		"http.response.body.size":   int64(70),
	}, attributes(s.Attributes))

	got := tel.metrics(t)
	call := map[string]any{
		"pa.operation":        "send.Submit",
		"http.request.method": "POST",
		"url.template":        "/delivery/v2.5/requests",
		"server.address":      "api.notifichedigitali.it",
	}
	for name, want := range map[string]int64{
		"pa.client.call.retries":  2,
		"pa.client.request.size":  900,
		"pa.client.response.size": 70,
	} {
		sum, ok := got[name].Data.(metricdata.Sum[int64])
		require.True(t, ok, "%s is %T", name, got[name].Data)
		require.True(t, sum.IsMonotonic, name)
		require.Len(t, sum.DataPoints, 1, name)
		require.Equal(t, want, sum.DataPoints[0].Value, name)
		require.Equal(t, call, attributes(sum.DataPoints[0].Attributes.ToSlice()), name)
	}
	h, ok := got["pa.client.call.duration"].Data.(metricdata.Histogram[float64])
	require.True(t, ok)
	require.Equal(t, "s", got["pa.client.call.duration"].Unit)
	require.Len(t, h.DataPoints, 1)
	require.InDelta(t, 1.5, h.DataPoints[0].Sum, 1e-9)
	call["http.response.status_code"] = int64(202)
	require.Equal(t, call, attributes(h.DataPoints[0].Attributes.ToSlice()))
	require.Len(t, got, 4, "a metric without a test")
}

func TestCallThatFails(t *testing.T) {
	refused := func(code string, status int) error {
		return pa.NewError(pa.Fault{Op: "send.Submit", StatusCode: status, Code: code})
	}
	tests := map[string]struct {
		result    pa.OpResult
		errorType string
		code      any
	}{
		"refused by the platform": {
			result:    pa.OpResult{StatusCode: 400, Code: "PN_GENERIC_INVALIDPARAMETER", Err: refused("PN_GENERIC_INVALIDPARAMETER", 400)},
			errorType: "400", code: "PN_GENERIC_INVALIDPARAMETER",
		},
		"code only in the error": {
			result:    pa.OpResult{StatusCode: 400, Err: refused("015-0008", 400)},
			errorType: "400", code: "015-0008",
		},
		"no code at all": {
			result:    pa.OpResult{Err: errors.New("connection reset")},
			errorType: "_OTHER",
		},
		"no reply": {
			result:    pa.OpResult{Err: pa.NewError(pa.Fault{Op: "send.Submit", Is: []*pa.Sentinel{pa.ErrUnavailable}})},
			errorType: "PA_UNAVAILABLE", code: "PA_UNAVAILABLE",
		},
		"success that is not what was expected": {
			result:    pa.OpResult{StatusCode: 200, Code: "PA_UNEXPECTED_REPLY", Err: refused("PA_UNEXPECTED_REPLY", 200)},
			errorType: "PA_UNEXPECTED_REPLY", code: "PA_UNEXPECTED_REPLY",
		},
		"the caller went away": {
			result:    pa.OpResult{Err: fmt.Errorf("send.Submit: %w", context.Canceled)},
			errorType: "canceled",
		},
		"the caller's time was up": {
			result:    pa.OpResult{Err: fmt.Errorf("send.Submit: %w", context.DeadlineExceeded)},
			errorType: "deadline_exceeded",
		},
		"a code that is a sentence":       {result: pa.OpResult{Code: "codice fiscale errato", Err: errors.New("x")}, errorType: "_OTHER"},
		"a code that is an address":       {result: pa.OpResult{Code: "anna@example.org", Err: errors.New("x")}, errorType: "_OTHER"},
		"a code that is endless":          {result: pa.OpResult{Code: fmt.Sprintf("%0100d", 0), Err: errors.New("x")}, errorType: "_OTHER"},
		"a code with a number of a thing": {result: pa.OpResult{Code: "NOTICE_302011234567890123", Err: errors.New("x")}, errorType: "_OTHER"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tel := newTelemetry()
			_, end := tel.observer().Start(t.Context(), submit)
			end(tt.result)

			s := tel.spans.GetSpans()[0]
			require.Equal(t, codes.Error, s.Status.Code)
			require.Empty(t, s.Status.Description)
			require.Empty(t, s.Events, "an exception event would carry the text of the error")
			got := attributes(s.Attributes)
			require.Equal(t, tt.errorType, got["error.type"])
			require.Equal(t, tt.code, got["pa.error.code"])
			require.NotContains(t, got, "http.request.resend_count")

			h := tel.metrics(t)["pa.client.call.duration"].Data.(metricdata.Histogram[float64])
			on := attributes(h.DataPoints[0].Attributes.ToSlice())
			require.Equal(t, tt.errorType, on["error.type"])
			require.NotContains(t, on, "pa.error.code", "codes of others have no bound in number")
		})
	}
}

func TestServerAddress(t *testing.T) {
	tests := []struct {
		host, address string
		port          any
	}{
		{"api.notifichedigitali.it", "api.notifichedigitali.it", nil},
		{"127.0.0.1:8480", "127.0.0.1", int64(8480)},
		{"[::1]:8480", "::1", int64(8480)},
		{"[::1]", "::1", nil},
		{"example.org:https", "example.org", nil},
		{"", "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.host, func(t *testing.T) {
			tel := newTelemetry()
			op := submit
			op.Host = tt.host
			_, end := tel.observer().Start(t.Context(), op)
			end(pa.OpResult{StatusCode: 202, Attempts: 1})
			got := attributes(tel.spans.GetSpans()[0].Attributes)
			require.Equal(t, tt.address, got["server.address"])
			require.Equal(t, tt.port, got["server.port"])
		})
	}
}

// Nothing that is personal or secret in the result of a call may be found in
// what is exported.
func TestCanary(t *testing.T) {
	canaries := map[string]string{
		"tax code":  "VRDGNN80A41H501T",
		"token":     "eyJhbGciOiJSUzI1NiJ9.canary.c2lnbmF0dXJl",
		"notice":    "302011234567890123",
		"query":     "taxId=VRDGNN80A41H501T",
		"recipient": "Giovanna Verdi",
		"address":   "via della Prova 7",
	}
	for name, canary := range canaries {
		t.Run(name, func(t *testing.T) {
			tel := newTelemetry()
			_, end := tel.observer().Start(t.Context(), submit)
			end(pa.OpResult{
				StatusCode: 400, Attempts: 2, Code: canary,
				Err: fmt.Errorf("%s: %w", canary, pa.NewError(pa.Fault{
					Op: "send.Submit", StatusCode: 400, Code: canary, TraceID: canary, Cause: errors.New(canary), Raw: []byte(canary),
					Problem: &pa.Problem{Title: canary, Detail: canary, Errors: []pa.ProblemError{{Code: canary, Element: canary, Detail: canary}}},
					Text:    pa.Text{IT: canary, EN: canary},
				})),
			})
			s := tel.spans.GetSpans()[0]
			exported := fmt.Sprint(s.Name, s.Status, s.Events, s.Links, attributes(s.Attributes))
			for name, m := range tel.metrics(t) {
				exported += fmt.Sprint(name, m.Description, measured(m.Data))
			}
			require.NotContains(t, exported, canary)
			require.Contains(t, exported, "send.Submit", "nothing was exported: this test proves nothing")
		})
	}
}

// measured writes out the attributes of all points of a metric.
func measured(data metricdata.Aggregation) string {
	var out string
	switch d := data.(type) {
	case metricdata.Sum[int64]:
		for _, p := range d.DataPoints {
			out += fmt.Sprint(attributes(p.Attributes.ToSlice()), p.Value, p.Exemplars)
		}
	case metricdata.Histogram[float64]:
		for _, p := range d.DataPoints {
			out += fmt.Sprint(attributes(p.Attributes.ToSlice()), p.Sum, p.Exemplars)
		}
	default:
		panic(fmt.Sprintf("a metric of type %T is not looked into", d))
	}
	return out
}

func TestCancelledCallerIsRecorded(t *testing.T) {
	tel := newTelemetry()
	ctx, cancel := context.WithCancel(t.Context())
	_, end := tel.observer().Start(ctx, submit)
	cancel()
	end(pa.OpResult{Attempts: 1, Sent: 5, Err: context.Cause(ctx)})
	sum := tel.metrics(t)["pa.client.request.size"].Data.(metricdata.Sum[int64])
	require.EqualValues(t, 5, sum.DataPoints[0].Value)
}

func TestConcurrentCalls(t *testing.T) {
	const calls = 50
	tel := newTelemetry()
	obs := tel.observer()
	var wg sync.WaitGroup
	for range calls {
		wg.Go(func() {
			_, end := obs.Start(t.Context(), submit)
			end(pa.OpResult{StatusCode: 202, Attempts: 2, Sent: 10})
		})
	}
	wg.Wait()
	require.Len(t, tel.spans.GetSpans(), calls)
	got := tel.metrics(t)
	require.EqualValues(t, calls, got["pa.client.call.retries"].Data.(metricdata.Sum[int64]).DataPoints[0].Value)
	require.EqualValues(t, 10*calls, got["pa.client.request.size"].Data.(metricdata.Sum[int64]).DataPoints[0].Value)
}

// A program may install its SDK after it has made its clients. OpenTelemetry
// lets a process do that once, so it is done in a process of its own.
func TestGlobalProvidersInstalledLater(t *testing.T) {
	const child = "PAOTEL_TEST_CHILD"
	if os.Getenv(child) == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestGlobalProvidersInstalledLater$", "-test.count=1")
		cmd.Env = append(os.Environ(), child+"=1")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Contains(t, string(out), "PASS")
		return
	}
	obs := paotel.New()
	tel := newTelemetry()
	otel.SetTracerProvider(tel.tracers)
	otel.SetMeterProvider(tel.meters)
	_, end := obs.Start(t.Context(), submit)
	end(pa.OpResult{StatusCode: 202, Attempts: 1})
	require.Len(t, tel.spans.GetSpans(), 1)
	require.Contains(t, tel.metrics(t), "pa.client.call.duration")
}

func TestRefusedInstrumentIsReported(t *testing.T) {
	var reported []error
	handler := otel.GetErrorHandler()
	t.Cleanup(func() { otel.SetErrorHandler(handler) })
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { reported = append(reported, err) }))

	tel := newTelemetry()
	obs := paotel.New(paotel.WithTracerProvider(tel.tracers), paotel.WithMeterProvider(refusing{}))
	require.Len(t, reported, 1)
	require.ErrorIs(t, reported[0], errRefused)
	_, end := obs.Start(t.Context(), submit)
	end(pa.OpResult{StatusCode: 202, Attempts: 2})
	require.Len(t, tel.spans.GetSpans(), 1)
}

var errRefused = errors.New("refused")

// refusing is a provider whose histograms cannot be had.
type refusing struct{ noop.MeterProvider }

func (refusing) Meter(string, ...metric.MeterOption) metric.Meter { return refusingMeter{} }

type refusingMeter struct{ noop.Meter }

func (refusingMeter) Float64Histogram(string, ...metric.Float64HistogramOption) (metric.Float64Histogram, error) {
	return noop.Float64Histogram{}, errRefused
}

func BenchmarkObserver(b *testing.B) {
	obs := paotel.New(
		paotel.WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample()))),
		paotel.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))))
	res := pa.OpResult{StatusCode: 202, Attempts: 1, Duration: 80 * time.Millisecond, Sent: 900, Received: 70}
	b.ReportAllocs()
	for b.Loop() {
		_, end := obs.Start(b.Context(), submit)
		end(res)
	}
}
