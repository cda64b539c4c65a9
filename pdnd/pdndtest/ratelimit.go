package pdndtest

import (
	"net/http"
	"strconv"
	"time"
)

// quota counts the requests of an organization in two windows: the second
// takes what the first has no room for.
type quota struct{ main, burst window }

// window is a fixed span of time that begins with the first request in it.
type window struct {
	start time.Time
	used  int
}

// take reports whether there is room for one more, and how much is left then.
func (w *window) take(now time.Time, limit int, span time.Duration) (left int, ok bool) {
	if w.start.IsZero() || now.Sub(w.start) >= span {
		*w = window{start: now}
	}
	w.used++
	return max(0, limit-w.used), w.used <= limit
}

func (q *quota) take(now time.Time, l RateLimit) (left int, ok bool) {
	if left, ok = q.main.take(now, l.Requests, l.Interval); ok {
		return left, true
	}
	points := int(float64(l.Requests) * l.Burst)
	_, ok = q.burst.take(now, points, time.Duration(float64(l.Interval)*l.Burst))
	return 0, ok
}

func (l RateLimit) header(h http.Header, left int) {
	h.Set("X-Rate-Limit-Limit", strconv.Itoa(l.Requests))
	h.Set("X-Rate-Limit-Remaining", strconv.Itoa(left))
	h.Set("X-Rate-Limit-Interval", strconv.FormatInt(l.Interval.Milliseconds(), 10))
}
