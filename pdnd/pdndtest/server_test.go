package pdndtest_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/internal/jws"
	"github.com/pa-italia/sdk-go/pa/patest"
	"github.com/pa-italia/sdk-go/pdnd"
	"github.com/pa-italia/sdk-go/pdnd/pdndtest"
)

func newKey(bits int) *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	return key
}

var (
	theKey     = sync.OnceValue(func() *rsa.PrivateKey { return newKey(2048) })
	anotherKey = sync.OnceValue(func() *rsa.PrivateKey { return newKey(2048) })
)

func thumbprint(t testing.TB, key crypto.Signer) string {
	t.Helper()
	kid, err := jws.Thumbprint(key.Public())
	require.NoError(t, err)
	return kid
}

// consumer writes requests by hand, so that they can be wrong.
type consumer struct {
	t   testing.TB
	s   *pdndtest.Server
	key *rsa.PrivateKey
	kid string
}

// noLimit is for tests that look at something else.
var noLimit = pdndtest.WithRateLimit(pdndtest.RateLimit{Requests: 1 << 30, Interval: time.Second})

// newConsumer registers a key on the default client.
func newConsumer(t testing.TB, s *pdndtest.Server) *consumer {
	t.Helper()
	kid, err := s.AddKey(pdndtest.ClientID, theKey().Public())
	require.NoError(t, err)
	require.Equal(t, thumbprint(t, theKey()), kid)
	return &consumer{t, s, theKey(), kid}
}

type members = map[string]any

func (c *consumer) header() members { return members{"alg": "RS256", "kid": c.kid, "typ": "JWT"} }

func (c *consumer) claims() members {
	return members{
		"iss": pdndtest.ClientID, "sub": pdndtest.ClientID, "aud": c.s.AssertionAudience(),
		"jti": "an-id", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(), "purposeId": pdndtest.PurposeID,
	}
}

func (c *consumer) sign(header, claims members) string {
	c.t.Helper()
	payload, err := json.Marshal(claims)
	require.NoError(c.t, err)
	compact, err := jws.Sign(c.key, header, payload)
	require.NoError(c.t, err)
	return compact
}

func (c *consumer) form(assertion string) url.Values {
	return url.Values{
		"client_id": {pdndtest.ClientID}, "client_assertion": {assertion}, "grant_type": {"client_credentials"},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	}
}

type received struct {
	status int
	header http.Header
	body   string
}

func (c *consumer) post(contentType, body string, header ...string) received {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.s.TokenURL(), strings.NewReader(body))
	require.NoError(c.t, err)
	req.Header.Set("Content-Type", contentType)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return do(c.t, c.s, req)
}

