package rome

import (
	"sync"
	"time"
	_ "time/tzdata" // the zone, where the system has none
)

// zoneName is the name of the zone of Italian legal time in the IANA database.
const zoneName = "Europe/Rome"

var location = sync.OnceValue(func() *time.Location {
	rome, err := time.LoadLocation(zoneName)
	if err != nil {
		// time/tzdata is linked in, so only a broken build comes here.
		panic("rome: " + err.Error())
	}
	return rome
})

// Location returns Europe/Rome.
func Location() *time.Location { return location() }

// Date returns the first instant of a day in Rome. Values out of range are
// normalized as in [time.Date].
func Date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, location())
}

// StartOfDay returns the first instant of the day of t in Rome.
func StartOfDay(t time.Time) time.Time {
	return Date(t.In(location()).Date())
}

// EndOfDay returns the last nanosecond of the day of t in Rome,
// 23:59:59.999999999, which is when a term in days ends.
func EndOfDay(t time.Time) time.Time {
	year, month, day := t.In(location()).Date()
	return time.Date(year, month, day, 23, 59, 59, int(time.Second-time.Nanosecond), location())
}

// AddDays returns the same time of the clock in Rome n days later, or earlier
// if n is negative, though the days between may have 23 or 25 hours. A time
// that the change to summer time skips is moved by one hour, and of two equal
// times in autumn one is chosen, as in [time.Date].
func AddDays(t time.Time, n int) time.Time {
	t = t.In(location())
	if n == 0 {
		return t // AddDate would choose between two equal times in autumn
	}
	return t.AddDate(0, 0, n)
}

// DaysBetween returns how many midnights of Rome are passed from one instant
// to another: 0 within a day, negative if to is on an earlier day.
func DaysBetween(from, to time.Time) int {
	return int(dayNumber(to) - dayNumber(from))
}

// dayNumber counts days since 1 January 1970.
func dayNumber(t time.Time) int64 {
	year, month, day := t.In(location()).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60)
}
