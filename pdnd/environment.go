package pdnd

import (
	"net/url"
	"strings"

	"github.com/pa-italia/sdk-go/pa"
)

// endpoints are the addresses of an environment.
type endpoints struct {
	host     string // of the authorization server
	tokenURL string
	audience string // of a client assertion; it has no scheme
}

// environments returns the addresses that PagoPA deploys and the back office
// shows under "Tool per lo sviluppo".
func environments() map[pa.Environment]endpoints {
	at := func(host string) endpoints {
		return endpoints{host, "https://" + host + "/token.oauth2", host + "/client-assertion"}
	}
	return map[pa.Environment]endpoints{
		pa.Production:  at("auth.interop.pagopa.it"),
		pa.UAT:         at("auth.uat.interop.pagopa.it"),
		pa.Attestation: at("auth.att.interop.pagopa.it"),
	}
}

// environmentOf returns the environment whose authorization server has this
// host, or "" for a host that is not PDND's.
func environmentOf(host string) pa.Environment {
	for env, e := range environments() {
		if strings.EqualFold(host, e.host) {
			return env
		}
	}
	return ""
}

// hostOfURL and hostOfAudience return "" where there is no host to be seen.
func hostOfURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

func hostOfAudience(audience string) string {
	host, _, _ := strings.Cut(strings.TrimPrefix(audience, "https://"), "/")
	return host
}
