package sim_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/internal/sim"
	"github.com/pa-italia/sdk-go/pa/patest"
)

const base = "https://counter.simulator.invalid/api"

// counter is the least of simulators: it counts.
type counter struct {
	*sim.Server
	n int
}

func newCounter(t *testing.T, clock *patest.Clock) *counter {
	t.Helper()
	s, err := sim.New(sim.Config{Agenda: sim.NewAgenda(clock), BaseURL: base, Seed: 1, MaxBody: 1 << 20, Secret: []string{"voucher"}})
	require.NoError(t, err)
	c := &counter{Server: s}
	add := func(*sim.Call) sim.Reply { c.n++; return sim.JSON(200, map[string]int{"n": c.n}) }
	s.Handle("Add", "POST", "/things/{id}", add)
	s.Handle("Add", "GET", "/things/{id}", add)
	s.Handle("Self", "GET", "/things/self", func(*sim.Call) sim.Reply { return sim.Reply{Status: 204} })
	s.Handle("Echo", "PUT", "/echo/{id}", func(c *sim.Call) sim.Reply {
		return sim.Text(200, "text/plain", c.PathValue("id")+" "+fmt.Sprint(c.ContentLength)+" "+string(c.Body))
	})
	return c
}

// both runs a test over a socket and through the transport.
func both(t *testing.T, f func(t *testing.T, c *counter, client *http.Client)) {
	t.Run("transport", func(t *testing.T) {
		c := newCounter(t, patest.RealTime())
		f(t, c, &http.Client{Transport: c.Transport()})
	})
	t.Run("socket", func(t *testing.T) {
		c := newCounter(t, patest.RealTime())
		require.NoError(t, c.Start(t.Context(), "127.0.0.1:0", false))
		rt := &http.Transport{}
		t.Cleanup(func() { rt.CloseIdleConnections(); require.NoError(t, c.Close()) })
		f(t, c, &http.Client{Transport: rt})
	})
}

func get(t *testing.T, client *http.Client, url string) (int, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	require.NoError(t, err)
	res, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), err
}

func TestRoutes(t *testing.T) {
	both(t, func(t *testing.T, c *counter, client *http.Client) {
		status, body, err := get(t, client, c.URL()+"/things/7")
		require.NoError(t, err)
		require.Equal(t, 200, status)
		require.JSONEq(t, `{"n":1}`, body)
		status, _, err = get(t, client, c.URL()+"/things/self")
		require.NoError(t, err)
		require.Equal(t, 204, status)
		for _, path := range []string{"/things/", "/things/a/b", "/Things/7", "//things/7", "/things/7/"} {
			status, _, err = get(t, client, c.URL()+path)
			require.NoError(t, err)
			require.Equal(t, 404, status, path)
		}
		req, err := http.NewRequestWithContext(t.Context(), "PUT", c.URL()+"/echo/a%2Fb", strings.NewReader("abc"))
		require.NoError(t, err)
		res, err := client.Do(req)
		require.NoError(t, err)
		b, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, "a/b 3 abc", string(b))
		require.Equal(t, 1, c.Count("Add"))
		require.Equal(t, 8, c.Count("*"))
	})
}