func do(t testing.TB, s *pdndtest.Server, req *http.Request) received {
	t.Helper()
	res, err := s.Transport().RoundTrip(req)
	require.NoError(t, err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return received{res.StatusCode, res.Header, string(data)}
}

func (c *consumer) send(form url.Values) received {
	c.t.Helper()
	return c.post("application/x-www-form-urlencoded", form.Encode())
}

// lastFailure returns the codes of the newest failure: check, then reasons.
func (c *consumer) lastFailure() []string {
	list := c.s.Failures()
	if len(list) == 0 {
		return nil
	}
	f := list[len(list)-1]
	codes := []string{f.Code}
	for _, r := range f.Reasons {
		codes = append(codes, r.Code)
		require.NotEmpty(c.t, r.Title, "code %s has no title", r.Code)
		require.NotEmpty(c.t, r.Detail)
	}
	require.NotEmpty(c.t, f.Title)
	return codes
}

// The body of every refusal but those of the schema and of the rate limit.
const (
	refusedBody = `{"title":"The request contains bad syntax or cannot be fulfilled.","type":"about:blank","status":400,"detail":"Bad request",` +
		`"errors":[{"code":"015-0008","detail":"Unable to generate a token for the given request"}],"correlationId":"`
	refusedEnd = `"}`
)

func requireRefused(t testing.TB, r received) {
	t.Helper()
	require.Equal(t, http.StatusBadRequest, r.status)
	require.Equal(t, "application/json; charset=utf-8", r.header.Get("Content-Type"))
	id := r.header.Get("X-Correlation-Id")
	require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$`, id)
	require.Equal(t, refusedBody+id+refusedEnd, r.body)
	for name := range r.header {
		require.NotContains(t, name, "Rate-Limit", "only 200 and 429 have the headers of the limit")
	}
}

func TestRefusals(t *testing.T) {
	change := func(name string, value any) func(c *consumer, h, p members) {
		return func(_ *consumer, _, p members) { p[name] = value }
	}
	without := func(name string) func(c *consumer, h, p members) {
		return func(_ *consumer, _, p members) { delete(p, name) }
	}
	header := func(name string, value any) func(c *consumer, h, p members) {
		return func(_ *consumer, h, _ members) { h[name] = value }
	}
	digest := func(members ...any) func(c *consumer, h, p members) {
		d := map[string]any{}
		for i := 0; i < len(members); i += 2 {
			d[members[i].(string)] = members[i+1]
		}
		return change("digest", d)
	}
	hex64 := strings.Repeat("Af", 32)
	const upper = "F1A00000-0000-4000-8000-000000000001"
	accepted := []string(nil)
	consumers := map[string]*consumer{
		"strict": newConsumer(t, pdndtest.New(t, noLimit)),
		"lax":    newConsumer(t, pdndtest.New(t, pdndtest.WithLax(), noLimit)),
	}

	for name, tc := range map[string]struct {
		change      func(c *consumer, h, p members)
		strict, lax []string // codes; nil is accepted
	}{
		"as it should be":          {func(*consumer, members, members) {}, accepted, accepted},
		"other typ":                {header("typ", "anything"), accepted, accepted},
		"no typ":                   {func(_ *consumer, h, _ members) { delete(h, "typ") }, accepted, accepted},
		"PS256":                    {header("alg", "PS256"), []string{"0002", "0029"}, []string{"0002", "0029"}},
		"kid missing":              {func(_ *consumer, h, _ members) { delete(h, "kid") }, []string{"0002", "0015"}, []string{"0002", "0015"}},
		"kid short":                {header("kid", "abc"), []string{"0002", "0031"}, []string{"0002", "0031"}},
		"kid a UUID":               {header("kid", pdndtest.ClientID), []string{"0002", "0031"}, []string{"0002", "0031"}},
		"kid unknown":              {header("kid", strings.Repeat("A", 43)), []string{"0006"}, []string{"0006"}},
		"more in the header":       {header("x5t", "x"), []string{"0002", "0032"}, accepted},
		"iss missing":              {without("iss"), []string{"0002", "0011"}, []string{"0002", "0011"}},
		"iss empty":                {change("iss", ""), []string{"0002", "0011"}, []string{"0002", "0011"}},
		"iss of somebody else":     {change("iss", "somebody"), accepted, accepted},
		"sub missing":              {without("sub"), []string{"0002", "0012"}, []string{"0002", "0012"}},
		"sub not a UUID":           {change("sub", "me"), []string{"0002", "0024", "0013"}, []string{"0002", "0024", "0013"}},
		"sub of another client":    {change("sub", "c1e00000-0000-4000-8000-000000000002"), []string{"0002", "0013"}, []string{"0002", "0013"}},
		"aud missing":              {without("aud"), []string{"0002", "0005"}, []string{"0002", "0005"}},
		"aud with a scheme":        {func(c *consumer, _, p members) { p["aud"] = "https://" + c.s.AssertionAudience() }, []string{"0002", "0004"}, []string{"0002", "0004"}},
		"aud of production":        {change("aud", "auth.interop.pagopa.it/client-assertion"), []string{"0002", "0004"}, []string{"0002", "0004"}},
		"aud the token endpoint":   {func(c *consumer, _, p members) { p["aud"] = c.s.TokenURL() }, []string{"0002", "0004"}, []string{"0002", "0004"}},
		"aud among others":         {func(c *consumer, _, p members) { p["aud"] = []string{"other", c.s.AssertionAudience()} }, accepted, accepted},
		"aud a number":             {change("aud", 7), []string{"0002", "0005"}, []string{"0002", "0005"}},
		"jti missing":              {without("jti"), []string{"0002", "0008"}, []string{"0002", "0008"}},
		"iat missing":              {without("iat"), []string{"0002", "0009"}, []string{"0002", "0009"}},
		"iat zero":                 {change("iat", 0), []string{"0002", "0009"}, []string{"0002", "0009"}},
		"iat a text":               {change("iat", "1767225600"), []string{"0002", "0009"}, []string{"0002", "0009"}},
		"iat in the future":        {change("iat", int64(4102444800)), accepted, accepted},
		"exp missing":              {without("exp"), []string{"0002", "0010"}, []string{"0002", "0010"}},
		"exp a text":               {change("exp", "4102444800"), []string{"0002", "0010"}, []string{"0002", "0010"}},
		"exp in a hundred years":   {change("exp", int64(4102444800)), accepted, accepted},
		"exp with a fraction":      {change("exp", 4102444800.5), accepted, accepted},
		"expired this very second": {func(_ *consumer, _, p members) { p["exp"] = time.Now().Unix() }, []string{"0003", "0017"}, []string{"0003", "0017"}},
		"nbf past":                 {change("nbf", 1), []string{"0002", "0032"}, accepted},
		"nbf to come":              {func(_ *consumer, _, p members) { p["nbf"] = time.Now().Unix() + 5 }, []string{"0002", "0032"}, []string{"0003", "0019"}},
		"nbf a text":               {change("nbf", "1"), []string{"0002", "0032"}, []string{"0002", "0007"}},
		"unknown member":           {change("foo", 1), []string{"0002", "0032"}, accepted},
		"purposeId missing":        {without("purposeId"), []string{"0006"}, []string{"0006"}},
		"purposeId not a UUID":     {change("purposeId", "x"), []string{"0002", "0014"}, []string{"0002", "0014"}},
		"purposeId null":           {change("purposeId", nil), []string{"0002", "0014"}, []string{"0002", "0014"}},
		"purposeId upper case":     {change("purposeId", upper), []string{"0006"}, []string{"0006"}},
		"purposeId not associated": {change("purposeId", "f1a00000-0000-4000-8000-000000000002"), []string{"0006"}, []string{"0006"}},
		"digest":                   {digest("alg", "SHA256", "value", hex64), accepted, accepted},
		"digest not hexadecimal":   {digest("alg", "SHA256", "value", strings.Repeat("z", 64)), accepted, accepted},
		"digest SHA-256":           {digest("alg", "SHA-256", "value", hex64), []string{"0002", "0027"}, []string{"0002", "0027"}},
		"digest in base64":         {digest("alg", "SHA256", "value", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="), []string{"0002", "0026"}, []string{"0002", "0026"}},
		"digest with more":         {digest("alg", "SHA256", "value", hex64, "x", 1), []string{"0002", "0025"}, []string{"0002", "0025"}},
		"digest a text":            {change("digest", hex64), []string{"0002", "0025"}, []string{"0002", "0025"}},
		"all at once": {func(_ *consumer, h, p members) {
			delete(h, "kid")
			clear(p)
		}, []string{"0002", "0015", "0011", "0012", "0005", "0008", "0009", "0010"}, []string{"0002", "0015", "0011", "0012", "0005", "0008", "0009", "0010"}},
	} {
		t.Run(name, func(t *testing.T) {
			for mode, want := range map[string][]string{"strict": tc.strict, "lax": tc.lax} {
				c := *consumers[mode]
				c.t = t
				before := len(c.s.Failures())
				h, p := c.header(), c.claims()
				tc.change(&c, h, p)
				r := c.send(c.form(c.sign(h, p)))
				if want == nil {
					require.Equal(t, http.StatusOK, r.status, mode)
					require.Len(t, c.s.Failures(), before, mode)
					continue
				}
				require.Equal(t, want, c.lastFailure(), mode)
				requireRefused(t, r)
				require.Equal(t, r.header.Get("X-Correlation-Id"), c.s.Failures()[before].CorrelationID)
			}
		})
	}
}

// TestRefusalsOfWhatIsNoAssertion are those that cannot be signed.
func TestRefusalsOfWhatIsNoAssertion(t *testing.T) {
	c := newConsumer(t, pdndtest.New(t))
	good := c.sign(c.header(), c.claims())
	parts := strings.Split(good, ".")
	raw := func(header, payload string) string {
		return jwsPart(header) + "." + jwsPart(payload) + "." + parts[2]
	}
	other := *c
	other.key = anotherKey()
	for name, tc := range map[string]struct {
		assertion string
		codes     []string
	}{
		"empty":             {"", []string{"0002", "0006"}},
		"two parts":         {parts[0] + "." + parts[1], []string{"0002", "0006"}},
		"not base64":        {"!." + parts[1] + "." + parts[2], []string{"0002", "0006"}},
		"padded":            {parts[0] + "=." + parts[1] + "." + parts[2], []string{"0002", "0006"}},
		"not JSON":          {raw("{", "{}"), []string{"0002", "0006"}},
		"a member twice":    {raw(`{"alg":"RS256","alg":"RS256"}`, "{}"), []string{"0002", "0006"}},
		"not an object":     {raw(`{"alg":"RS256"}`, "[]"), []string{"0002", "0007"}},
		"alg none":          {raw(`{"alg":"none","kid":"`+c.kid+`"}`, string(part(t, parts[1]))), []string{"0002", "0029"}},
		"alg missing":       {raw(`{"kid":"`+c.kid+`"}`, string(part(t, parts[1]))), []string{"0002", "0028"}},
		"another key":       {other.sign(c.header(), c.claims()), []string{"0003", "0033"}},
		"changed payload":   {parts[0] + "." + strings.Split(c.sign(c.header(), withJTI(c.claims())), ".")[1] + "." + parts[2], []string{"0003", "0033"}},
		"signature cut off": {parts[0] + "." + parts[1] + ".", []string{"0003", "0018"}},
		"too long":          {strings.Repeat("a", 100_000), []string{"0002", "0006"}},
	} {
		t.Run(name, func(t *testing.T) {
			requireRefused(t, c.send(c.form(tc.assertion)))
			require.Equal(t, tc.codes, c.lastFailure())
		})
	}
}

func withJTI(p members) members { p["jti"] = "another-id"; return p }

func TestSchemaOfTheForm(t *testing.T) {
	const (
		head    = `{"type":"about:blank","title":"Bad request","status":400,"detail":"Incorrect value for body","correlationId":"`
		middle  = `","errors":[`
		literal = `{"code":"007-9999","detail":"Validation error: Invalid literal value, expected \"client_credentials\" at \"grant_type\""}`
		noType  = `{"code":"007-9999","detail":"Validation error: Required at \"client_assertion_type\""}`
		none    = `{"code":"007-9999","detail":"Validation error: Required at \"client_assertion\""}`
	)
	c := newConsumer(t, pdndtest.New(t))
	good := c.form(c.sign(c.header(), c.claims()))
	changed := func(name string, values ...string) string {
		form := url.Values{}
		maps.Copy(form, good)
		if form[name] = values; len(values) == 0 {
			form.Del(name)
		}
		return form.Encode()
	}
	const formType = "application/x-www-form-urlencoded"
	for name, tc := range map[string]struct{ contentType, body, errors string }{
		"no assertion":      {formType, changed("client_assertion"), none},
		"no assertion type": {formType, changed("client_assertion_type"), noType},
		"no grant type":     {formType, changed("grant_type"), literal},
		"other grant type":  {formType, changed("grant_type", "password"), literal},
		"client not a UUID": {formType, changed("client_id", "me"), `{"code":"007-9999","detail":"Validation error: Invalid uuid at \"client_id\""}`},
		"assertion twice":   {formType, changed("client_assertion", "a", "b"), `{"code":"007-9999","detail":"Validation error: Expected string, received array at \"client_assertion\""}`},
		"JSON":              {"application/json", `{"client_assertion":"x"}`, none + "," + noType + "," + literal},
		"nothing":           {formType, "", none + "," + noType + "," + literal},
	} {
		t.Run(name, func(t *testing.T) {
			r := c.post(tc.contentType, tc.body)
			require.Equal(t, http.StatusBadRequest, r.status)
			require.Equal(t, "application/json; charset=utf-8", r.header.Get("Content-Type"))
			require.Equal(t, head+r.header.Get("X-Correlation-Id")+middle+tc.errors+"]}", r.body)
			require.Equal(t, []string{"0001"}, c.lastFailure())
		})
	}
	t.Run("assertion type of another kind", func(t *testing.T) {
		requireRefused(t, c.post(formType, changed("client_assertion_type", "saml2-bearer")))
		require.Equal(t, []string{"0001", "0002"}, c.lastFailure())
	})
	t.Run("client id left out", func(t *testing.T) {
		require.Equal(t, http.StatusOK, c.post(formType, changed("client_id")).status)
	})
	t.Run("DPoP", func(t *testing.T) {
		r := c.post(formType, good.Encode(), "DPoP", "a.b.c")
		require.Equal(t, http.StatusNotImplemented, r.status)
		seen := c.s.Exchanges()
		require.Equal(t, patest.Removed, seen[len(seen)-1].RequestHeader.Get("DPoP"))
	})
}

func TestStates(t *testing.T) {
	s := pdndtest.New(t)
	c := newConsumer(t, s)
	form := c.form(c.sign(c.header(), c.claims()))
	for _, tc := range []struct {
		states pdndtest.States
		codes  []string
	}{
		{pdndtest.States{Agreement: pdndtest.Inactive}, []string{"0008", "0021"}},
		{pdndtest.States{Descriptor: pdndtest.Inactive}, []string{"0008", "0022"}},
		{pdndtest.States{Purpose: pdndtest.Inactive}, []string{"0008", "0020"}},
		{pdndtest.States{Agreement: pdndtest.Inactive, Descriptor: pdndtest.Inactive, Purpose: pdndtest.Inactive}, []string{"0008", "0021", "0022", "0020"}},
	} {
		require.NoError(t, s.SetStates(pdndtest.ClientID, pdndtest.PurposeID, tc.states))
		requireRefused(t, c.send(form))
		require.Equal(t, tc.codes, c.lastFailure())
	}
	require.NoError(t, s.SetStates(pdndtest.ClientID, pdndtest.PurposeID, pdndtest.States{Agreement: pdndtest.Active}))
	require.Equal(t, http.StatusOK, c.send(form).status)
	require.Contains(t, s.Failures()[3].String(), "0020 Purpose state is: INACTIVE")
}

func TestAsyncEServiceHasAnotherEndpoint(t *testing.T) {
	s := pdndtest.New(t, pdndtest.WithClient(pdndtest.Client{ID: pdndtest.ClientID, Purposes: []pdndtest.Purpose{{ID: pdndtest.PurposeID, Async: true}}}))
	c := newConsumer(t, s)
	requireRefused(t, c.send(c.form(c.sign(c.header(), c.claims()))))
	require.Equal(t, []string{"0008", "0039"}, c.lastFailure())
}

// TestOrderOfChecks makes everything wrong and repairs it from the first check
// to the last.
func TestOrderOfChecks(t *testing.T) {
	s := pdndtest.New(t, pdndtest.WithRateLimit(pdndtest.RateLimit{Requests: 1, Interval: time.Hour}))
	c := newConsumer(t, s)
	require.Equal(t, http.StatusOK, c.send(c.form(c.sign(c.header(), c.claims()))).status) // the quota is spent
	require.NoError(t, s.SetStates(pdndtest.ClientID, pdndtest.PurposeID, pdndtest.States{Purpose: pdndtest.Inactive}))

	h, p := c.header(), c.claims()
	p["exp"], p["purposeId"] = time.Now().Unix()-1, "f1a00000-0000-4000-8000-000000000002"
	delete(p, "jti")
	signer := *c
	signer.key = anotherKey()
	form := func() url.Values { return c.form(signer.sign(h, p)) }

	wrong := form()
	wrong.Set("client_assertion_type", "x")
	requireRefused(t, c.send(wrong))
	require.Equal(t, []string{"0001", "0002"}, c.lastFailure())

	requireRefused(t, c.send(form()))
	require.Equal(t, []string{"0002", "0008"}, c.lastFailure())

	p["jti"] = "an-id"
	requireRefused(t, c.send(form()))
	require.Equal(t, []string{"0006"}, c.lastFailure())

	p["purposeId"] = pdndtest.PurposeID
	requireRefused(t, c.send(form()))
	require.Equal(t, []string{"0003", "0033"}, c.lastFailure())

	signer.key = theKey()
	requireRefused(t, c.send(form()))
	require.Equal(t, []string{"0003", "0017"}, c.lastFailure())

	p["exp"] = time.Now().Unix() + 60
	requireRefused(t, c.send(form()))
	require.Equal(t, []string{"0008", "0020"}, c.lastFailure())

	require.NoError(t, s.SetStates(pdndtest.ClientID, pdndtest.PurposeID, pdndtest.States{}))
	require.Equal(t, http.StatusTooManyRequests, c.send(form()).status)
	require.Equal(t, []string{"007-10004"}, c.lastFailure())
}

func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const second = "c1e00000-0000-4000-8000-00000000000b"
		s := pdndtest.New(t,
			pdndtest.WithRateLimit(pdndtest.RateLimit{Requests: 4, Interval: time.Second, Burst: 1.5}),
			pdndtest.WithClient(pdndtest.Client{ID: pdndtest.ClientID, Purposes: []pdndtest.Purpose{{ID: pdndtest.PurposeID}}}),
			pdndtest.WithClient(pdndtest.Client{ID: second, OrganizationID: "0a900000-0000-4000-8000-000000000002",
				Keys: []crypto.PublicKey{anotherKey().Public()}, Purposes: []pdndtest.Purpose{{ID: pdndtest.PurposeID}}}))
		c := newConsumer(t, s)
		form := func() url.Values { return c.form(c.sign(c.header(), c.claims())) }
		var remaining []string
		for range 4 + 6 {
			r := c.send(form())
			require.Equal(t, http.StatusOK, r.status)
			require.Equal(t, "4", r.header.Get("X-Rate-Limit-Limit"))
			require.Equal(t, "1000", r.header.Get("X-Rate-Limit-Interval"))
			remaining = append(remaining, r.header.Get("X-Rate-Limit-Remaining"))
		}
		require.Equal(t, []string{"3", "2", "1", "0", "0", "0", "0", "0", "0", "0"}, remaining)

		r := c.send(form())
		require.Equal(t, http.StatusTooManyRequests, r.status)
		require.Equal(t, "application/json; charset=utf-8", r.header.Get("Content-Type"))
		require.Equal(t, `{"type":"about:blank","title":"Too Many Requests","status":429,`+
			`"detail":"Requests limit exceeded for organization 0a900000-0000-4000-8000-000000000001","correlationId":"`+r.header.Get("X-Correlation-Id")+
			`","errors":[{"code":"007-10004","detail":"Requests limit exceeded for organization 0a900000-0000-4000-8000-000000000001"}]}`, r.body)
		require.Equal(t, []string{"4", "0", "1000", ""}, []string{r.header.Get("X-Rate-Limit-Limit"), r.header.Get("X-Rate-Limit-Remaining"),
			r.header.Get("X-Rate-Limit-Interval"), r.header.Get("Retry-After")})

		// Another organization has a quota of its own.
		o := *c
		o.key, o.kid = anotherKey(), thumbprint(t, anotherKey())
		claims := o.claims()
		claims["sub"], claims["iss"] = second, second
		f := o.form(o.sign(o.header(), claims))
		f.Set("client_id", second)
		require.Equal(t, http.StatusOK, o.send(f).status)

		time.Sleep(time.Second) // a new interval, while the burst is still spent
		for range 4 {
			require.Equal(t, http.StatusOK, c.send(form()).status)
		}
		require.Equal(t, http.StatusTooManyRequests, c.send(form()).status)
	})
}

