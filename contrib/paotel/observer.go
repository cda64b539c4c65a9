package paotel

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/pa-italia/sdk-go/pa"
)

// ScopeName is the instrumentation scope of all spans and metrics.
const ScopeName = "github.com/pa-italia/sdk-go/contrib/paotel"

// Attributes that the semantic conventions have no name for.
const (
	operationKey = attribute.Key("pa.operation")
	codeKey      = attribute.Key("pa.error.code")
)

// Option changes what [New] makes.
type Option func(*options)

type options struct {
	tracers trace.TracerProvider
	meters  metric.MeterProvider
}

// WithTracerProvider replaces the global provider of tracers.
func WithTracerProvider(p trace.TracerProvider) Option {
	return func(o *options) { o.tracers = p }
}

// WithMeterProvider replaces the global provider of meters.
func WithMeterProvider(p metric.MeterProvider) Option {
	return func(o *options) { o.meters = p }
}

// New returns an observer that may be shared by any number of clients. A
// metric that the provider refuses is reported to the error handler of
// OpenTelemetry and then not recorded; calls go on.
func New(opts ...Option) pa.Observer {
	o := options{tracers: otel.GetTracerProvider(), meters: otel.GetMeterProvider()}
	for _, opt := range opts {
		opt(&o)
	}
	m := o.meters.Meter(ScopeName, metric.WithSchemaURL(semconv.SchemaURL))
	return &observer{
		tracer: o.tracers.Tracer(ScopeName, trace.WithSchemaURL(semconv.SchemaURL)),
		duration: instrument(m.Float64Histogram("pa.client.call.duration", metric.WithUnit("s"),
			metric.WithDescription("Duration of calls, with their repeats and the pauses between them."),
			metric.WithExplicitBucketBoundaries(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300))),
		retries: instrument(m.Int64Counter("pa.client.call.retries", metric.WithUnit("{retry}"),
			metric.WithDescription("Attempts after the first of a call."))),
		sent: instrument(m.Int64Counter("pa.client.request.size", metric.WithUnit("By"),
			metric.WithDescription("Bytes of request bodies, all attempts."))),
		received: instrument(m.Int64Counter("pa.client.response.size", metric.WithUnit("By"),
			metric.WithDescription("Bytes of reply bodies, last attempt of each call."))),
	}
}

// instrument hands on an instrument, which records nothing where its provider
// refused it, and tells why.
func instrument[T any](i T, err error) T {
	if err != nil {
		otel.Handle(err)
	}
	return i
}

type observer struct {
	tracer         trace.Tracer
	duration       metric.Float64Histogram
	retries        metric.Int64Counter
	sent, received metric.Int64Counter
}

// Start implements [pa.Observer].
func (o *observer) Start(ctx context.Context, op pa.OpInfo) (context.Context, func(pa.OpResult)) {
	call := callAttributes(op)
	ctx, span := o.tracer.Start(ctx, op.Op, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(call...))
	return ctx, func(res pa.OpResult) {
		outcome := outcomeAttributes(res)
		span.SetAttributes(outcome...)
		span.SetAttributes(sizeAttributes(res)...)
		if res.Err != nil {
			span.SetStatus(codes.Error, "")
		}
		span.End()

		// The caller's context may be over; what happened is recorded all the same.
		ctx := context.WithoutCancel(ctx)
		same := metric.WithAttributeSet(attribute.NewSet(call...))
		o.duration.Record(ctx, res.Duration.Seconds(), same, metric.WithAttributes(outcome...))
		o.retries.Add(ctx, int64(retries(res)), same)
		o.sent.Add(ctx, max(res.Sent, 0), same)
		o.received.Add(ctx, max(res.Received, 0), same)
	}
}

// callAttributes name the call; they are known before it starts, so that a
// sampler can decide on them.
func callAttributes(op pa.OpInfo) []attribute.KeyValue {
	kv := []attribute.KeyValue{
		operationKey.String(op.Op),
		semconv.HTTPRequestMethodKey.String(op.Method),
		semconv.URLTemplate(op.Path),
	}
	host, port, err := net.SplitHostPort(op.Host)
	if err != nil { // no port
		return append(kv, semconv.ServerAddress(strings.Trim(op.Host, "[]")))
	}
	kv = append(kv, semconv.ServerAddress(host))
	if n, err := strconv.ParseUint(port, 10, 16); err == nil {
		kv = append(kv, semconv.ServerPort(int(n)))
	}
	return kv
}

// outcomeAttributes are few enough in their values to be put on a metric.
func outcomeAttributes(res pa.OpResult) []attribute.KeyValue {
	var kv []attribute.KeyValue
	if res.StatusCode != 0 {
		kv = append(kv, semconv.HTTPResponseStatusCode(res.StatusCode))
	}
	if res.Err != nil {
		kv = append(kv, semconv.ErrorTypeKey.String(errorType(res)))
	}
	return kv
}

func sizeAttributes(res pa.OpResult) []attribute.KeyValue {
	kv := []attribute.KeyValue{
		semconv.HTTPRequestBodySizeKey.Int64(max(res.Sent, 0)),
		semconv.HTTPResponseBodySizeKey.Int64(max(res.Received, 0)),
	}
	if n := retries(res); n > 0 {
		kv = append(kv, semconv.HTTPRequestResendCount(n))
	}
	if code := printableCode(res); res.Err != nil && code != "" {
		kv = append(kv, codeKey.String(code))
	}
	return kv
}

func retries(res pa.OpResult) int { return max(res.Attempts-1, 0) }

func errorType(res pa.OpResult) string {
	switch {
	case res.StatusCode >= http.StatusBadRequest:
		return strconv.Itoa(res.StatusCode)
	case errors.Is(res.Err, context.Canceled):
		return "canceled"
	case errors.Is(res.Err, context.DeadlineExceeded):
		return "deadline_exceeded"
	}
	return cmp.Or(printableCode(res), semconv.ErrorTypeOther.Value.AsString())
}

// printableCode returns the code of a failure if it looks like one. Codes are
// words joined by marks, some with a few digits: PN_GENERIC_INVALIDPARAMETER,
// 015-0008. A longer word with digits in it is an identifier of something or
// somebody, and anything else was not meant to be a code.
func printableCode(res pa.OpResult) string {
	const longest, longestWithDigits = 96, 8
	code := cmp.Or(res.Code, pa.CodeOf(res.Err))
	if len(code) > longest {
		return ""
	}
	var word, digits int
	for _, c := range []byte(code) {
		switch {
		case c >= '0' && c <= '9':
			word, digits = word+1, digits+1
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z':
			word++
		case c == '_', c == '-', c == '.', c == ':':
			word, digits = 0, 0
		default:
			return ""
		}
		if digits > 0 && word > longestWithDigits {
			return ""
		}
	}
	return code
}
