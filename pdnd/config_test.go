package pdnd_test

import (
	"crypto"
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/pdnd"
)

const (
	clientID  = "c1e00000-0000-4000-8000-0000000000aa"
	purposeID = "f1a00000-0000-4000-8000-0000000000aa"
)

func config() pdnd.Config {
	return pdnd.Config{Environment: pa.UAT, ClientID: clientID, PurposeID: purposeID, Key: pdnd.StaticKey(theKey())}
}

func kidOf(t testing.TB, key crypto.Signer) string {
	t.Helper()
	kid, err := pdnd.Thumbprint(key.Public())
	require.NoError(t, err)
	return kid
}

func TestNewChecksItsConfig(t *testing.T) {
	simulator := func(c *pdnd.Config) {
		c.Environment, c.TokenURL, c.Audience = pa.Simulator, "https://pdnd.invalid/token.oauth2", "pdnd.invalid/client-assertion"
	}
	with := func(changes ...func(*pdnd.Config)) func(*pdnd.Config) {
		return func(c *pdnd.Config) {
			for _, change := range changes {
				change(c)
			}
		}
	}
	tokenURL := func(u string) func(*pdnd.Config) { return func(c *pdnd.Config) { c.TokenURL = u } }
	audience := func(a string) func(*pdnd.Config) { return func(c *pdnd.Config) { c.Audience = a } }
	missing := filepath.Join(t.TempDir(), "missing.pem")

	for name, tc := range map[string]struct {
		change func(*pdnd.Config)
		rules  []string
	}{
		"production":                {func(c *pdnd.Config) { c.Environment = pa.Production }, nil},
		"UAT":                       {func(*pdnd.Config) {}, nil},
		"attestation":               {func(c *pdnd.Config) { c.Environment = pa.Attestation }, nil},
		"simulator":                 {simulator, nil},
		"no purpose":                {func(c *pdnd.Config) { c.PurposeID = "" }, nil},
		"its own addresses":         {with(tokenURL("https://AUTH.uat.interop.pagopa.it/token.oauth2"), audience("auth.uat.interop.pagopa.it/client-assertion")), nil},
		"behind a gateway":          {tokenURL("https://api.regione.example.it/pdnd/collaudo/token.oauth2"), nil},
		"loopback":                  {with(simulator, tokenURL("http://127.0.0.1:8080/token.oauth2")), nil},
		"IPv6 loopback":             {with(simulator, tokenURL("http://[::1]:8080/token.oauth2")), nil},
		"host named for http":       {with(simulator, tokenURL("http://pdnd:8080/token.oauth2"), func(c *pdnd.Config) { c.Transport.InsecureHosts = []string{"pdnd"} }), nil},
		"kid of the key":            {func(c *pdnd.Config) { c.KeyID = kidOf(t, theKey()) }, nil},
		"file that is there":        {func(c *pdnd.Config) { c.Key = pdnd.KeyFile(keyFile(t)) }, nil},
		"source that is not asked":  {func(c *pdnd.Config) { c.Key = pdnd.KeyFunc(nil) }, nil},
		"no environment":            {func(c *pdnd.Config) { c.Environment = "" }, []string{"Environment PDND_ENVIRONMENT_MISSING"}},
		"unknown environment":       {func(c *pdnd.Config) { c.Environment = "dev" }, []string{"Environment PDND_ENVIRONMENT"}},
		"simulator without address": {func(c *pdnd.Config) { c.Environment = pa.Simulator }, []string{"TokenURL PDND_ADDRESS_MISSING", "Audience PDND_ADDRESS_MISSING"}},
		"token URL of production":   {tokenURL("https://auth.interop.pagopa.it/token.oauth2"), []string{"TokenURL PDND_MIXED_ENVIRONMENTS"}},
		"the same in capitals":      {tokenURL("https://Auth.Interop.PagoPA.it:443/token.oauth2"), []string{"TokenURL PDND_MIXED_ENVIRONMENTS"}},
		"audience of production":    {audience("auth.interop.pagopa.it/client-assertion"), []string{"Audience PDND_MIXED_ENVIRONMENTS"}},
		"simulator and production":  {with(simulator, tokenURL("https://auth.interop.pagopa.it/token.oauth2")), []string{"TokenURL PDND_MIXED_ENVIRONMENTS"}},
		"audience with scheme":      {audience("https://auth.uat.interop.pagopa.it/client-assertion"), []string{"Audience PDND_AUDIENCE_SCHEME"}},
		"both":                      {audience("https://auth.interop.pagopa.it/client-assertion"), []string{"Audience PDND_MIXED_ENVIRONMENTS", "Audience PDND_AUDIENCE_SCHEME"}},
		"http":                      {with(simulator, tokenURL("http://pdnd.example.it/token.oauth2")), []string{"TokenURL PA_CONFIG"}},
		"not a URL":                 {tokenURL("pdnd.example.it"), []string{"TokenURL PDND_TOKEN_URL"}},
		"no path":                   {tokenURL("https://pdnd.example.it/"), []string{"TokenURL PDND_TOKEN_URL"}},
		"parameters":                {tokenURL("https://pdnd.example.it/token.oauth2?a=b/c"), []string{"TokenURL PDND_TOKEN_URL"}},
		"credentials in the URL":    {tokenURL("https://me:pw@pdnd.example.it/token.oauth2"), []string{"TokenURL PDND_TOKEN_URL"}},
		"client in capitals":        {func(c *pdnd.Config) { c.ClientID = strings.ToUpper(clientID) }, []string{"ClientID PDND_UUID"}},
		"purpose not a UUID":        {func(c *pdnd.Config) { c.PurposeID = "SEND" }, []string{"PurposeID PDND_UUID"}},
		"kid of the old form":       {func(c *pdnd.Config) { c.KeyID = clientID }, []string{"KeyID PDND_KEY_ID_FORM", "KeyID PDND_KEY_ID"}},
		"kid of another key":        {func(c *pdnd.Config) { c.KeyID = kidOf(t, anotherKey()) }, []string{"KeyID PDND_KEY_ID"}},
		"no key":                    {func(c *pdnd.Config) { c.Key = nil }, []string{"Key PDND_KEY_MISSING"}},
		"no signer":                 {func(c *pdnd.Config) { c.Key = pdnd.StaticKey(nil) }, []string{"Key PDND_KEY_MISSING"}},
		"EC key":                    {func(c *pdnd.Config) { c.Key = pdnd.StaticKey(ecKey(t)) }, []string{"Key PDND_KEY_NOT_RSA"}},
		"short key":                 {func(c *pdnd.Config) { c.Key = pdnd.StaticKey(shortKey()) }, []string{"Key PDND_KEY_SHORT"}},
		"text that is no key":       {func(c *pdnd.Config) { c.Key = pdnd.KeyPEM(pa.NewSecret("x")) }, []string{"Key PDND_KEY_NOT_PEM"}},
		"file that is not there":    {func(c *pdnd.Config) { c.Key = pdnd.KeyFile(missing) }, []string{"Key PDND_KEY_UNREADABLE"}},
		"assertion too short":       {func(c *pdnd.Config) { c.AssertionLifetime = time.Second }, []string{"AssertionLifetime PDND_ASSERTION_LIFETIME"}},
		"assertion too long":        {func(c *pdnd.Config) { c.AssertionLifetime = 2 * time.Hour }, []string{"AssertionLifetime PDND_ASSERTION_LIFETIME"}},
		"backdated too far":         {func(c *pdnd.Config) { c.AssertionBackdate = time.Hour }, []string{"AssertionBackdate PDND_ASSERTION_BACKDATE"}},
		"postdated":                 {func(c *pdnd.Config) { c.AssertionBackdate = -time.Second }, []string{"AssertionBackdate PDND_ASSERTION_BACKDATE"}},
		"transport": {func(c *pdnd.Config) {
			c.Transport = pa.Transport{HTTPClient: &http.Client{}, RootCAs: x509.NewCertPool()}
		}, []string{"Transport.HTTPClient PA_CONFIG"}},
		"nothing": {func(c *pdnd.Config) { *c = pdnd.Config{} }, []string{
			"Environment PDND_ENVIRONMENT_MISSING", "ClientID PDND_UUID", "Key PDND_KEY_MISSING"}},
		"everything": {func(c *pdnd.Config) {
			*c = pdnd.Config{Environment: pa.UAT, TokenURL: "https://auth.interop.pagopa.it", Audience: "https://x", ClientID: "a", PurposeID: "b",
				Key: pdnd.StaticKey(ecKey(t)), KeyID: "c", AssertionLifetime: -1, AssertionBackdate: -1}
		}, []string{
			"TokenURL PDND_MIXED_ENVIRONMENTS", "Audience PDND_AUDIENCE_SCHEME", "ClientID PDND_UUID", "PurposeID PDND_UUID", "KeyID PDND_KEY_ID_FORM",
			"AssertionLifetime PDND_ASSERTION_LIFETIME", "AssertionBackdate PDND_ASSERTION_BACKDATE", "Key PDND_KEY_NOT_RSA", "TokenURL PDND_TOKEN_URL"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config()
			tc.change(&cfg)
			client, err := pdnd.New(cfg)
			if tc.rules == nil {
				require.NoError(t, err)
				require.NotNil(t, client)
				return
			}
			require.Nil(t, client)
			require.Equal(t, tc.rules, rules(t, err))
			require.ErrorIs(t, err, pa.ErrInvalid)
		})
	}
}