func TestAssertionCanBeExchangedAgain(t *testing.T) {
	c := newConsumer(t, pdndtest.New(t))
	form := c.form(c.sign(c.header(), c.claims()))
	require.Equal(t, http.StatusOK, c.send(form).status)
	require.Equal(t, http.StatusOK, c.send(form).status)
}

func TestKeysOfAClient(t *testing.T) {
	s := pdndtest.New(t)
	c := newConsumer(t, s)
	form := c.form(c.sign(c.header(), c.claims()))
	require.Equal(t, http.StatusOK, c.send(form).status)

	_, err := s.AddKey(pdndtest.ClientID, theKey().Public())
	require.ErrorContains(t, err, "registered already")
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	_, err = s.AddKey(pdndtest.ClientID, ec.Public())
	require.ErrorContains(t, err, "RSA")
	_, err = s.AddKey(pdndtest.ClientID, newKey(1024).Public())
	require.ErrorContains(t, err, "1024")
	_, err = s.AddKey("nobody", anotherKey().Public())
	require.Error(t, err)

	require.Error(t, s.RemoveKey(pdndtest.ClientID, "nothing"))
	require.NoError(t, s.RemoveKey(pdndtest.ClientID, c.kid))
	requireRefused(t, c.send(form))
	require.Equal(t, []string{"0006"}, c.lastFailure())
}

