package patest

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestClockPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		c := Day(time.Minute)
		require.True(t, c.Now().Equal(start))
		time.Sleep(time.Minute)
		require.Equal(t, 24*time.Hour, c.Now().Sub(start))

		c.Advance(-time.Hour)
		require.Equal(t, 24*time.Hour, c.Now().Sub(start))
		c.Advance(12 * time.Hour)
		require.Equal(t, 36*time.Hour, c.Now().Sub(start))

		c.SetDay(24 * time.Hour)
		require.Equal(t, 36*time.Hour, c.Now().Sub(start), "no jump")
		time.Sleep(time.Hour)
		require.Equal(t, 37*time.Hour, c.Now().Sub(start))
	})
}

func TestClockWaitAndLife(t *testing.T) {
	c := Day(time.Minute)
	require.Equal(t, 7*time.Minute, c.Wait(7*24*time.Hour))
	require.Equal(t, 7*24*time.Hour, c.Life(7*time.Minute))
	require.Equal(t, time.Duration(1), c.Wait(1), "rounded up, so that whoever waits arrives")
	require.Zero(t, c.Wait(-time.Second))
	require.Equal(t, time.Duration(math.MaxInt64), c.Life(time.Duration(math.MaxInt64)), "saturates")
	for _, d := range []time.Duration{1, 999, time.Second, 90 * time.Minute, 400 * 24 * time.Hour} {
		require.GreaterOrEqual(t, c.Life(c.Wait(d)), d)
	}
	require.Equal(t, time.Hour, RealTime().Wait(time.Hour))
	require.Equal(t, time.Hour, Day(0).Life(time.Hour))
}
