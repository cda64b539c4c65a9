package send_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/pa/patest"
	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

func submitMany(t *testing.T, c *send.Client, count int) {
	t.Helper()
	for i := range count {
		n, files := notification(i + 1)
		_, err := c.Submit(t.Context(), n, files)
		require.NoError(t, err)
	}
}

func TestStreamLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t, sendtest.WithStreamLimit(2))
		c := clientOf(t, s)
		made, err := c.CreateStream(t.Context(), send.StreamRequest{Title: "uno"})
		require.NoError(t, err)
		require.Equal(t, send.EventTimeline, made.EventType)
		require.NotEmpty(t, made.StreamID)
		got, err := c.Stream(t.Context(), made.StreamID)
		require.NoError(t, err)
		require.Equal(t, "uno", got.Title)

		_, err = c.CreateStream(t.Context(), send.StreamRequest{Title: "due"})
		require.NoError(t, err)
		_, err = c.CreateStream(t.Context(), send.StreamRequest{Title: "tre"})
		require.ErrorIs(t, err, send.ErrTooManyStreams)
		list, err := c.ListStreams(t.Context())
		require.NoError(t, err)
		require.Len(t, list, 2)

		older := clientOf(t, s, func(cfg *send.Config) { cfg.Versions.Streams = "v2.8" })
		_, err = older.EventPage(t.Context(), made.StreamID, "")
		require.ErrorIs(t, err, send.ErrStreamVersion, "a stream answers to the version that made it")

		require.NoError(t, c.DeleteStream(t.Context(), made.StreamID))
		_, err = c.EventPage(t.Context(), made.StreamID, "")
		require.ErrorIs(t, err, pa.ErrNotFound)
	})
}

// TestConsumeLosesNothing crashes the handler, then the checkpoint, before it
// lets the batches through: every event is dealt with, in order.
func TestConsumeLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t, sendtest.WithStreamDisorder(0.2, 0.2))
		c := clientOf(t, s)
		stream, err := c.CreateStream(t.Context(), send.StreamRequest{Title: "esiti"})
		require.NoError(t, err)
		const count = 12
		submitMany(t, c, count)
		time.Sleep(day)

		checkpoints := new(send.MemoryCheckpoints)
		seen := map[string]int{}
		crash := errors.New("crash")
		last, accepted, twice := "", 0, 0
		for turn := 0; ; turn++ {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			err := c.Consume(ctx, stream.StreamID, send.ConsumeOptions{
				Checkpoints: crashing{checkpoints, turn%3 == 1},
				Handle: func(_ context.Context, b send.Batch) error {
					require.LessOrEqual(t, len(b.Events), 50)
					for _, e := range b.Events {
						require.Greater(t, e.EventID, last, "in order, none twice in a batch")
						require.True(t, json.Valid(e.Raw))
						require.Contains(t, string(e.Raw), e.EventID)
						if turn%3 != 2 {
							continue
						}
						last = e.EventID
						if seen[e.Key()]++; seen[e.Key()] > 1 {
							twice++ // under another id: the platform may, and the key tells
							continue
						}
						if e.Element.Category == send.CategoryRequestAccepted {
							accepted++
						}
					}
					if turn%3 == 0 {
						return crash
					}
					return nil
				},
			})
			cancel()
			if turn%3 == 2 {
				require.NoError(t, err)
				break
			}
			require.Error(t, err)
		}
		require.Equal(t, count, accepted)
		require.Positive(t, twice, "the simulator was told to")
	})
}

type crashing struct {
	send.Checkpointer
	fails bool
}

func (c crashing) Save(ctx context.Context, stream, checkpoint string) error {
	if c.fails {
		return errors.New("disk full")
	}
	return c.Checkpointer.Save(ctx, stream, checkpoint)
}

// TestAcknowledgeAfterSave looks at what the platform was told, and when.
func TestAcknowledgeAfterSave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t)
		c := clientOf(t, s)
		stream, err := c.CreateStream(t.Context(), send.StreamRequest{Title: "esiti"})
		require.NoError(t, err)
		submitMany(t, c, 6)
		time.Sleep(2 * day)
		saved := map[string]bool{"": true}
		cp := recording{new(send.MemoryCheckpoints), saved}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.NoError(t, c.Consume(ctx, stream.StreamID, send.ConsumeOptions{Checkpoints: cp,
			Handle: func(context.Context, send.Batch) error {
				for _, x := range s.Exchanges() {
					if x.Op == "Events" {
						require.True(t, saved[x.Query.Get("lastEventId")], "acknowledged only what was saved")
					}
				}
				return nil
			}}))
		require.Greater(t, s.Count("Events"), 2)
	})
}

type recording struct {
	send.Checkpointer
	saved map[string]bool
}

func (r recording) Save(ctx context.Context, stream, checkpoint string) error {
	r.saved[checkpoint] = true
	return r.Checkpointer.Save(ctx, stream, checkpoint)
}

func TestStreamKeepsThePlatformsPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t, sendtest.WithRetryAfter(900*time.Second, true))
		c := clientOf(t, s)
		stream, err := c.CreateStream(t.Context(), send.StreamRequest{Title: "esiti"})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		for range c.Events(ctx, stream.StreamID, "") {
		}
		require.InDelta(t, 5, s.Count("Events"), 1, "every quarter of an hour")
		for _, x := range s.Exchanges() {
			require.NotEqual(t, http.StatusTooManyRequests, x.Status)
		}
	})
}