func TestPropagation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := pdndtest.New(t, pdndtest.WithPropagation(30*time.Second))
		c := newConsumer(t, s)
		requireRefused(t, c.send(c.form(c.sign(c.header(), c.claims()))))
		require.Equal(t, []string{"0006"}, c.lastFailure())
		time.Sleep(30 * time.Second)
		require.Equal(t, http.StatusOK, c.send(c.form(c.sign(c.header(), c.claims()))).status)
	})
}

func TestClockSkew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := pdndtest.New(t, pdndtest.WithClockSkew(2*time.Minute))
		c := newConsumer(t, s)
		r := c.send(c.form(c.sign(c.header(), c.claims()))) // for one minute
		requireRefused(t, r)
		require.Equal(t, []string{"0003", "0017"}, c.lastFailure())
		date, err := http.ParseTime(r.header.Get("Date"))
		require.NoError(t, err)
		require.Equal(t, 2*time.Minute, time.Until(date))
	})
}

func TestVoucherOfAPurpose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := pdndtest.New(t, pdndtest.WithClient(pdndtest.Client{ID: pdndtest.ClientID, Purposes: []pdndtest.Purpose{{
			ID: pdndtest.PurposeID, Audience: []string{"https://one.example.it/v1", "https://two.example.it/v2"}, Lifetime: 90 * time.Second,
			ProducerID: "0a900000-0000-4000-8000-000000000009", EServiceID: "e5e00000-0000-4000-8000-000000000001", DescriptorID: "de500000-0000-4000-8000-000000000001",
		}}}))
		c := newConsumer(t, s)
		claims := c.claims()
		claims["digest"] = members{"alg": "SHA256", "value": strings.Repeat("ab", 32)}
		r := c.send(c.form(c.sign(c.header(), claims)))
		require.Equal(t, http.StatusOK, r.status)
		require.Equal(t, "application/json; charset=utf-8", r.header.Get("Content-Type"))
		var reply struct {
			AccessToken string `json:"access_token"`
		}
		require.NoError(t, json.Unmarshal([]byte(r.body), &reply))
		require.Equal(t, `{"access_token":"`+reply.AccessToken+`","token_type":"Bearer","expires_in":90}`, r.body)

		token, err := jws.Parse(reply.AccessToken)
		require.NoError(t, err)
		kid := token.Header.KeyID
		require.Regexp(t, `^[0-9a-f-]{36}$`, kid)
		require.Equal(t, `{"alg":"RS256","use":"sig","typ":"at+jwt","kid":"`+kid+`"}`, string(part(t, strings.Split(reply.AccessToken, ".")[0])))
		var got members
		require.NoError(t, json.Unmarshal(token.Payload, &got))
		require.Regexp(t, `^[0-9a-f-]{36}$`, got["jti"])
		delete(got, "jti")
		now := float64(time.Now().Unix())
		require.Equal(t, members{
			"iss": "auth.pdnd.simulator.invalid", "aud": "https://one.example.it/v1,https://two.example.it/v2",
			"client_id": pdndtest.ClientID, "sub": pdndtest.ClientID, "iat": now, "nbf": now, "exp": now + 90,
			"purposeId": pdndtest.PurposeID, "digest": members{"alg": "SHA256", "value": strings.Repeat("ab", 32)},
			"producerId": "0a900000-0000-4000-8000-000000000009", "consumerId": pdndtest.OrganizationID,
			"eserviceId": "e5e00000-0000-4000-8000-000000000001", "descriptorId": "de500000-0000-4000-8000-000000000001",
		}, got)

		// The key is that of the JWKS.
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.JWKSURL(), nil)
		require.NoError(t, err)
		keys := do(t, s, req)
		require.Equal(t, http.StatusOK, keys.status)
		set, err := jws.ParseSet([]byte(keys.body))
		require.NoError(t, err)
		key, ok := set.Find(kid)
		require.True(t, ok)
		require.NoError(t, token.Verify(key, jws.RS256))
		require.Equal(t, "sig", key.Use)

		require.NoError(t, s.CheckVoucher(reply.AccessToken))
		require.NoError(t, s.VoucherCheck("https://two.example.it/v2")(reply.AccessToken))
		require.ErrorIs(t, s.VoucherCheck("https://two.example.it")(reply.AccessToken), pdndtest.ErrVoucherAudience)
		time.Sleep(90*time.Second - time.Nanosecond)
		require.NoError(t, s.CheckVoucher(reply.AccessToken))
		time.Sleep(time.Nanosecond)
		require.ErrorIs(t, s.CheckVoucher(reply.AccessToken), pdndtest.ErrVoucherExpired)
	})
}

