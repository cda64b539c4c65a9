package pa_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/pa"
)

// issuer is a token source of the network: slow, numbered, and broken while
// fail is set.
type issuer struct {
	life  time.Duration
	delay time.Duration
	fail  error

	mu     sync.Mutex
	issued []time.Time
	asked  int
}

func (i *issuer) Token(ctx context.Context) (pa.Token, error) {
	i.mu.Lock()
	i.asked++
	fail := i.fail
	i.mu.Unlock()
	select {
	case <-time.After(i.delay):
	case <-ctx.Done():
		return pa.Token{}, context.Cause(ctx)
	}
	if fail != nil {
		return pa.Token{}, fail
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.issued = append(i.issued, time.Now())
	t := pa.Token{Value: pa.NewSecret(fmt.Sprint("token-", len(i.issued)))}
	if i.life > 0 {
		t.Expiry = time.Now().Add(i.life)
	}
	return t, nil
}

func (i *issuer) breakDown(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fail = err
}

func (i *issuer) requests() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked
}

func value(t *testing.T, c *pa.TokenCache) string {
	t.Helper()
	token, err := c.Token(t.Context())
	require.NoError(t, err)
	return token.Value.Reveal()
}

func TestTokenCacheIsAskedOnceByMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &issuer{life: time.Hour, delay: time.Second}
		cache := pa.NewTokenCache(src, pa.TokenCacheOptions{})
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				token, err := cache.Token(t.Context())
				if err != nil || token.Value.Reveal() != "token-1" {
					t.Errorf("got %v, want the first token", err)
				}
			})
		}
		wg.Wait()
		require.Equal(t, 1, src.requests())
		require.Equal(t, "token-1", value(t, cache))
		require.Equal(t, 1, src.requests())
	})
}

func TestTokenCacheSurvivesTheCallerThatLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &issuer{life: time.Hour, delay: 10 * time.Second}
		cache := pa.NewTokenCache(src, pa.TokenCacheOptions{})
		errLeft := errors.New("gone home")
		ctx, leave := context.WithCancelCause(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := cache.Token(ctx); !errors.Is(err, errLeft) {
				t.Errorf("the caller that left got %v, want its own cause", err)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			if _, err := cache.Token(t.Context()); err != nil {
				t.Errorf("the caller that stayed got %v", err)
			}
		})
		synctest.Wait()
		leave(errLeft)
		wg.Wait()
		require.Equal(t, 1, src.requests())
	})
}

func TestTokenCacheAsksNothingForACallerThatLeftBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &issuer{life: time.Hour}
		cache := pa.NewTokenCache(src, pa.TokenCacheOptions{})
		ctx, leave := context.WithCancel(t.Context())
		leave()
		_, err := cache.Token(ctx)
		require.ErrorIs(t, err, context.Canceled)
		synctest.Wait()
		require.Zero(t, src.requests())
	})
}

func TestTokenCacheBoundsARequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &issuer{life: time.Hour, delay: time.Hour}
		cache := pa.NewTokenCache(src, pa.TokenCacheOptions{})
		start := time.Now()
		_, err := cache.Token(t.Context())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 30*time.Second, time.Since(start))
	})
}

type callerKey struct{}

func TestTokenCacheKeepsValuesAndHidesMeta(t *testing.T) {
	src := pa.TokenFunc(func(ctx context.Context) (pa.Token, error) {
		if m := pa.MetaFrom(ctx); m != nil {
			m.Body = []byte("of another call")
		}
		return pa.Token{Value: pa.NewSecret(ctx.Value(callerKey{}).(string))}, nil
	})
	var meta pa.Meta
	ctx := context.WithValue(pa.CaptureMeta(t.Context(), &meta), callerKey{}, "a-value")
	token, err := pa.NewTokenCache(src, pa.TokenCacheOptions{}).Token(ctx)
	require.NoError(t, err)
	require.Equal(t, "a-value", token.Value.Reveal())
	require.Nil(t, meta.Body)
}

