package pdnd

import (
	"os"
	"time"

	"github.com/pa-italia/sdk-go/pa"
)

// Config says who asks for vouchers, where and how.
type Config struct {
	// Environment is required. [pa.Simulator] needs TokenURL and Audience.
	Environment pa.Environment
	// TokenURL replaces the token endpoint of the environment.
	TokenURL string
	// Audience replaces the audience of the client assertion. It is not a URL
	// and has no scheme: "auth.interop.pagopa.it/client-assertion".
	Audience string

	// ClientID is the client as the back office shows it: a UUID in lower case.
	ClientID string
	// PurposeID is the purpose (finalità) of the vouchers: a UUID in lower
	// case. A client for the interoperability API has none.
	PurposeID string
	// Key signs the client assertions.
	Key KeySource
	// KeyID is the kid that the back office shows. It is computed from the
	// key; give it to have any other key refused before PDND refuses it
	// without a reason, or leave it empty so that keys can be rotated.
	KeyID string

	// AssertionLifetime is how long an assertion can be exchanged, from 10
	// seconds to one hour. Default 2 minutes. It is how far behind the clock
	// of this machine may be.
	AssertionLifetime time.Duration
	// AssertionBackdate is how far in the past an assertion says to have been
	// issued, up to 5 minutes, for clocks that are ahead. Default 5 seconds.
	AssertionBackdate time.Duration

	// Cache says when vouchers are renewed.
	Cache pa.TokenCacheOptions
	// Transport is how the token endpoint is reached.
	Transport pa.Transport
}

const (
	defaultLifetime = 2 * time.Minute
	minLifetime     = 10 * time.Second
	maxLifetime     = time.Hour
	defaultBackdate = 5 * time.Second
	maxBackdate     = 5 * time.Minute
)

// Environment variables that [ConfigFromEnv] reads. The values of all but
// [EnvKey] may be seen by other users of the machine without harm.
const (
	// EnvEnvironment is production, uat, attestation or simulator. Required.
	EnvEnvironment = "PDND_ENVIRONMENT"
	// EnvTokenURL and EnvAudience replace the addresses of the environment.
	EnvTokenURL = "PDND_TOKEN_URL"
	EnvAudience = "PDND_AUDIENCE"
	// EnvClientID is the client. Required.
	EnvClientID = "PDND_CLIENT_ID"
	// EnvKeyID is the kid; see [Config.KeyID].
	EnvKeyID = "PDND_KID"
	// EnvKey holds the private key in PEM, line breaks included. Required,
	// unless EnvKeyFile names a file with it, which is read at every use.
	EnvKey     = "PDND_KEY"
	EnvKeyFile = EnvKey + "_FILE"
	// EnvPurposeID is the purpose, where there is one.
	EnvPurposeID = "PDND_PURPOSE_ID"
)

// ConfigFromEnv reads a Config from the environment variables above. Its error
// is a [*pa.ValidationError] for what cannot be read; [New] checks the values.
func ConfigFromEnv() (Config, error) {
	cfg := Config{
		TokenURL:  os.Getenv(EnvTokenURL),
		Audience:  os.Getenv(EnvAudience),
		ClientID:  os.Getenv(EnvClientID),
		KeyID:     os.Getenv(EnvKeyID),
		PurposeID: os.Getenv(EnvPurposeID),
	}
	var findings []pa.Finding
	if name := os.Getenv(EnvEnvironment); name != "" {
		env, err := pa.ParseEnvironment(name)
		if err != nil {
			findings = append(findings, finding(EnvEnvironment, ruleEnvironment))
		}
		cfg.Environment = env
	}
	secret, err := pa.SecretFromEnv(EnvKey)
	switch {
	case err != nil:
		findings = append(findings, finding(EnvKey, ruleKeyTwice))
	case secret != nil:
		cfg.Key = KeyPEM(secret)
	}
	if err := pa.NewValidationError("pdnd.ConfigFromEnv", findings); err != nil {
		return Config{}, err
	}
	return cfg, nil
}

// withDefaults returns the Config that applies and what is wrong with it,
// without the address and the transport, which the transport itself checks.
func (cfg Config) withDefaults() (Config, []pa.Finding) {
	var findings []pa.Finding
	bad := func(path, rule string) { findings = append(findings, finding(path, rule)) }

	where, real := environments()[cfg.Environment]
	switch {
	case cfg.Environment == "":
		bad("Environment", ruleEnvironmentMissing)
	case !real && cfg.Environment != pa.Simulator:
		bad("Environment", ruleEnvironment)
	case !real && cfg.TokenURL == "":
		bad("TokenURL", ruleAddressMissing)
	}
	if cfg.Environment == pa.Simulator && cfg.Audience == "" {
		bad("Audience", ruleAddressMissing)
	}
	if env := environmentOf(hostOfURL(cfg.TokenURL)); env != "" && env != cfg.Environment {
		bad("TokenURL", ruleMixed)
	}
	if env := environmentOf(hostOfAudience(cfg.Audience)); env != "" && env != cfg.Environment {
		bad("Audience", ruleMixed)
	}
	if audienceURL.MatchString(cfg.Audience) {
		bad("Audience", ruleAudienceScheme)
	}
	cfg.TokenURL = orDefault(cfg.TokenURL, where.tokenURL)
	cfg.Audience = orDefault(cfg.Audience, where.audience)

	if !uuid.MatchString(cfg.ClientID) {
		bad("ClientID", ruleUUID)
	}
	if cfg.PurposeID != "" && !uuid.MatchString(cfg.PurposeID) {
		bad("PurposeID", ruleUUID)
	}
	if cfg.KeyID != "" && !kid.MatchString(cfg.KeyID) {
		bad("KeyID", ruleKeyIDForm)
	}
	if cfg.Key == nil {
		bad("Key", ruleKeyMissing)
	}

	cfg.AssertionLifetime = orDefault(cfg.AssertionLifetime, defaultLifetime)
	cfg.AssertionBackdate = orDefault(cfg.AssertionBackdate, defaultBackdate)
	if cfg.AssertionLifetime < minLifetime || cfg.AssertionLifetime > maxLifetime {
		bad("AssertionLifetime", ruleLifetime)
	}
	if cfg.AssertionBackdate < 0 || cfg.AssertionBackdate > maxBackdate {
		bad("AssertionBackdate", ruleBackdate)
	}
	return cfg, findings
}

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}