func TestVoucherOfAnAPIClient(t *testing.T) {
	for admin, role := range map[string]string{"": "m2m", "ad000000-0000-4000-8000-000000000001": "m2m-admin"} {
		s := pdndtest.New(t, pdndtest.WithClient(pdndtest.Client{ID: pdndtest.ClientID, API: true, AdminID: admin}))
		c := newConsumer(t, s)
		requireRefused(t, c.send(c.form(c.sign(c.header(), c.claims())))) // with a purpose
		require.Equal(t, []string{"0006"}, c.lastFailure())

		claims := c.claims()
		delete(claims, "purposeId")
		r := c.send(c.form(c.sign(c.header(), claims)))
		require.Equal(t, http.StatusOK, r.status)
		var reply struct {
			AccessToken string `json:"access_token"`
			ExpiresIn   int    `json:"expires_in"`
		}
		require.NoError(t, json.Unmarshal([]byte(r.body), &reply))
		require.Equal(t, 600, reply.ExpiresIn)
		token, err := jws.Parse(reply.AccessToken)
		require.NoError(t, err)
		var got members
		require.NoError(t, json.Unmarshal(token.Payload, &got))
		require.Equal(t, s.APIAudience(), got["aud"])
		require.Equal(t, pdndtest.OrganizationID, got["organizationId"])
		require.Equal(t, role, got["role"])
		_, hasAdmin := got["adminId"]
		require.Equal(t, admin != "", hasAdmin)
		for _, name := range []string{"purposeId", "producerId", "consumerId", "eserviceId", "descriptorId", "digest"} {
			require.NotContains(t, got, name)
		}
		require.ErrorIs(t, s.CheckVoucher(reply.AccessToken), pdndtest.ErrVoucherAudience, "no provider takes it")
		require.NoError(t, s.VoucherCheck(s.APIAudience())(reply.AccessToken))
	}
}