// TestPagesOutOfOrderAndRepeated scripts what the platform is allowed to do.
func TestPagesOutOfOrderAndRepeated(t *testing.T) {
	event := func(n int) string {
		return fmt.Sprintf(`{"eventId":"%038d","element":{"elementId":"E%d","category":"A_NEW_CATEGORY","details":{"k":"}\"]{"}}}`, n, n)
	}
	page := func(ids ...int) string {
		list := make([]string, len(ids))
		for i, n := range ids {
			list[i] = event(n)
		}
		return "[ " + strings.Join(list, " , ") + " ]"
	}
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t)
		stream, err := clientOf(t, s).CreateStream(t.Context(), send.StreamRequest{Title: "esiti"})
		require.NoError(t, err)
		pages := []string{page(3, 1, 2, 2), page(1, 2, 3), page(3, 5, 4, 4), page(7), page()}
		asked := 0
		require.NoError(t, s.Inject("Events", patest.Fault{Times: -1, Replace: func(int, http.Header, []byte) (int, http.Header, []byte) {
			p := pages[min(asked, len(pages)-1)]
			asked++
			return 200, http.Header{"Content-Type": {"application/json"}, "Retry-After": {"0"}}, []byte(p)
		}}))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var got []string
		for e, err := range clientOf(t, s).Events(ctx, stream.StreamID, "") {
			if err != nil {
				require.ErrorIs(t, err, context.DeadlineExceeded)
				break
			}
			require.Equal(t, send.Category("A_NEW_CATEGORY"), e.Element.Category)
			require.JSONEq(t, event(atoi(t, e.EventID)), string(e.Raw))
			got = append(got, e.Element.ElementID)
		}
		require.Equal(t, []string{"E1", "E2", "E3", "E4", "E5", "E7"}, got)
	})
}

func atoi(t *testing.T, id string) int {
	t.Helper()
	var n int
	_, err := fmt.Sscan(strings.TrimLeft(id, "0"), &n)
	require.NoError(t, err)
	return n
}

func TestEventWithoutID(t *testing.T) {
	for _, body := range []string{`[null]`, `[{"element":{}}]`, `[1]`, `{}`} {
		synctest.Test(t, func(t *testing.T) {
			s := sendtest.New(t)
			stream, err := clientOf(t, s).CreateStream(t.Context(), send.StreamRequest{Title: "esiti"})
			require.NoError(t, err)
			require.NoError(t, s.Inject("Events", patest.Fault{Replace: func(int, http.Header, []byte) (int, http.Header, []byte) {
				return 200, http.Header{"Content-Type": {"application/json"}}, []byte(body)
			}}))
			_, err = clientOf(t, s).EventPage(t.Context(), stream.StreamID, "")
			require.ErrorIs(t, err, pa.ErrUnexpectedReply, body)
		})
	}
}

func TestConsumeStopsWhenRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clientOf(t, sendtest.New(t))
		err := c.Consume(t.Context(), "00000000-0000-4000-8000-000000000000", send.ConsumeOptions{
			Handle: func(context.Context, send.Batch) error { return nil }})
		require.ErrorIs(t, err, pa.ErrNotFound)
		require.Error(t, c.Consume(t.Context(), "x", send.ConsumeOptions{}))
	})
}

func TestLocks(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "locks")
	files, err := send.NewFileLocks(dir)
	require.NoError(t, err)
	again, err := send.NewFileLocks(dir)
	require.NoError(t, err)
	memory := new(send.MemoryLocks)
	for name, pair := range map[string][2]send.Locker{
		"memory":          {memory, memory},
		"file":            {files, files},
		"two on a folder": {files, again},
	} {
		t.Run(name, func(t *testing.T) {
			l, other := pair[0], pair[1]
			held, release, err := l.Lock(t.Context(), "stream")
			require.NoError(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			_, _, err = other.Lock(ctx, "stream")
			require.ErrorIs(t, err, context.DeadlineExceeded)
			_, free, err := l.Lock(t.Context(), "another")
			require.NoError(t, err)
			require.NoError(t, free())

			var wg sync.WaitGroup
			wg.Go(func() {
				_, release, err := other.Lock(t.Context(), "stream")
				require.NoError(t, err)
				require.NoError(t, release())
			})
			require.NoError(t, held.Err())
			require.NoError(t, release())
			require.Error(t, held.Err(), "the context ends with the lock")
			wg.Wait()
		})
	}
}

func TestFileCheckpoints(t *testing.T) {
	dir := t.TempDir()
	f, err := send.NewFileCheckpoints(dir)
	require.NoError(t, err)
	got, err := f.Load(t.Context(), "s")
	require.NoError(t, err)
	require.Empty(t, got)
	require.NoError(t, f.Save(t.Context(), "s", "1"))
	require.NoError(t, f.Save(t.Context(), "S", "2"))
	require.NoError(t, f.Save(t.Context(), "s/../s", "3"))
	for stream, want := range map[string]string{"s": "1", "S": "2", "s/../s": "3"} {
		got, err := f.Load(t.Context(), stream)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	names, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, names, 3, "no leftovers")
	require.NoError(t, os.WriteFile(filepath.Join(dir, names[0].Name()), []byte("{"), 0o600))
	damaged := 0
	for stream := range map[string]string{"s": "1", "S": "2", "s/../s": "3"} {
		if _, err := f.Load(t.Context(), stream); err != nil {
			damaged++
		}
	}
	require.Equal(t, 1, damaged, "a damaged checkpoint is an error, not a start from the beginning")
}
