package access

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/pdnd"
	"github.com/pa-italia/sdk-go/send"
)

// Session is a way to SEND.
type Session struct {
	Client      *send.Client
	Environment pa.Environment
	Vouchers    *pdnd.Client // nil for an API key that wants none
	Simulators  *Simulators  // started by this process, or nil
}

// Close stops the simulators that were started.
func (s *Session) Close() error {
	if s.Simulators == nil {
		return nil
	}
	return s.Simulators.close()
}

// String names what is called, in Italian.
func (s *Session) String() string {
	switch {
	case s.Simulators != nil:
		return "simulatori in questo programma, un giorno dura " + Duration(s.Simulators.Day)
	case s.Environment == pa.UAT:
		return "SEND UAT (collaudo), " + s.Client.BaseURL()
	case s.Environment.Real():
		return "SEND PRODUZIONE, " + s.Client.BaseURL()
	}
	return "simulatore, " + s.Client.BaseURL()
}

// patience is the longest single wait of a call. Somebody is watching, so a
// refusal of the credentials, which SEND remembers for a minute, is told at once.
const patience = 30 * time.Second

// Connect makes the clients, and starts the simulators where no platform is
// named; they live until ctx ends or Close is called. Adjust may complete the
// configuration of the SEND client. An error about the configuration names the
// flags and variables.
func Connect(ctx context.Context, o Options, sim Simulation, adjust func(*send.Config)) (*Session, error) {
	cfg, vouchers, err := o.configs()
	if err != nil {
		return nil, err
	}
	s := &Session{Environment: cfg.Environment}
	if cfg.Environment == pa.Simulator && cfg.BaseURL == "" {
		if s.Simulators, cfg, vouchers, err = start(ctx, sim); err != nil {
			return nil, err
		}
	}
	cfg.Transport.Retry.MaxWait = patience
	adjust(&cfg)
	if vouchers != nil {
		vouchers.Transport = cfg.Transport
		if s.Vouchers, err = pdnd.New(*vouchers); err == nil {
			cfg.Voucher = s.Vouchers
		}
	}
	var more error
	if s.Client, more = send.New(cfg); more != nil || err != nil {
		return nil, errors.Join(named(err, more), s.Close())
	}
	return s, nil
}

// configs are the configurations that flags and environment give; that of PDND
// is nil where nothing of it is set.
func (o *Options) configs() (send.Config, *pdnd.Config, error) {
	cfg, err := send.ConfigFromEnv()
	if err != nil {
		return send.Config{}, nil, err
	}
	vouchers, err := pdnd.ConfigFromEnv()
	if err != nil {
		return send.Config{}, nil, err
	}
	if o.Environment != "" {
		if cfg.Environment, err = pa.ParseEnvironment(o.Environment); err != nil {
			return send.Config{}, nil, Fault("-ambiente", "ambiente sconosciuto: indicare uat o produzione.", "unknown environment: name uat or produzione")
		}
	}
	override(&cfg.BaseURL, o.URL)
	if cfg.Environment == "" {
		cfg.Environment = pa.Simulator
	}
	if o.APIKey != "" {
		cfg.APIKey = pa.NewSecret(o.APIKey)
	}

	override(&vouchers.TokenURL, o.PDNDTokenURL)
	override(&vouchers.Audience, o.PDNDAudience)
	override(&vouchers.ClientID, o.PDNDClientID)
	override(&vouchers.KeyID, o.PDNDKeyID)
	override(&vouchers.PurposeID, o.PDNDPurposeID)
	if o.PDNDKeyFile != "" {
		vouchers.Key = pdnd.KeyFile(o.PDNDKeyFile)
	}
	unused := vouchers.Key == nil && vouchers.TokenURL+vouchers.Audience+vouchers.ClientID+vouchers.KeyID+vouchers.PurposeID == ""
	if unused {
		return cfg, nil, nil
	}
	switch vouchers.Environment {
	case "":
		vouchers.Environment = cfg.Environment
	case cfg.Environment:
	default:
		return send.Config{}, nil, Fault(pdnd.EnvEnvironment, "è un altro ambiente da quello di SEND.", "another environment than that of SEND")
	}
	return cfg, &vouchers, nil
}

func override(field *string, flag string) {
	if flag != "" {
		*field = flag
	}
}

// settings are the fields of the configurations, as whoever uses an example
// sets them.
var settings = map[string]string{
	"Environment": "-ambiente (" + send.EnvEnvironment + ")",
	"BaseURL":     "-url (" + send.EnvBaseURL + ")",
	"APIKey":      "-api-key (" + send.EnvAPIKey + ")",
	"TokenURL":    "-pdnd-token-url (" + pdnd.EnvTokenURL + ")",
	"Audience":    "-pdnd-audience (" + pdnd.EnvAudience + ")",
	"ClientID":    "-pdnd-client-id (" + pdnd.EnvClientID + ")",
	"KeyID":       "-pdnd-kid (" + pdnd.EnvKeyID + ")",
	"Key":         "-pdnd-key (" + pdnd.EnvKeyFile + ")",
	"PurposeID":   "-pdnd-purpose (" + pdnd.EnvPurposeID + ")",
}

// named joins the findings about both configurations in one error and calls
// the fields by their flags.
func named(errs ...error) error {
	all := &pa.ValidationError{Subject: "examples"}
	for _, err := range errs {
		invalid, ok := errors.AsType[*pa.ValidationError](err)
		if !ok && err != nil {
			return err
		}
		if !ok {
			continue
		}
		for _, f := range invalid.Findings {
			if flag, ok := settings[f.Path]; ok {
				f.Path = flag
			}
			if !slices.Contains(all.Findings, f) {
				all.Findings = append(all.Findings, f)
			}
		}
	}
	return all
}
