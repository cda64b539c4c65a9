package rome_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/internal/rome"
)

// knownEasters are the Easter Sundays of 1990 to 2100 as month and day, ten
// years a line (416 is 16 April). They were computed with easter.easter of
// python-dateutil, which follows Oudin's rule and not the one used here.
func knownEasters() []string {
	return strings.Fields("" +
		"415 331 419 411 403 416 407 330 412 404 " +
		"423 415 331 420 411 327 416 408 323 412 " +
		"404 424 408 331 420 405 327 416 401 421 " +
		"412 404 417 409 331 420 405 328 416 401 " +
		"421 413 328 417 409 325 413 405 425 410 " +
		"401 421 406 329 417 409 325 414 405 418 " +
		"410 402 421 406 329 418 402 422 414 330 " +
		"418 410 326 415 406 329 411 403 422 414 " +
		"330 419 410 326 415 407 419 411 403 423 " +
		"407 330 419 404 326 415 331 420 411 403 " +
		"416 408 330 412 404 424 415 331 420 412 " +
		"328 ")
}

func TestEaster(t *testing.T) {
	table := knownEasters()
	require.Len(t, table, 111)
	for i, text := range table {
		year := 1990 + i
		n, err := strconv.Atoi(text)
		require.NoError(t, err)
		easter := rome.Easter(year)
		require.Equal(t, rome.Date(year, time.Month(n/100), n%100), easter)
		require.Equal(t, time.Sunday, easter.Weekday())
		require.True(t, rome.IsHoliday(easter))
		require.True(t, rome.IsHoliday(rome.AddDays(easter, 1)), year)
	}
}

func day(t testing.TB, text string) time.Time {
	t.Helper()
	d, err := time.ParseInLocation(time.DateOnly, text, rome.Location())
	require.NoError(t, err)
	return d.Add(12 * time.Hour)
}

func TestIsHoliday(t *testing.T) {
	for text, want := range map[string]bool{
		"2026-01-01": true,
		"2026-01-06": true,
		"1985-01-06": true, // a Sunday
		"1984-01-06": false,
		"1986-01-06": true,
		"2026-04-03": false, // Good Friday
		"2026-04-05": true,  // Easter
		"2026-04-06": true,
		"2026-04-07": false,
		"2026-04-25": true,
		"2026-05-01": true,
		"2026-06-02": true,
		"2000-06-02": false,
		"2001-06-02": true,
		"2026-06-29": false, // Rome only
		"2026-08-15": true,
		"2025-10-04": false, // a Saturday before law 151/2025
		"2026-10-04": true,  // a Sunday
		"2027-10-04": true,
		"2028-10-04": true,
		"2023-10-04": false,
		"2026-11-01": true,
		"2026-11-02": false,
		"2026-11-04": false,
		"2026-12-08": true,
		"2026-12-24": false,
		"2026-12-25": true,
		"2026-12-26": true,
		"2026-12-27": true, // a Sunday
		"2026-12-28": false,
		"2026-12-31": false,
	} {
		require.Equal(t, want, rome.IsHoliday(day(t, text)), text)
	}
}

func TestHolidaysOfAYear(t *testing.T) {
	for year, want := range map[int]int{1999: 10, 2002: 11, 2025: 11, 2027: 12} {
		count := 0
		for d := rome.Date(year, time.January, 1); d.Year() == year; d = rome.AddDays(d, 1) {
			if rome.IsHoliday(d) && (d.Weekday() != time.Sunday) {
				count++
			}
		}
		sundays := 0
		for _, h := range []string{"01-01", "01-06", "04-25", "05-01", "08-15", "11-01", "12-08", "12-25", "12-26"} {
			if day(t, strconv.Itoa(year)+"-"+h).Weekday() == time.Sunday {
				sundays++
			}
		}
		if year > 2000 && day(t, strconv.Itoa(year)+"-06-02").Weekday() == time.Sunday {
			sundays++
		}
		if year > 2025 && day(t, strconv.Itoa(year)+"-10-04").Weekday() == time.Sunday {
			sundays++
		}
		require.Equal(t, want, count+sundays, year)
	}
}

