package rome

import "time"

// Saturdays says whether a rule counts Saturday among the working days.
type Saturdays bool

const (
	// SaturdaysWork is the rule of law 260/1949, for which Saturday is a day
	// like any other.
	SaturdaysWork Saturdays = true
	// SaturdaysRest is the rule of banks and payment systems, and of the terms
	// of article 155 of the code of civil procedure, that move to the next
	// working day when they end on a Saturday.
	SaturdaysRest Saturdays = false
)

// fixedHolidays are the national holidays with a fixed date: law 260/1949
// article 2, as changed by law 54/1977, DPR 792/1985 (Epiphany restored), law
// 336/2000 (2 June restored) and law 151/2025 (Saint Francis). Patron saints
// are local and not here, 29 June for Rome included.
var fixedHolidays = [...]struct {
	month time.Month
	day   int
	since int // the first year, 0 for all that the package covers
}{
	{time.January, 1, 0},
	{time.January, 6, 1986},
	{time.April, 25, 0},
	{time.May, 1, 0},
	{time.June, 2, 2001},
	{time.August, 15, 0},
	{time.October, 4, 2026},
	{time.November, 1, 0},
	{time.December, 8, 0},
	{time.December, 25, 0},
	{time.December, 26, 0},
}

// IsHoliday reports whether the day of t in Rome is a Sunday or a national
// holiday. The list holds for 1978 and later.
func IsHoliday(t time.Time) bool {
	t = t.In(location())
	if t.Weekday() == time.Sunday {
		return true
	}
	year, month, day := t.Date()
	for _, h := range fixedHolidays {
		if h.month == month && h.day == day {
			return year >= h.since
		}
	}
	// Easter is a Sunday; the day after is a holiday too.
	_, easterMonth, easterDay := Easter(year).AddDate(0, 0, 1).Date()
	return month == easterMonth && day == easterDay
}

// IsWorkingDay reports whether the day of t in Rome is no holiday, and no
// Saturday where Saturdays rest.
func IsWorkingDay(t time.Time, saturdays Saturdays) bool {
	if saturdays == SaturdaysRest && t.In(location()).Weekday() == time.Saturday {
		return false
	}
	return !IsHoliday(t)
}

// NextWorkingDay returns the same time of the clock on the first working day
// after the day of t.
func NextWorkingDay(t time.Time, saturdays Saturdays) time.Time {
	return AddWorkingDays(t, 1, saturdays)
}

// SameOrNextWorkingDay returns t itself if it falls on a working day, and
// otherwise the same time of the clock on the first one after: where a term
// that ends on a holiday is moved to.
func SameOrNextWorkingDay(t time.Time, saturdays Saturdays) time.Time {
	if IsWorkingDay(t, saturdays) {
		return t.In(location())
	}
	return NextWorkingDay(t, saturdays)
}

// AddWorkingDays returns the same time of the clock on the n-th working day
// after t, or before t if n is negative. The day of t is not counted, and
// with n = 0 t is returned even on a holiday.
func AddWorkingDays(t time.Time, n int, saturdays Saturdays) time.Time {
	step := 1
	if n < 0 {
		step = -1
	}
	// Days are counted from t, so that a time that one day between skips is not
	// lost on the days that have it.
	days := 0
	for n != 0 {
		days += step
		if IsWorkingDay(AddDays(t, days), saturdays) {
			n -= step
		}
	}
	return AddDays(t, days)
}

// Easter returns the first instant in Rome of Easter Sunday of a year of the
// Gregorian calendar, by the rule without exceptions of 1876 (Meeus,
// Astronomical Algorithms, chapter 8).
func Easter(year int) time.Time {
	golden := year % 19
	century, yearOfCentury := year/100, year%100
	leapCenturies, restOfCentury := century/4, century%4
	moonCorrection := (century - (century+8)/25 + 1) / 3
	epact := (19*golden + century - leapCenturies - moonCorrection + 15) % 30
	toSunday := (32 + 2*restOfCentury + 2*(yearOfCentury/4) - epact - yearOfCentury%4) % 7
	late := (golden + 11*epact + 22*toSunday) / 451
	n := epact + toSunday - 7*late + 114
	return Date(year, time.Month(n/31), n%31+1)
}
