package sim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

type listening struct {
	wg    sync.WaitGroup
	stop  func() bool
	close func() error // once
	err   error        // of Serve, when wg is done
}

// Start listens on addr ("127.0.0.1:0" for any free port) until ctx is done or
// [Server.Close] is called; from then on [Server.URL] is the address. It
// refuses an address that other machines can reach unless remote is set: a
// simulator has no secrets to keep, but it believes everyone.
func (s *Server) Start(ctx context.Context, addr string, remote bool) error {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("sim: %w", err)
	}
	if tcp, ok := ln.Addr().(*net.TCPAddr); !remote && (!ok || !tcp.IP.IsLoopback()) {
		return errors.Join(fmt.Errorf("sim: %s is not a loopback address", ln.Addr()), ln.Close())
	}
	srv := &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	l := &listening{close: sync.OnceValue(srv.Close)}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lines != nil {
		return errors.Join(errors.New("sim: already listening"), ln.Close())
	}
	s.lines = l
	s.base = &url.URL{Scheme: "http", Host: ln.Addr().String(), Path: s.base.Path}
	l.wg.Go(func() {
		if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			l.err = err
		}
	})
	l.stop = context.AfterFunc(ctx, func() { _ = l.close() }) // Close reports it
	return nil
}

// Close stops listening, breaks the calls under way and waits for the end. It
// does nothing if the server does not listen. The state remains readable.
func (s *Server) Close() error {
	s.mu.Lock()
	l := s.lines
	s.mu.Unlock()
	if l == nil {
		return nil
	}
	l.stop()
	err := l.close()
	l.wg.Wait()
	return errors.Join(err, l.err)
}