func TestNewNamesTheRightKid(t *testing.T) {
	cfg := config()
	cfg.KeyID = kidOf(t, anotherKey())
	_, err := pdnd.New(cfg)
	require.ErrorContains(t, err, kidOf(t, theKey()))
	require.Contains(t, pa.Message(err, pa.Italian), kidOf(t, theKey()))
}

func keyFile(t testing.TB) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "key.pem")
	require.NoError(t, os.WriteFile(name, pkcs8(t, theKey()), 0o600))
	return name
}

func TestConfigFromEnv(t *testing.T) {
	set := func(t *testing.T, vars map[string]string) {
		for _, name := range []string{pdnd.EnvEnvironment, pdnd.EnvTokenURL, pdnd.EnvAudience, pdnd.EnvClientID, pdnd.EnvKeyID,
			pdnd.EnvKey, pdnd.EnvKeyFile, pdnd.EnvPurposeID} {
			t.Setenv(name, vars[name])
		}
	}
	t.Run("all", func(t *testing.T) {
		set(t, map[string]string{
			"PDND_ENVIRONMENT": "collaudo", "PDND_TOKEN_URL": "https://a.example.it/t", "PDND_AUDIENCE": "b", "PDND_CLIENT_ID": clientID,
			"PDND_KID": "c", "PDND_KEY": string(pkcs8(t, theKey())), "PDND_PURPOSE_ID": purposeID,
		})
		cfg, err := pdnd.ConfigFromEnv()
		require.NoError(t, err)
		key, err := cfg.Key.Key(t.Context())
		require.NoError(t, err)
		require.True(t, theKey().Equal(key.Signer))
		cfg.Key = nil
		require.Equal(t, pdnd.Config{Environment: pa.UAT, TokenURL: "https://a.example.it/t", Audience: "b", ClientID: clientID, KeyID: "c", PurposeID: purposeID}, cfg)
	})
	t.Run("key in a file", func(t *testing.T) {
		set(t, map[string]string{"PDND_ENVIRONMENT": "UAT", "PDND_CLIENT_ID": clientID, "PDND_KEY_FILE": keyFile(t)})
		cfg, err := pdnd.ConfigFromEnv()
		require.NoError(t, err)
		_, err = pdnd.New(cfg)
		require.NoError(t, err)
	})
	t.Run("nothing", func(t *testing.T) {
		set(t, nil)
		cfg, err := pdnd.ConfigFromEnv()
		require.NoError(t, err)
		require.Equal(t, pdnd.Config{}, cfg)
		_, err = pdnd.New(cfg)
		require.Equal(t, []string{"Environment PDND_ENVIRONMENT_MISSING", "ClientID PDND_UUID", "Key PDND_KEY_MISSING"}, rules(t, err))
	})
	t.Run("faults", func(t *testing.T) {
		set(t, map[string]string{"PDND_ENVIRONMENT": "staging", "PDND_KEY": "canary-key", "PDND_KEY_FILE": "/x"})
		_, err := pdnd.ConfigFromEnv()
		require.Equal(t, []string{"PDND_ENVIRONMENT PDND_ENVIRONMENT", "PDND_KEY PDND_KEY_TWICE"}, rules(t, err))
		require.NotContains(t, err.Error(), "canary")
	})
}
