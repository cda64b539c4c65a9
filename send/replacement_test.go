package send_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/pa/patest"
	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

// TestMigrationWithoutAGap moves a stream to a newer version while
// notifications live on: the old one drained and the new one consumed tell
// everything.
func TestMigrationWithoutAGap(t *testing.T) {
	for name, fault := range map[string]patest.Fault{
		"well":             {},
		"lost reply":       {DropAfter: true},
		"lost before":      {DropBefore: true},
		"gateway time-out": {Done: true, Status: 504, Body: `{"message":"Endpoint request timed out"}`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := sendtest.New(t)
				c := clientOf(t, s)
				old, err := c.WithVersions(send.Versions{Streams: "v2.8"})
				require.NoError(t, err)
				was, err := old.CreateStream(t.Context(), send.StreamRequest{Title: "esiti", WaitForAccepted: true, FilterValues: []string{send.FilterDefault}})
				require.NoError(t, err)
				submitMany(t, c, 3)
				time.Sleep(time.Hour)

				if name != "well" {
					require.NoError(t, s.Inject("CreateStream", fault))
				}
				now, err := c.ReplaceStream(t.Context(), old, was.StreamID)
				if name == "lost before" {
					require.ErrorIs(t, err, pa.ErrOutcomeUnknown)
					now, err = c.ReplaceStream(t.Context(), old, was.StreamID)
				}
				require.NoError(t, err)
				again, err := c.ReplaceStream(t.Context(), old, was.StreamID)
				require.NoError(t, err)
				require.Equal(t, now.StreamID, again.StreamID, "once")
				require.Equal(t, "esiti", now.Title)
				require.True(t, now.WaitForAccepted)
				list, err := c.ListStreams(t.Context())
				require.NoError(t, err)
				require.Len(t, list, 2)

				time.Sleep(day)
				seen := map[string]bool{}
				accepted := 0
				handle := func(_ context.Context, b send.Batch) error {
					for _, e := range b.Events {
						if key := e.Key(); !seen[key] {
							seen[key] = true
							if e.Element.Category == send.CategoryRequestAccepted {
								accepted++
							}
						}
					}
					return nil
				}
				opt := send.ConsumeOptions{Handle: handle, Checkpoints: new(send.MemoryCheckpoints)}
				require.NoError(t, old.Drain(t.Context(), was.StreamID, opt))
				for i := range 2 {
					n, files := notification(100 + i)
					_, err := c.Submit(t.Context(), n, files)
					require.NoError(t, err)
				}
				time.Sleep(8 * day / 2)
				require.NoError(t, c.Drain(t.Context(), now.StreamID, opt))
				require.Equal(t, 5, accepted)
			})
		})
	}
}

func TestDrainCutShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t)
		c := clientOf(t, s)
		stream, err := c.CreateStream(t.Context(), send.StreamRequest{Title: "esiti"})
		require.NoError(t, err)
		submitMany(t, c, 12)
		time.Sleep(day)
		cause := errors.New("shutting down")
		ctx, cancel := context.WithCancelCause(t.Context())
		err = c.Drain(ctx, stream.StreamID, send.ConsumeOptions{Handle: func(context.Context, send.Batch) error { cancel(cause); return nil }})
		require.ErrorIs(t, err, cause, "there is more: that is no end")
	})
}

func TestStreamChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t)
		c := clientOf(t, s)
		stream, err := c.CreateStream(t.Context(), send.StreamRequest{Title: "uno", EventType: send.EventStatus})
		require.NoError(t, err)
		_, err = c.UpdateStream(t.Context(), stream.StreamID, send.StreamRequest{Title: "due"})
		require.ErrorIs(t, err, pa.ErrInvalid, "the type is not guessed")
		r := stream.StreamRequest
		r.Title = "due"
		changed, err := c.UpdateStream(t.Context(), stream.StreamID, r)
		require.NoError(t, err)
		require.Equal(t, "due", changed.Title)
		require.Equal(t, send.EventStatus, changed.EventType)

		require.NoError(t, s.Inject("DisableStream", patest.Fault{DropAfter: true}))
		disabled, err := c.DisableStream(t.Context(), stream.StreamID)
		require.NoError(t, err, "by the attempt whose reply was lost")
		require.False(t, disabled.DisabledDate.IsZero())
		_, err = c.UpdateStream(t.Context(), stream.StreamID, r)
		require.ErrorIs(t, err, send.ErrStreamVersion)
		require.Contains(t, pa.Message(err, pa.Italian), "disabilitato")
	})
}

func TestOlderStreamsHaveFewerFields(t *testing.T) {
	s := sendtest.New(t)
	old := clientOf(t, s, func(cfg *send.Config) { cfg.Versions.Streams = "v2.6" })
	_, err := old.CreateStream(t.Context(), send.StreamRequest{Title: "x", WaitForAccepted: true})
	require.ErrorIs(t, err, pa.ErrInvalid)
	require.Empty(t, s.Exchanges())
}