// The day is that of Rome, wherever the instant was written.
func TestHolidayOfAnotherZone(t *testing.T) {
	require.True(t, rome.IsHoliday(time.Date(2025, time.December, 31, 23, 30, 0, 0, time.UTC)))
	require.False(t, rome.IsHoliday(time.Date(2026, time.January, 1, 23, 30, 0, 0, time.UTC)))
	require.True(t, rome.IsWorkingDay(time.Date(2026, time.June, 21, 22, 0, 0, 0, time.UTC), rome.SaturdaysRest))
	require.False(t, rome.IsWorkingDay(time.Date(2026, time.June, 19, 22, 0, 0, 0, time.UTC), rome.SaturdaysRest))
	require.True(t, rome.IsWorkingDay(time.Date(2026, time.June, 19, 22, 0, 0, 0, time.UTC), rome.SaturdaysWork))
}

func TestWorkingDays(t *testing.T) {
	for _, test := range []struct {
		from              string
		saturdays         rome.Saturdays
		sameOrNext, after string
	}{
		{"2026-06-17", rome.SaturdaysRest, "2026-06-17", "2026-06-18"},
		{"2026-06-19", rome.SaturdaysRest, "2026-06-19", "2026-06-22"},
		{"2026-06-19", rome.SaturdaysWork, "2026-06-19", "2026-06-20"},
		{"2026-06-20", rome.SaturdaysRest, "2026-06-22", "2026-06-22"},
		{"2026-06-20", rome.SaturdaysWork, "2026-06-20", "2026-06-22"},
		{"2026-04-04", rome.SaturdaysRest, "2026-04-07", "2026-04-07"}, // Easter
		{"2026-12-24", rome.SaturdaysRest, "2026-12-24", "2026-12-28"},
		{"2027-12-31", rome.SaturdaysRest, "2027-12-31", "2028-01-03"},
		{"2026-04-30", rome.SaturdaysRest, "2026-04-30", "2026-05-04"},
		{"2026-04-30", rome.SaturdaysWork, "2026-04-30", "2026-05-02"},
	} {
		from := day(t, test.from)
		require.Equal(t, day(t, test.sameOrNext), rome.SameOrNextWorkingDay(from, test.saturdays), test.from)
		require.Equal(t, day(t, test.after), rome.NextWorkingDay(from, test.saturdays), test.from)
	}
}

func TestAddWorkingDays(t *testing.T) {
	from := day(t, "2026-12-23") // a Wednesday
	for n, want := range map[int]string{
		0: "2026-12-23", 1: "2026-12-24", 2: "2026-12-28", 3: "2026-12-29", 5: "2026-12-31", 6: "2027-01-04",
		7: "2027-01-05", 8: "2027-01-07", -1: "2026-12-22", -3: "2026-12-18", -10: "2026-12-09", -11: "2026-12-07",
	} {
		require.Equal(t, day(t, want), rome.AddWorkingDays(from, n, rome.SaturdaysRest), n)
	}
	require.Equal(t, day(t, "2027-01-02"), rome.AddWorkingDays(from, 6, rome.SaturdaysWork))

	// There and back from a working day is where one started.
	for n := range 300 {
		there := rome.AddWorkingDays(from, n, rome.SaturdaysRest)
		require.Equal(t, from, rome.AddWorkingDays(there, -n, rome.SaturdaysRest))
	}
	// With zero days even a holiday stays.
	require.Equal(t, day(t, "2026-12-25"), rome.AddWorkingDays(day(t, "2026-12-25"), 0, rome.SaturdaysRest))
}

// 02:30 does not exist on Sunday 29 March 2026; the Monday after has it.
func TestWorkingDaysKeepTheClock(t *testing.T) {
	friday := time.Date(2026, time.March, 27, 2, 30, 0, 0, rome.Location())
	monday := time.Date(2026, time.March, 30, 2, 30, 0, 0, rome.Location())
	require.Equal(t, monday, rome.NextWorkingDay(friday, rome.SaturdaysRest))
	saturday := rome.AddDays(friday, 1)
	require.Equal(t, monday, rome.SameOrNextWorkingDay(saturday, rome.SaturdaysRest))
}