func TestCheckVoucherRefuses(t *testing.T) {
	s := pdndtest.New(t)
	client := newClient(t, s)
	token, err := client.Token(t.Context())
	require.NoError(t, err)
	voucher := token.Value.Reveal()
	require.NoError(t, s.CheckVoucher(voucher))

	other := pdndtest.New(t)
	require.ErrorIs(t, other.CheckVoucher(voucher), pdndtest.ErrVoucherSignature)
	parts := strings.Split(voucher, ".")
	require.ErrorIs(t, s.CheckVoucher(parts[0]+"."+jwsPart(`{"iss":"x"}`)+"."+parts[2]), pdndtest.ErrVoucherSignature)
	require.ErrorIs(t, s.CheckVoucher(""), pdndtest.ErrVoucherForm)
	require.ErrorIs(t, s.CheckVoucher(jwsPart(`{"alg":"none","typ":"at+jwt"}`)+"."+parts[1]+"."), pdndtest.ErrVoucherForm)

	c := newConsumer(t, s)
	require.ErrorIs(t, s.CheckVoucher(c.sign(c.header(), c.claims())), pdndtest.ErrVoucherForm, "an assertion is no voucher")
	h := c.header()
	h["typ"] = "at+jwt"
	require.ErrorIs(t, s.CheckVoucher(c.sign(h, c.claims())), pdndtest.ErrVoucherSignature)
}

