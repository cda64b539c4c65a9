package conformance

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSplitRepeats(t *testing.T) {
	for expr, want := range map[string]string{
		`^.{0,4096}$`:             `^.{0,1000}.{0,1000}.{0,1000}.{0,1000}.{0,96}$`,
		`^[ -~\]]{1,1001}$`:       `^[ -~\]]{1}[ -~\]]{0,1000}$`,
		`(ab|c){1500}`:            `(ab|c){1000}(ab|c){500}`,
		`(a(b)c){0,1200}x`:        `(a(b)c){0,1000}(a(b)c){0,200}x`,
		`\d{1200,}`:               `\d{1000}\d{200}\d*`,
		`\x{1F600}{0,1002}`:       `\x{1F600}{0,1000}\x{1F600}{0,2}`,
		`à{0,1001}`:               `à{0,1000}à{0,1}`,
		`^[a-zA-Z0-9._-]{1,512}$`: `^[a-zA-Z0-9._-]{1,512}$`,
		`^a{b}$`:                  `^a{b}$`,
		`^(x|y)*z+?$`:             `^(x|y)*z+?$`,
	} {
		got, err := splitRepeats(expr)
		require.NoError(t, err, expr)
		require.Equal(t, want, got)
		_, err = regexp.Compile(got)
		require.NoError(t, err)
	}
}

func TestCompilePatternBounds(t *testing.T) {
	p, err := compilePattern(`^.{0,4096}$`)
	require.NoError(t, err)
	require.True(t, p.MatchString(strings.Repeat("è", 4096)))
	require.False(t, p.MatchString(strings.Repeat("è", 4097)))

	_, err = compilePattern(`a)`)
	require.Error(t, err)
	_, err = compilePattern(`(?=a)`)
	require.Error(t, err)
}

// A pattern that the regexp package takes as it is must mean the same after.
func FuzzSplitRepeats(f *testing.F) {
	for _, seed := range []string{`^.{0,4096}$`, `(a(b){2}){0,1200}`, `[^\]]{3}`, `\x41{2}`, `a{,3}`, `\`, `[`, `(`, `{1001}`, `\p{L}{2,1001}`} {
		f.Add(seed, "aab")
	}
	f.Fuzz(func(t *testing.T, expr, text string) {
		if len(expr) > 200 {
			t.Skip("long patterns only take time")
		}
		split, err := splitRepeats(expr)
		before, refused := regexp.Compile(expr)
		if err != nil || refused != nil {
			return
		}
		after, err := regexp.Compile(split)
		if err != nil || before.MatchString(text) != after.MatchString(text) {
			t.Errorf("%q became %q", expr, split)
		}
	})
}
