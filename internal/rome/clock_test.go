package rome_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/internal/rome"
)

func TestLocation(t *testing.T) {
	require.Equal(t, "Europe/Rome", rome.Location().String())
	require.Same(t, rome.Location(), rome.Location())
	name, offset := time.Date(2026, time.January, 1, 0, 0, 0, 0, rome.Location()).Zone()
	require.Equal(t, "CET", name)
	require.Equal(t, 3600, offset)
	name, offset = time.Date(2026, time.July, 1, 0, 0, 0, 0, rome.Location()).Zone()
	require.Equal(t, "CEST", name)
	require.Equal(t, 7200, offset)
}

func TestDate(t *testing.T) {
	require.Equal(t, "2026-01-31T00:00:00+01:00", rome.Date(2026, time.January, 31).Format(time.RFC3339))
	require.Equal(t, "2026-07-01T00:00:00+02:00", rome.Date(2026, time.June, 31).Format(time.RFC3339))
}

func TestDayBounds(t *testing.T) {
	for _, test := range []struct {
		name, in, start, end string
		length               time.Duration
	}{
		{"winter", "2026-01-15T10:00:00Z", "2026-01-15T00:00:00+01:00", "2026-01-15T23:59:59.999999999+01:00", 24 * time.Hour},
		{"summer", "2026-07-15T10:00:00Z", "2026-07-15T00:00:00+02:00", "2026-07-15T23:59:59.999999999+02:00", 24 * time.Hour},
		{"already tomorrow in Rome", "2025-12-31T23:30:00Z", "2026-01-01T00:00:00+01:00", "2026-01-01T23:59:59.999999999+01:00", 24 * time.Hour},
		{"still yesterday in Rome", "2026-07-15T06:00:00+09:00", "2026-07-14T00:00:00+02:00", "2026-07-14T23:59:59.999999999+02:00", 24 * time.Hour},
		{"23 hours", "2026-03-29T10:00:00Z", "2026-03-29T00:00:00+01:00", "2026-03-29T23:59:59.999999999+02:00", 23 * time.Hour},
		{"25 hours", "2026-10-25T10:00:00Z", "2026-10-25T00:00:00+02:00", "2026-10-25T23:59:59.999999999+01:00", 25 * time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			in, err := time.Parse(time.RFC3339, test.in)
			require.NoError(t, err)
			start, end := rome.StartOfDay(in), rome.EndOfDay(in)
			require.Equal(t, test.start, start.Format(time.RFC3339Nano))
			require.Equal(t, test.end, end.Format(time.RFC3339Nano))
			require.Equal(t, test.length, end.Add(1).Sub(start))
			require.Equal(t, start, rome.StartOfDay(end))
		})
	}
}

func TestAddDays(t *testing.T) {
	for _, test := range []struct {
		in   string
		n    int
		want string
	}{
		{"2026-03-28T12:00:00+01:00", 1, "2026-03-29T12:00:00+02:00"},
		{"2026-10-24T12:00:00+02:00", 1, "2026-10-25T12:00:00+01:00"},
		{"2026-10-26T12:00:00+01:00", -2, "2026-10-24T12:00:00+02:00"},
		{"2026-03-28T02:30:00+01:00", 1, "2026-03-29T03:30:00+02:00"}, // 02:30 is skipped
		{"2026-10-25T02:30:00+02:00", 0, "2026-10-25T02:30:00+02:00"}, // the first 02:30
		{"2026-10-25T02:30:00+01:00", 0, "2026-10-25T02:30:00+01:00"}, // the second 02:30
		{"2026-01-01T23:30:00Z", 1, "2026-01-03T00:30:00+01:00"},      // the day of Rome counts
		{"2026-01-31T09:00:00+01:00", 120, "2026-05-31T09:00:00+02:00"},
		{"2028-02-28T09:00:00+01:00", 1, "2028-02-29T09:00:00+01:00"},
	} {
		in, err := time.Parse(time.RFC3339, test.in)
		require.NoError(t, err)
		got := rome.AddDays(in, test.n)
		require.Equal(t, test.want, got.Format(time.RFC3339), test.in)
		require.Same(t, rome.Location(), got.Location())
	}
}

func TestDaysBetween(t *testing.T) {
	for _, test := range []struct {
		from, to string
		want     int
	}{
		{"2026-03-28T23:59:59+01:00", "2026-03-29T00:00:00+01:00", 1},
		{"2026-03-29T00:00:00+01:00", "2026-03-29T23:59:59+02:00", 0},
		{"2026-01-01T12:00:00+01:00", "2027-01-01T00:00:00+01:00", 365},
		{"2026-01-02T00:00:00+01:00", "2026-01-01T23:00:00+01:00", -1},
		{"1969-12-30T12:00:00+01:00", "1970-01-02T12:00:00+01:00", 3},
		{"2025-12-31T23:30:00Z", "2026-01-01T12:00:00+01:00", 0},
	} {
		from, err := time.Parse(time.RFC3339, test.from)
		require.NoError(t, err)
		to, err := time.Parse(time.RFC3339, test.to)
		require.NoError(t, err)
		require.Equal(t, test.want, rome.DaysBetween(from, to), test.from)
	}
}

func TestDaysBetweenUndoesAddDays(t *testing.T) {
	start := time.Date(2026, time.January, 1, 0, 30, 0, 0, rome.Location())
	for n := -1000; n <= 1000; n++ {
		require.Equal(t, n, rome.DaysBetween(start, rome.AddDays(start, n)))
	}
}
