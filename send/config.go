package send

import (
	"net/url"
	"os"
	"strings"

	"github.com/pa-italia/sdk-go/internal/rest"
	"github.com/pa-italia/sdk-go/pa"
)

// Config is what a [Client] is made from. Environment and APIKey are needed;
// all faults are reported at once, as a [*pa.ValidationError].
type Config struct {
	// Environment is pa.Production, pa.UAT or, with a BaseURL, pa.Simulator.
	Environment pa.Environment
	// BaseURL replaces the address of the environment, for a proxy or a
	// simulator. An address of another environment is a fault.
	BaseURL string
	// APIKey is the key made in the reserved area for one sender.
	APIKey pa.SecretSource
	// Voucher gives the PDND voucher that most keys ask for beside
	// themselves; nil for a key that wants none. A key of the one kind
	// refuses the other.
	Voucher pa.TokenSource
	// Versions of the areas of the API; the zero value is production's.
	Versions Versions
	// Validation adjusts the local rules.
	Validation Validation
	// Sender is the tax code of the sender whose credentials these are: a
	// notification that names none gets it, one that names another is
	// refused. It is noted in the evidence. "" is not checked.
	Sender string
	// Group is the group that a notification without one gets.
	Group    string
	Evidence pa.Evidence

	Transport pa.Transport
}

// Environment variables read by [ConfigFromEnv].
const (
	EnvEnvironment = "SEND_ENVIRONMENT" // production, uat or simulator
	EnvBaseURL     = "SEND_BASE_URL"    // replaces the address of the environment
	EnvAPIKey      = "SEND_API_KEY"     // the key; SEND_API_KEY_FILE names a file that holds it
	EnvRequests    = "SEND_REQUESTS"    // version of the requests area, like v2.4
	EnvSent        = "SEND_SENT"        // version of the sent area
	EnvStreams     = "SEND_STREAMS"     // version of the streams area
	EnvPrice       = "SEND_PRICE"       // version of the price area
)

// ConfigFromEnv reads a configuration from the variables above. The voucher is
// another package's: set Config.Voucher, for instance to a *pdnd.Client.
func ConfigFromEnv() (Config, error) {
	cfg := Config{
		BaseURL: os.Getenv(EnvBaseURL),
		Versions: Versions{
			Requests: Version(os.Getenv(EnvRequests)), Sent: Version(os.Getenv(EnvSent)),
			Streams: Version(os.Getenv(EnvStreams)), Price: Version(os.Getenv(EnvPrice)),
		},
	}
	var err error
	if name := os.Getenv(EnvEnvironment); name != "" {
		if cfg.Environment, err = pa.ParseEnvironment(name); err != nil {
			return Config{}, err
		}
	}
	if cfg.APIKey, err = pa.SecretFromEnv(EnvAPIKey); err != nil {
		return Config{}, err
	}
	return cfg, nil
}

// hosts are the addresses of the environments (servers of the B2B contract).
var hosts = map[pa.Environment]string{
	pa.Production: "https://api.notifichedigitali.it",
	pa.UAT:        "https://api.uat.notifichedigitali.it",
}

func (cfg *Config) check() []pa.Finding {
	var findings []pa.Finding
	fault := func(path string, text pa.Text) { findings = append(findings, configFault(path, text)) }
	host, known := hosts[cfg.Environment]
	switch {
	case cfg.Environment == "":
		fault("Environment", pa.Text{IT: "Manca l'ambiente: produzione, uat o simulatore.", EN: "the environment is not set: production, uat or simulator"})
	case !known && cfg.Environment != pa.Simulator:
		fault("Environment", pa.Text{IT: "SEND non ha questo ambiente: produzione, uat o simulatore.", EN: "SEND has no such environment: production, uat or simulator"})
	case cfg.Environment == pa.Simulator && cfg.BaseURL == "":
		fault("BaseURL", pa.Text{IT: "Con il simulatore serve l'indirizzo.", EN: "a simulator needs an address"})
	case cfg.BaseURL == "":
		cfg.BaseURL = host
	default:
		for env, other := range hosts {
			if env != cfg.Environment && sameHost(cfg.BaseURL, other) {
				fault("BaseURL", pa.Text{
					IT: "L'indirizzo è di un altro ambiente (" + string(env) + ").",
					EN: "the address is of another environment (" + string(env) + ")"})
			}
		}
	}
	if cfg.APIKey == nil {
		fault("APIKey", pa.Text{IT: "Manca la chiave API di SEND.", EN: "the SEND API key is missing"})
	}
	if s, ok := cfg.APIKey.(pa.Secret); ok && s.IsZero() {
		fault("APIKey", pa.Text{IT: "La chiave API di SEND è vuota.", EN: "the SEND API key is empty"})
	}
	var more []pa.Finding
	cfg.Versions, more = cfg.Versions.complete()
	return append(findings, more...)
}

// sameHost compares hosts as the name system does: without case and without
// the dot of the root.
func sameHost(a, b string) bool {
	host := func(raw string) string {
		u, err := url.Parse(raw)
		if err != nil {
			return ""
		}
		return strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	}
	return host(a) != "" && host(a) == host(b)
}

func configFault(path string, text pa.Text) pa.Finding {
	return pa.Finding{Path: path, Rule: "SEND_CONFIG", Severity: pa.Invalid, Text: text}
}

func (cfg *Config) authorizer() pa.Authorizer {
	key := pa.APIKey("x-api-key", cfg.APIKey)
	if cfg.Voucher == nil {
		return key
	}
	return pa.Authorizers(key, pa.Bearer(cfg.Voucher))
}

func (cfg *Config) core() (*rest.Core, []pa.Finding) {
	if cfg.BaseURL == "" {
		return nil, nil // named already
	}
	return rest.New(rest.Config{
		BaseURL: cfg.BaseURL, Authorizer: cfg.authorizer(), Transport: cfg.Transport,
		CredentialHeader: "x-api-key", Evidence: cfg.Evidence, Sender: cfg.Sender, Explain: explain,
	})
}