func TestFaultsBehaveAlike(t *testing.T) {
	both(t, func(t *testing.T, c *counter, client *http.Client) {
		url := c.URL() + "/things/1"
		_, _, err := get(t, client, url) // the next one reuses the connection
		require.NoError(t, err)

		require.NoError(t, c.Inject("Add", patest.Fault{DropBefore: true}))
		_, _, err = get(t, client, url)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.Equal(t, 1, c.n)

		require.NoError(t, c.Inject("Add", patest.Fault{DropAfter: true, Skip: 1, Times: 2}))
		_, body, err := get(t, client, url)
		require.NoError(t, err)
		require.JSONEq(t, `{"n":2}`, body)
		for range 2 {
			_, _, err = get(t, client, url)
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		}
		require.Equal(t, 4, c.n)
		require.Equal(t, 5, c.Count("Add"), "no silent repetition")

		require.NoError(t, c.Inject("*", patest.Fault{Status: 504, Done: true, Body: "late", Header: http.Header{"X-Late": {"1"}}}))
		status, body, err := get(t, client, url)
		require.NoError(t, err)
		require.Equal(t, 504, status)
		require.Equal(t, "late", body)
		require.Equal(t, 5, c.n)

		require.NoError(t, c.Inject("Add", patest.Fault{Status: 503}))
		status, _, err = get(t, client, url)
		require.NoError(t, err)
		require.Equal(t, 503, status)
		require.Equal(t, 5, c.n)

		for _, n := range []int{-1, 3} {
			require.NoError(t, c.Inject("Add", patest.Fault{Truncate: n}))
			status, body, err = get(t, client, url)
			require.Equal(t, 200, status)
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			require.Len(t, body, max(n, 0))
		}

		require.NoError(t, c.Inject("Add", patest.Fault{Oversize: 10}))
		_, body, err = get(t, client, url)
		require.NoError(t, err)
		require.Equal(t, `{"n":8}`+strings.Repeat(" ", 10), body)

		require.NoError(t, c.Inject("Add", patest.Fault{Replace: func(_ int, h http.Header, b []byte) (int, http.Header, []byte) {
			h.Set("Content-Type", "text/html")
			return 200, h, []byte("<html>" + string(b))
		}}))
		_, body, err = get(t, client, url)
		require.NoError(t, err)
		require.Equal(t, `<html>{"n":9}`, body)
	})
}

func TestInjectRefuses(t *testing.T) {
	c := newCounter(t, patest.RealTime())
	require.ErrorContains(t, c.Inject("Sum", patest.Fault{DropBefore: true}), "Add, Echo, Self")
	require.Error(t, c.Inject("Add", patest.Fault{}))
}

func TestFaultMatchRateAndClear(t *testing.T) {
	c := newCounter(t, patest.RealTime())
	client := &http.Client{Transport: c.Transport()}
	require.NoError(t, c.Inject("Add", patest.Fault{Status: 500, Times: -1, Match: func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/1") }}))
	status, _, err := get(t, client, base+"/things/2")
	require.NoError(t, err)
	require.Equal(t, 200, status)
	status, _, err = get(t, client, base+"/things/1")
	require.NoError(t, err)
	require.Equal(t, 500, status)
	c.ClearFaults()

	require.NoError(t, c.Inject("Add", patest.Fault{Status: 500, Rate: 0.25}))
	hits := 0
	for range 400 {
		status, _, err = get(t, client, base+"/things/1")
		require.NoError(t, err)
		if status == 500 {
			hits++
		}
	}
	require.InDelta(t, 100, hits, 40)
}

func TestDelayInBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounter(t, patest.Day(time.Minute))
		client := &http.Client{Transport: c.Transport(), Timeout: 29 * time.Second}
		require.NoError(t, c.Inject("Add", patest.Fault{Delay: 10 * time.Second}))
		began := time.Now()
		_, _, err := get(t, client, base+"/things/1")
		require.NoError(t, err)
		require.Equal(t, 10*time.Second, time.Since(began))

		require.NoError(t, c.Inject("Add", patest.Fault{Delay: time.Minute}))
		_, _, err = get(t, client, base+"/things/1")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 1, c.n, "given up before the work")

		require.NoError(t, c.Inject("Add", patest.Fault{Delay: time.Minute, DropAfter: true}))
		_, _, err = get(t, client, base+"/things/1")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 2, c.n, "done although nobody waits any more")
	})
}

