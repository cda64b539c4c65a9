package patest

import (
	"math"
	"math/bits"
	"sync"
	"time"
)

const day = 24 * time.Hour

// Clock is the life-cycle time of a simulator. It starts at the real present
// and runs at a pace given as the real duration of one life-cycle day.
//
// A Clock is made by [RealTime] or [Day] and is safe for concurrent use.
type Clock struct {
	mu   sync.Mutex
	real time.Time // the anchor: at real it was life
	life time.Time
	day  time.Duration // real duration of a life-cycle day
}

// RealTime returns a clock on which one life-cycle second lasts one second.
func RealTime() *Clock { return Day(day) }

// Day returns a clock on which a life-cycle day of 24 hours lasts d of real
// time: Day(time.Minute) is the pace of the SEND UAT environment. A d below a
// nanosecond is taken as real time.
func Day(d time.Duration) *Clock {
	now := time.Now()
	return &Clock{real: now, life: now.Round(0), day: pace(d)}
}

// Now returns the present life-cycle instant. It never goes back.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now(time.Now())
}

// Advance moves the life-cycle time ahead by d. A negative d is ignored: what
// has happened cannot be undone.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.life = c.life.Add(max(d, 0))
}

// Wait returns how long a client must really wait until the life-cycle
// duration d has passed, rounded up.
func (c *Clock) Wait(d time.Duration) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return scale(d, c.day, day, true)
}

// Life returns the life-cycle duration that passes while d really passes,
// rounded down. It is the inverse of [Clock.Wait].
func (c *Clock) Life(d time.Duration) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return scale(d, day, c.day, false)
}

// SetDay changes the pace without a jump: from now on a life-cycle day lasts d.
func (c *Clock) SetDay(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	c.life, c.real, c.day = c.now(now), now, pace(d)
}

func (c *Clock) now(real time.Time) time.Time {
	return c.life.Add(scale(real.Sub(c.real), day, c.day, false))
}

func pace(d time.Duration) time.Duration {
	if d <= 0 {
		return day
	}
	return d
}

// scale returns d*num/den exactly, saturating at the longest duration: a
// product of nanoseconds does not fit 64 bits after two days.
func scale(d, num, den time.Duration, up bool) time.Duration {
	if num == den {
		return d
	}
	if d <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(d), uint64(num))
	if up {
		var carry uint64
		lo, carry = bits.Add64(lo, uint64(den)-1, 0)
		hi += carry
	}
	if hi >= uint64(den) {
		return math.MaxInt64
	}
	q, _ := bits.Div64(hi, lo, uint64(den))
	return time.Duration(min(q, math.MaxInt64))
}
