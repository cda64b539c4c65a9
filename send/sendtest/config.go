package sendtest

import (
	"net/http"

	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/send"
)

// Config returns the configuration of a client of the simulator, with the key
// of its first sender and without sockets. A sender that requires a voucher
// also needs Config.Voucher.
func (s *Server) Config() send.Config {
	return send.Config{
		Environment: pa.Simulator,
		BaseURL:     s.URL(),
		APIKey:      pa.NewSecret(s.set.senders[0].APIKey),
		Transport:   pa.Transport{HTTPClient: &http.Client{Transport: s.Transport()}},
	}
}