func TestRecordHoldsNoCredentials(t *testing.T) {
	both(t, func(t *testing.T, c *counter, client *http.Client) {
		const canary = "canary-7f3a"
		req, err := http.NewRequestWithContext(t.Context(), "PUT", c.URL()+"/echo/1?X-Amz-Signature="+canary+"&a=b",
			strings.NewReader("client_assertion="+canary+"&voucher="+canary+"&scope=x"))
		require.NoError(t, err)
		for _, h := range []string{"Authorization", "X-Api-Key", "Voucher"} {
			req.Header.Set(h, canary)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		require.NoError(t, c.Inject("Echo", patest.Fault{Status: 200}))
		res, err := client.Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		all := c.Exchanges()
		require.Len(t, all, 1)
		x := all[0]
		require.NotContains(t, fmt.Sprintf("%v %s", x, x.RequestBody), canary)
		require.Equal(t, "b", x.Query.Get("a"))
		require.Equal(t, patest.Removed, x.RequestHeader.Get("Authorization"))
		require.True(t, x.Faulted)
		require.Equal(t, "Echo", x.Op)
		require.EqualValues(t, 56, x.RequestSize)
	})
}

func TestBodyLimit(t *testing.T) {
	both(t, func(t *testing.T, c *counter, client *http.Client) {
		req, err := http.NewRequestWithContext(t.Context(), "PUT", c.URL()+"/echo/1", strings.NewReader(strings.Repeat("x", 1<<20+1)))
		require.NoError(t, err)
		res, err := client.Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, http.StatusRequestEntityTooLarge, res.StatusCode)
	})
}

func TestTransportRefusesOtherHostsAndLyingLengths(t *testing.T) {
	c := newCounter(t, patest.RealTime())
	client := &http.Client{Transport: c.Transport()}
	for _, url := range []string{"https://elsewhere.invalid/api/things/1", "http://counter.simulator.invalid/api/things/1"} {
		_, _, err := get(t, client, url)
		require.ErrorIs(t, err, sim.ErrUnknownHost)
	}
	for _, n := range []int64{2, 4} {
		req, err := http.NewRequestWithContext(t.Context(), "PUT", base+"/echo/1", strings.NewReader("abc"))
		require.NoError(t, err)
		req.ContentLength = n
		_, err = client.Do(req)
		require.ErrorContains(t, err, "Content-Length")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", base+"/things/1", nil)
	require.NoError(t, err)
	_, err = client.Do(req)
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, c.n)
}

func TestStart(t *testing.T) {
	c := newCounter(t, patest.RealTime())
	require.ErrorContains(t, c.Start(t.Context(), "0.0.0.0:0", false), "loopback")
	ctx, cancel := context.WithCancel(t.Context())
	require.NoError(t, c.Start(ctx, "127.0.0.1:0", false))
	require.Error(t, c.Start(ctx, "127.0.0.1:0", false))
	require.True(t, strings.HasPrefix(c.URL(), "http://127.0.0.1:"))
	require.True(t, strings.HasSuffix(c.URL(), "/api"))
	_, _, err := get(t, &http.Client{Transport: c.Transport()}, c.URL()+"/things/1")
	require.NoError(t, err, "the transport goes on working")
	cancel()
	require.NoError(t, c.Close())
	_, _, err = get(t, &http.Client{Transport: &http.Transport{}}, c.URL()+"/things/1")
	require.Error(t, err)
	require.NotErrorIs(t, err, context.Canceled)
}

func TestAgendaRunsWhatIsDueAtItsOwnInstant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := patest.Day(time.Minute)
		a := sim.NewAgenda(clock)
		start := clock.Now()
		var seen []string
		note := func(name string) func(time.Time) {
			return func(now time.Time) { seen = append(seen, fmt.Sprint(name, now.Sub(start))) }
		}
		a.Do(func(now time.Time) {
			a.At(now.Add(2*time.Hour), note("b"))
			a.At(now.Add(time.Hour), func(now time.Time) {
				note("a")(now)
				a.At(now.Add(30*time.Minute), note("child"))
				a.At(now.Add(24*time.Hour), note("later"))
			})
			a.At(now.Add(2*time.Hour), note("c"))
		})
		require.Empty(t, seen)
		clock.Advance(3 * time.Hour)
		a.Do(func(time.Time) {})
		require.Equal(t, []string{"a1h0m0s", "child1h30m0s", "b2h0m0s", "c2h0m0s"}, seen)
		time.Sleep(time.Minute)
		a.Do(func(time.Time) {})
		require.Equal(t, "later25h0m0s", seen[4])
	})
}