// TestTokenCacheRenewsEarly looks every second: the renewal falls between one
// and one and a half times Early before the token counts as expired, nobody
// waits for it, and caches of different processes renew at different times.
func TestTokenCacheRenewsEarly(t *testing.T) {
	const life = 1000 * time.Second
	for name, tc := range map[string]struct {
		opt           pa.TokenCacheOptions
		first, latest time.Duration // of the renewal, after the first token
	}{
		"defaults":   {pa.TokenCacheOptions{}, life - 5*time.Second - 90*time.Second, life - 5*time.Second - 60*time.Second},
		"given":      {pa.TokenCacheOptions{Early: 100 * time.Second, Jitter: 0.1, Skew: 20 * time.Second}, life - 130*time.Second, life - 120*time.Second},
		"wide early": {pa.TokenCacheOptions{Early: life}, life/2 - 5*time.Second, life/2 - 5*time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				seen := map[time.Duration]bool{}
				for range 20 {
					src := &issuer{life: life}
					cache := pa.NewTokenCache(src, tc.opt)
					require.Equal(t, "token-1", value(t, cache))
					src.delay = time.Second / 2 // from now on a wait would be seen
					began := time.Now()
					for src.requests() == 1 {
						time.Sleep(time.Second)
						before := time.Now()
						require.Equal(t, "token-1", value(t, cache))
						require.Equal(t, before, time.Now(), "a caller waited")
						synctest.Wait()
					}
					after := time.Since(began)
					require.GreaterOrEqual(t, after, tc.first)
					require.LessOrEqual(t, after, tc.latest+time.Second)
					seen[after] = true
					time.Sleep(time.Second)
					require.Equal(t, "token-2", value(t, cache))
					require.Equal(t, 2, src.requests())
				}
				if tc.first < tc.latest {
					require.Greater(t, len(seen), 3, "all caches renew together")
				}
			})
		})
	}
}

func TestTokenCacheKeepsTheOldTokenWhileRenewalsFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &issuer{life: 600 * time.Second}
		cache := pa.NewTokenCache(src, pa.TokenCacheOptions{})
		expiry := time.Now().Add(600 * time.Second)
		require.Equal(t, "token-1", value(t, cache))
		down := errors.New("the platform is down")
		src.breakDown(down)

		for time.Now().Before(expiry.Add(-5 * time.Second)) {
			require.Equal(t, "token-1", value(t, cache))
			synctest.Wait()
			time.Sleep(100 * time.Millisecond)
		}
		// From 60 to 90 s of early renewal, one try every 5 s.
		require.GreaterOrEqual(t, src.requests(), 1+60/5)
		require.LessOrEqual(t, src.requests(), 2+90/5)

		_, err := cache.Token(t.Context())
		require.ErrorIs(t, err, down)
		src.breakDown(nil)
		require.Equal(t, "token-2", value(t, cache))
	})
}

func TestTokenCacheNeverGivesAnExpiredToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &issuer{life: 100 * time.Second}
		cache := pa.NewTokenCache(src, pa.TokenCacheOptions{RetryAfter: time.Hour})
		expiry := time.Now().Add(100 * time.Second)
		require.Equal(t, "token-1", value(t, cache))
		src.breakDown(errors.New("down"))
		for time.Now().Before(expiry.Add(-5 * time.Second)) {
			require.Equal(t, "token-1", value(t, cache))
			synctest.Wait()
			time.Sleep(time.Second)
		}
		_, err := cache.Token(t.Context())
		require.Error(t, err, "the pause after a failed renewal must not outlive the token")
	})
}

func TestTokenCacheTriesTheNextTokenAfterTheOldOneDiedInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &issuer{life: 100 * time.Second}
		cache := pa.NewTokenCache(src, pa.TokenCacheOptions{})
		require.Equal(t, "token-1", value(t, cache))
		src.delay = 28 * time.Second
		time.Sleep(94 * time.Second) // renewal is due, the token still good
		require.Equal(t, "token-1", value(t, cache))
		synctest.Wait()
		time.Sleep(2 * time.Second) // now it is not
		start := time.Now()
		require.Equal(t, "token-2", value(t, cache))
		require.Equal(t, 26*time.Second, time.Since(start), "it must wait for the renewal under way")
		require.Equal(t, 2, src.requests())
	})
}

func TestTokenCacheInvalidatesTheRejectedOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &issuer{life: time.Hour, delay: time.Second}
		cache := pa.NewTokenCache(src, pa.TokenCacheOptions{})
		require.Equal(t, "token-1", value(t, cache))

		cache.Invalidate(pa.NewSecret("token-0"))
		require.Equal(t, "token-1", value(t, cache))

		// Ten callers have the same token refused: one request.
		for range 10 {
			cache.Invalidate(pa.NewSecret("token-1"))
		}
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				token, err := cache.Token(t.Context())
				if err != nil || token.Value.Reveal() != "token-2" {
					t.Errorf("got %v, want the second token", err)
				}
			})
		}
		wg.Wait()
		cache.Invalidate(pa.NewSecret("token-1")) // a straggler
		require.Equal(t, "token-2", value(t, cache))
		require.Equal(t, 2, src.requests())
	})
}

func TestTokenCacheInvalidatedDuringRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &issuer{life: 100 * time.Second}
		cache := pa.NewTokenCache(src, pa.TokenCacheOptions{})
		require.Equal(t, "token-1", value(t, cache))
		src.delay = time.Second
		down := errors.New("down")
		src.breakDown(down)
		time.Sleep(90 * time.Second)
		require.Equal(t, "token-1", value(t, cache)) // starts a renewal that will fail
		synctest.Wait()
		cache.Invalidate(pa.NewSecret("token-1"))
		_, err := cache.Token(t.Context())
		require.ErrorIs(t, err, down)
		synctest.Wait()
		_, err = cache.Token(t.Context())
		require.ErrorIs(t, err, down, "a failed renewal must not bring back a rejected token")
	})
}

func TestTokenCacheRefusesUselessTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, token := range map[string]pa.Token{
			"empty":   {Expiry: time.Now().Add(time.Hour)},
			"expired": {Value: pa.NewSecret("x"), Expiry: time.Now()},
		} {
			cache := pa.NewTokenCache(pa.TokenFunc(func(context.Context) (pa.Token, error) { return token, nil }), pa.TokenCacheOptions{})
			_, err := cache.Token(t.Context())
			require.Error(t, err, name)
			require.NotContains(t, err.Error(), `"x"`)
		}
	})
}

func TestTokenCacheWithoutExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &issuer{}
		cache := pa.NewTokenCache(src, pa.TokenCacheOptions{})
		require.Equal(t, "token-1", value(t, cache))
		time.Sleep(10_000 * time.Hour)
		require.Equal(t, "token-1", value(t, cache))
		cache.Invalidate(pa.NewSecret("token-1"))
		require.Equal(t, "token-2", value(t, cache))
	})
}

func TestTokenCacheUsesShortLivedTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &issuer{life: 4 * time.Second} // less than the default Skew
		cache := pa.NewTokenCache(src, pa.TokenCacheOptions{})
		for range 100 {
			token, err := cache.Token(t.Context())
			require.NoError(t, err)
			require.True(t, token.ValidAt(time.Now()))
			synctest.Wait()
			time.Sleep(100 * time.Millisecond)
		}
		require.LessOrEqual(t, src.requests(), 8, "it is used for half its life at least")
	})
}

// TestTokenCacheUnderLoad lets a clock run through many lives of a token while
// callers use it, lose it and leave: nobody ever holds an expired one.
func TestTokenCacheUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &issuer{life: 60 * time.Second, delay: 300 * time.Millisecond}
		cache := pa.NewTokenCache(src, pa.TokenCacheOptions{})
		var wg sync.WaitGroup
		var used atomic.Int64
		for n := range 20 {
			wg.Go(func() {
				for i := range 600 {
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+n)*100*time.Millisecond)
					token, err := cache.Token(ctx)
					cancel()
					switch {
					case errors.Is(err, context.DeadlineExceeded):
					case err != nil:
						t.Errorf("unexpected: %v", err)
					case !token.ValidAt(time.Now()):
						t.Error("an expired token was given")
					default:
						used.Add(1)
					}
					if i%97 == n {
						cache.Invalidate(token.Value)
					}
					time.Sleep(time.Duration(n+1) * 50 * time.Millisecond)
				}
			})
		}
		wg.Wait()
		require.Greater(t, used.Load(), int64(10_000))
		require.Less(t, src.requests(), 200)
	})
}

func TestTokenCacheHotPathAllocatesNothing(t *testing.T) {
	cache := pa.NewTokenCache(&issuer{life: time.Hour}, pa.TokenCacheOptions{})
	ctx := t.Context()
	_, err := cache.Token(ctx)
	require.NoError(t, err)
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		if _, err := cache.Token(ctx); err != nil {
			t.Error(err)
		}
	}))
}

// BenchmarkCachedToken compares the hot path with the floor: a token in an
// atomic pointer, compared with the clock.
func BenchmarkCachedToken(b *testing.B) {
	b.Run("sdk", func(b *testing.B) {
		cache := pa.NewTokenCache(&issuer{life: 24 * time.Hour}, pa.TokenCacheOptions{})
		ctx := b.Context()
		b.ReportAllocs()
		for b.Loop() {
			if _, err := cache.Token(ctx); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("floor", func(b *testing.B) {
		var current atomic.Pointer[pa.Token]
		current.Store(&pa.Token{Value: pa.NewSecret("token"), Expiry: time.Now().Add(24 * time.Hour)})
		b.ReportAllocs()
		for b.Loop() {
			if t := current.Load(); !time.Now().Before(t.Expiry) {
				b.Fatal("expired")
			}
		}
	})
}