func newClient(t testing.TB, s *pdndtest.Server) *pdnd.Client {
	t.Helper()
	cfg, err := s.Config(pdndtest.ClientID, pdndtest.PurposeID)
	require.NoError(t, err)
	client, err := pdnd.New(cfg)
	require.NoError(t, err)
	return client
}

func TestConfigNeedsAClient(t *testing.T) {
	_, err := pdndtest.New(t).Config("nobody", "")
	require.Error(t, err)
}

func TestStartListens(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	s, err := pdndtest.Start(ctx)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(s.TokenURL(), "http://127.0.0.1:"), s.TokenURL())
	token, err := newClient(t, s).Token(ctx)
	require.NoError(t, err)
	require.NoError(t, s.CheckVoucher(token.Value.Reveal()))
	stop()
	require.NoError(t, s.Close())
	require.Equal(t, 1, s.Count("Token"))
}

func TestRegisterRefusesWhatPDNDWould(t *testing.T) {
	for name, c := range map[string]pdndtest.Client{
		"id":             {ID: "me"},
		"API purpose":    {ID: pdndtest.ClientID, API: true, Purposes: []pdndtest.Purpose{{ID: pdndtest.PurposeID}}},
		"administrator":  {ID: pdndtest.ClientID, AdminID: "x"},
		"purpose id":     {ID: pdndtest.ClientID, Purposes: []pdndtest.Purpose{{ID: "x"}}},
		"short lifetime": {ID: pdndtest.ClientID, Purposes: []pdndtest.Purpose{{ID: pdndtest.PurposeID, Lifetime: 59 * time.Second}}},
		"long lifetime":  {ID: pdndtest.ClientID, Purposes: []pdndtest.Purpose{{ID: pdndtest.PurposeID, Lifetime: 25 * time.Hour}}},
		"key":            {ID: pdndtest.ClientID, Keys: []crypto.PublicKey{newKey(1024).Public()}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := pdndtest.Start(t.Context(), pdndtest.WithClient(c))
			require.Error(t, err)
			require.Contains(t, err.Error(), "pdndtest: ")
		})
	}
	s := pdndtest.New(t)
	require.ErrorContains(t, s.Register(pdndtest.Client{ID: pdndtest.ClientID}), "exists")
	require.NoError(t, s.Register(pdndtest.Client{ID: "c1e00000-0000-4000-8000-00000000000c", Keys: []crypto.PublicKey{theKey().Public()}}))
}

