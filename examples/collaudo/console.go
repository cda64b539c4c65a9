package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/pa-italia/sdk-go/examples/internal/access"
)

// console is shared by the bodies under test: lines that stay and, on a
// terminal, a last one that says what is waited for. In a pipe there are only
// the lines that stay.
type console struct {
	mu       sync.Mutex
	w        io.Writer
	terminal bool
	shown    int // characters of the line to rewrite
	err      error
}

func newConsole(w io.Writer) *console {
	c := &console{w: w}
	if f, ok := w.(*os.File); ok {
		info, err := f.Stat()
		c.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return c
}

// line prints a line that stays.
func (c *console) line(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rewrite("")
	c.print(fmt.Sprintf(format, args...) + "\n")
}

// status shows a text in place of the last one.
func (c *console) status(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rewrite(text)
}

func (c *console) rewrite(text string) {
	if !c.terminal || text == "" && c.shown == 0 {
		return
	}
	const width = 79 // what every terminal has
	if r := []rune(text); len(r) > width {
		text = string(r[:width])
	}
	n := utf8.RuneCountInString(text)
	c.print("\r" + text + strings.Repeat(" ", max(c.shown-n, 0)))
	if text == "" {
		c.print("\r")
	}
	c.shown = n
}

func (c *console) print(text string) {
	if c.err == nil {
		_, c.err = io.WriteString(c.w, text)
	}
}

// wait waits and shows, on a terminal, what for and for how long still. It
// returns the cause of the end of the context.
func (c *console) wait(ctx context.Context, d time.Duration, what string) error {
	until := time.Now().Add(d)
	for {
		left := time.Until(until)
		if left <= 0 || ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if c.terminal {
			c.status(fmt.Sprintf("%s… (%s)", what, access.Duration(left.Round(time.Second))))
		}
		t := time.NewTimer(min(left, time.Second))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
		}
	}
}
