package durable

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSaveAndLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b")
	d, err := NewDir(path)
	require.NoError(t, err)
	var v map[string]int
	found, err := d.Load("none", &v)
	require.NoError(t, err)
	require.False(t, found)
	long := strings.Repeat("x", 300)
	keys := []string{"a", "A", "à", "a/b", "a\\b", "..", "CON", "a:b", "a b", "a%20b", long, long + "y", "a=2Fb", "a=2fb", "prot-\xe0", "prot-\xe8"}
	for i, k := range keys {
		require.NoError(t, d.Save(k, map[string]int{"n": i}))
	}
	for i, k := range keys {
		var v map[string]int
		found, err := d.Load(k, &v)
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, i, v["n"], k)
	}
	entries, err := os.ReadDir(path)
	require.NoError(t, err)
	require.Len(t, entries, len(keys), "one file a key, no leftovers")
	seen := map[string]bool{}
	for _, e := range entries {
		require.False(t, seen[strings.ToLower(e.Name())], "also where case does not count")
		seen[strings.ToLower(e.Name())] = true
		require.Less(t, len(e.Name()), 255)
		require.NotContains(t, e.Name(), "%")
	}
	require.Error(t, d.Save("", 1))
	require.Error(t, d.Save("x", func() {}))
}

func TestLockExcludes(t *testing.T) {
	d, err := NewDir(t.TempDir())
	require.NoError(t, err)
	unlock, err := d.Lock(t.Context(), "n")
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	_, err = d.Lock(ctx, "n")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, unlock())

	var wg sync.WaitGroup
	inside, most := 0, 0
	var mu sync.Mutex
	for range 4 {
		wg.Go(func() {
			unlock, err := d.Lock(t.Context(), "n")
			require.NoError(t, err)
			mu.Lock()
			inside++
			most = max(most, inside)
			mu.Unlock()
			time.Sleep(time.Millisecond)
			mu.Lock()
			inside--
			mu.Unlock()
			require.NoError(t, unlock())
		})
	}
	wg.Wait()
	require.Equal(t, 1, most)
}