func TestOptionsAreChecked(t *testing.T) {
	for name, opt := range map[string]pdndtest.Option{
		"base URL":    pdndtest.WithBaseURL("here"),
		"rate limit":  pdndtest.WithRateLimit(pdndtest.RateLimit{}),
		"propagation": pdndtest.WithPropagation(-1),
		"address":     pdndtest.WithAddr("0.0.0.0:0"),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := pdndtest.Start(t.Context(), opt)
			require.Error(t, err)
		})
	}
}

func TestFaultsOfThePlatform(t *testing.T) {
	s := pdndtest.New(t)
	c := newConsumer(t, s)
	form := c.form(c.sign(c.header(), c.claims()))
	require.NoError(t, s.Inject("Token", pdndtest.InternalError()))
	r := c.send(form)
	require.Equal(t, http.StatusInternalServerError, r.status)
	require.Equal(t, `{"title":"The request couldn't be fulfilled due to an internal error","type":"internalServerError","status":500,`+
		`"detail":"Internal server error","errors":[{"code":"015-0000","detail":"Unable to generate a token for the given request due to an internal error"}],`+
		`"correlationId":"`+r.header.Get("X-Correlation-Id")+`"}`, r.body)

	require.NoError(t, s.Inject("Token", pdndtest.GatewayError(http.StatusGatewayTimeout)))
	r = c.send(form)
	require.Equal(t, http.StatusGatewayTimeout, r.status)
	require.Equal(t, `{"message":"Endpoint request timed out"}`, r.body)
	require.Equal(t, http.StatusOK, c.send(form).status)
	require.Error(t, s.Inject("Tokens", patest.Fault{DropAfter: true}))

	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL()+"/token", nil)
	require.NoError(t, err)
	r = do(t, s, req)
	require.Equal(t, http.StatusForbidden, r.status)
	require.Equal(t, `{"message":"Missing Authentication Token"}`, r.body)
}

func TestNothingSecretIsKept(t *testing.T) {
	s := pdndtest.New(t)
	c := newConsumer(t, s)
	assertion := c.sign(c.header(), c.claims())
	r := c.send(c.form(assertion))
	var reply struct {
		AccessToken string `json:"access_token"`
	}
	require.NoError(t, json.Unmarshal([]byte(r.body), &reply))
	requireRefused(t, c.send(c.form(assertion+"x")))
	claims := c.claims()
	claims["purposeId"], claims["aud"], claims["sub"] = assertion, assertion, assertion
	requireRefused(t, c.send(c.form(c.sign(c.header(), claims))))

	seen := s.Exchanges()
	require.Len(t, seen, 3)
	var kept strings.Builder
	for _, x := range seen {
		kept.Write(x.RequestBody)
		kept.Write(x.ResponseBody)
	}
	for _, f := range s.Failures() {
		kept.WriteString(f.String())
	}
	require.Contains(t, kept.String(), patest.Removed)
	require.Contains(t, kept.String(), `"access_token":"[removed]","token_type":"Bearer"`)
	for name, secret := range map[string]string{"assertion": assertion, "voucher": reply.AccessToken} {
		for i, p := range strings.Split(secret, ".")[1:] {
			require.NotContains(t, kept.String(), p, "part %d of the %s", i+1, name)
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	s := pdndtest.New(t, pdndtest.WithLax())
	c := newConsumer(t, s)
	form := c.form(c.sign(c.header(), c.claims()))
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.TokenURL(), strings.NewReader(form.Encode()))
			if err != nil {
				t.Error(err)
				return
			}
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			res, err := s.Transport().RoundTrip(req)
			if err != nil || res.StatusCode != http.StatusOK {
				t.Errorf("request %d failed", i)
			}
			if i%10 == 0 {
				if err := s.SetStates(pdndtest.ClientID, pdndtest.PurposeID, pdndtest.States{}); err != nil {
					t.Error(err)
				}
				s.Failures()
			}
		})
	}
	wg.Wait()
	require.Equal(t, 40, s.Count("Token"))
	require.Empty(t, s.Failures())
}

// FuzzToken sends assertions that nobody would write: the simulator refuses
// them with one of its two bodies, and does not fall over.
func FuzzToken(f *testing.F) {
	s := pdndtest.New(f, noLimit)
	c := newConsumer(f, s)
	good := c.sign(c.header(), c.claims())
	f.Add(good, "RS256")
	f.Add("", "")
	f.Add("a.b.c", "x")
	f.Add(jwsPart(`{"alg":"RS256","kid":7}`)+"."+jwsPart(`{"aud":[1,"x"],"exp":1e400,"digest":{}}`)+".AA", "")
	f.Add(jwsPart(`{}`)+"."+jwsPart(`{"exp":-1,"purposeId":[]}`)+".", pdndtest.ClientID)
	f.Fuzz(func(t *testing.T, assertion, clientID string) {
		form := c.form(assertion)
		form.Set("client_id", clientID)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.TokenURL(), strings.NewReader(form.Encode()))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r := do(t, s, req)
		if r.status == http.StatusOK {
			require.Equal(t, good, assertion)
			return
		}
		require.Equal(t, http.StatusBadRequest, r.status)
		require.True(t, json.Valid([]byte(r.body)))
	})
}

func jwsPart(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func part(t testing.TB, text string) []byte {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(text)
	require.NoError(t, err)
	return data
}
