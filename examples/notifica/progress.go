package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"
)

// progress tells what happens: lines that stay and, on a terminal, a last one
// that is rewritten while something is waited for. In a pipe there are only
// the lines that stay.
type progress struct {
	w        io.Writer
	terminal bool
	shown    int // characters of the line to rewrite
	err      error
}

func newProgress(w io.Writer) *progress {
	p := &progress{w: w}
	if f, ok := w.(*os.File); ok {
		info, err := f.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

// line prints a line that stays.
func (p *progress) line(format string, args ...any) {
	p.rewrite("")
	p.print(fmt.Sprintf(format, args...) + "\n")
}

// rewrite shows a text in place of the last rewritten one.
func (p *progress) rewrite(text string) {
	if !p.terminal || text == "" && p.shown == 0 {
		return
	}
	const width = 79 // what every terminal has
	if r := []rune(text); len(r) > width {
		text = string(r[:width])
	}
	n := utf8.RuneCountInString(text)
	p.print("\r" + text + strings.Repeat(" ", max(p.shown-n, 0)))
	if text == "" {
		p.print("\r")
	}
	p.shown = n
}

func (p *progress) print(text string) {
	if p.err == nil {
		_, p.err = io.WriteString(p.w, text)
	}
}

// wait waits and shows, on a terminal, what for and since when. It returns the
// cause of the end of the context.
func (p *progress) wait(ctx context.Context, d time.Duration, since time.Time, format string, args ...any) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	text := fmt.Sprintf(format, args...)
	until := time.Now().Add(d)
	for {
		p.rewrite(fmt.Sprintf("%s… (%s)", text, time.Since(since).Round(time.Second)))
		left := time.Until(until)
		if left <= 0 {
			return context.Cause(ctx)
		}
		t := time.NewTimer(min(left, time.Second))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return context.Cause(ctx)
		}
	}
}
