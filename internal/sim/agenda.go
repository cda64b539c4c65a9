package sim

import (
	"container/heap"
	"sync"
	"time"

	"github.com/pa-italia/sdk-go/pa/patest"
)

// Agenda is the lock over the state of a simulator together with the
// life-cycle events that will change it. Whoever looks at the state does so
// inside [Agenda.Do], which first makes happen all that is due, so that nobody
// can see a state older than the clock.
type Agenda struct {
	clock *patest.Clock

	mu   sync.Mutex
	due  events
	next uint64
}

// NewAgenda returns an empty agenda on clock.
func NewAgenda(clock *patest.Clock) *Agenda { return &Agenda{clock: clock} }

// Clock returns the clock of the agenda.
func (a *Agenda) Clock() *patest.Clock { return a.clock }

// Do runs the events due until now, in the order of their instants and each
// with its own instant, then f. f must not call Do.
func (a *Agenda) Do(f func(now time.Time)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.clock.Now()
	for len(a.due) > 0 && !a.due[0].at.After(now) {
		e := heap.Pop(&a.due).(event)
		e.f(e.at)
	}
	f(now)
}

// At schedules f for the instant t. It must be called inside [Agenda.Do] or by
// another event. Events of the same instant happen in the order in which they
// were scheduled; one scheduled for the past happens at the next Do.
func (a *Agenda) At(t time.Time, f func(now time.Time)) {
	heap.Push(&a.due, event{at: t, seq: a.next, f: f})
	a.next++
}

type event struct {
	at  time.Time
	seq uint64
	f   func(now time.Time)
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	if c := e[i].at.Compare(e[j].at); c != 0 {
		return c < 0
	}
	return e[i].seq < e[j].seq
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	old := *e
	last := old[len(old)-1]
	old[len(old)-1] = event{}
	*e = old[:len(old)-1]
	return last
}
