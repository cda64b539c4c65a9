package pdfscan

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// signer makes CMS messages that declare things. Their signatures are not
// right, and nobody looks at them.
type signer struct {
	authority, certificate []byte // DER
	issuer                 asn1.RawValue
	serial                 *big.Int
	signed, stamped        time.Time
	byKey                  bool
}

var (
	declaredSigned  = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	declaredStamped = time.Date(2026, 2, 3, 4, 5, 16, 0, time.UTC)
)

func selfMade(t testing.TB) signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	make := func(serial int64, subject, issuer string) []byte {
		template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour),
			Subject: pkix.Name{CommonName: subject, Organization: []string{"Ente inventato"}}}
		parent := &x509.Certificate{Subject: pkix.Name{CommonName: issuer}}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, key)
		require.NoError(t, err)
		return der
	}
	s := signer{
		authority:   make(1, "Autorità inventata", "Autorità inventata"),
		certificate: make(7, "Sigillo Inventato S.p.A.", "Autorità inventata"),
		serial:      big.NewInt(7), signed: declaredSigned,
	}
	cert, err := x509.ParseCertificate(s.certificate)
	require.NoError(t, err)
	s.issuer = asn1.RawValue{FullBytes: cert.RawIssuer}
	return s
}

// der encodes an element.
func der(tag byte, parts ...[]byte) []byte {
	var body []byte
	for _, p := range parts {
		body = append(body, p...)
	}
	raw, err := asn1.Marshal(asn1.RawValue{Class: int(tag >> 6), Tag: int(tag & 0x1f), IsCompound: tag&0x20 != 0, Bytes: body})
	if err != nil {
		panic(err)
	}
	return raw
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	raw, err := asn1.Marshal(v)
	require.NoError(t, err)
	return raw
}

func oid(encoded string) []byte { return der(tagOID, []byte(encoded)) }

// message is SignedData.
func (s signer) message(t testing.TB) []byte {
	t.Helper()
	sha256 := der(tagSequence, der(tagOID, []byte("\x60\x86\x48\x01\x65\x03\x04\x02\x01")))
	sid := der(tagSequence, s.issuer.FullBytes, marshal(t, s.serial))
	if s.byKey {
		sid = der(0x80, []byte("key"))
	}
	var signed []byte
	if !s.signed.IsZero() {
		signed = der(tagContext0, der(tagSequence, oid(oidSigningTime), der(tagSet, marshal(t, s.signed))))
	}
	var unsigned []byte
	if !s.stamped.IsZero() {
		unsigned = der(tagContext1, der(tagSequence, oid(oidTimeStamp), der(tagSet, stampToken(t, s.stamped))))
	}
	info := der(tagSequence, der(tagInteger, []byte{1}), sid, sha256, signed, sha256, der(tagOctets, []byte("no signature")), unsigned)
	data := der(tagSequence, der(tagInteger, []byte{1}), der(tagSet, sha256), der(tagSequence, oid("\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01")),
		der(tagContext0, s.authority, s.certificate), der(tagSet, info))
	return der(tagSequence, oid(oidSignedData), der(tagContext0, data))
}

// stampToken is the token of a time stamping authority without a name.
func stampToken(t testing.TB, at time.Time) []byte {
	t.Helper()
	generalized, err := asn1.MarshalWithParams(at, "generalized")
	require.NoError(t, err)
	info := der(tagSequence, der(tagInteger, []byte{1}), oid("\x2a\x03"), der(tagSequence), der(tagInteger, []byte{9}), generalized)
	data := der(tagSequence, der(tagInteger, []byte{3}), der(tagSet),
		der(tagSequence, oid(oidTSTInfo), der(tagContext0, der(tagOctets, info))), der(tagSet))
	return der(tagSequence, oid(oidSignedData), der(tagContext0, data))
}

// indefinite gives all constructed elements of a message indefinite lengths.
func indefinite(b []byte) []byte {
	var out []byte
	for len(b) > 0 {
		e, rest, ok := readElement(b, 0)
		if !ok {
			panic("not BER")
		}
		if e.tag&0x20 != 0 && e.tag != tagSequence || len(e.body) > 300 && e.tag == tagSequence {
			out = append(out, e.tag, 0x80)
			out = append(out, indefinite(e.body)...)
			out = append(out, 0, 0)
		} else {
			out = append(out, e.raw...)
		}
		b = rest
	}
	return out
}

// emptyMessage is a message with nothing in it.
func emptyMessage() []byte {
	return der(tagSequence, oid(oidSignedData), der(tagContext0, der(tagSequence)))
}

func TestMessage(t *testing.T) {
	const name = "Sigillo Inventato S.p.A."
	s := selfMade(t)
	stamped := s
	stamped.stamped = declaredStamped
	silent := s
	silent.signed = time.Time{}
	stranger := s
	stranger.serial = big.NewInt(8)
	byKey := s
	byKey.byKey = true
	alone := byKey
	alone.authority = nil
	tests := map[string]struct {
		signer signer
		want   message
	}{
		"signed":                          {s, message{signer: name, signed: declaredSigned}},
		"stamped":                         {stamped, message{signer: name, signed: declaredSigned, stamped: declaredStamped}},
		"without a time":                  {silent, message{signer: name}},
		"by a certificate that is absent": {stranger, message{signed: declaredSigned}},
		"by a key among two":              {byKey, message{signed: declaredSigned}},
		"by the key of the only one":      {alone, message{signer: name, signed: declaredSigned}},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			raw := tt.signer.message(t)
			for form, b := range map[string][]byte{"der": raw, "indefinite": indefinite(raw), "padded": append(raw, 0, 0, 0, 0)} {
				m, ok := parseMessage(b)
				require.True(t, ok, form)
				require.Equal(t, tt.want, m, form)
			}
			for n := range raw {
				_, _ = parseMessage(raw[:n]) // does not panic
			}
		})
	}

	// BER cuts octet strings into pieces.
	pieces := der(tagOctets|0x20, der(tagOctets, []byte("one ")), der(tagOctets, []byte("two")), der(tagInteger, []byte{1}))
	e, _, ok := readElement(pieces, 0)
	require.True(t, ok)
	require.Equal(t, "one two", string(octets(e)))

	token, ok := parseMessage(stampToken(t, declaredStamped))
	require.True(t, ok)
	require.Equal(t, message{stamped: declaredStamped}, token)

	for _, b := range [][]byte{nil, []byte("no message"), emptyMessage()} {
		_, ok = parseMessage(b)
		require.False(t, ok)
	}
}

func TestCommonName(t *testing.T) {
	name := func(tag byte, value string) element {
		raw := der(tagSequence, der(tagSet, der(tagSequence, oid(oidCommonName), der(tag, []byte(value)))))
		e, _, ok := readElement(raw, 0)
		require.True(t, ok)
		return e
	}
	require.Equal(t, "Città", commonName(name(0x0c, "Città")))
	require.Equal(t, "Città", commonName(name(0x14, "Citt\xe0")), "T61String, in fact Latin-1")
	require.Equal(t, "Città", commonName(name(tagBMP, "\x00C\x00i\x00t\x00t\x00\xe0")))
	require.Equal(t, "Rossi Mario", commonName(name(0x13, "Rossi\x00\n\u202eMario")))
}

func TestEnvelope(t *testing.T) {
	s := selfMade(t)
	raw := s.message(t)
	text := base64.StdEncoding.EncodeToString(raw)
	enveloped := der(tagSequence, oid(oidEnvelopedData), der(tagContext0, make([]byte, 300)))
	for name, head := range map[string][]byte{
		"der":            raw,
		"indefinite":     indefinite(raw),
		"pem":            pem.EncodeToMemory(&pem.Block{Type: "PKCS7", Bytes: raw}),
		"pem of cms":     append([]byte("\xEF\xBB\xBF\r\n"), pem.EncodeToMemory(&pem.Block{Type: "CMS", Bytes: raw})...),
		"base64":         []byte(text),
		"base64 in rows": []byte("\n" + text[:20] + "\r\n" + text[20:]),
		"encrypted":      enveloped,
		"time stamped":   der(tagSequence, oid(oidStampedData), der(tagContext0, make([]byte, 300))),
	} {
		require.True(t, Envelope(head), name)
	}
	for name, head := range map[string][]byte{
		"empty":           nil,
		"pdf":             []byte("%PDF-1.7\n"),
		"pem, no end":     []byte("-----BEGIN PKCS7"),
		"certificate":     s.certificate,
		"certificate pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.certificate}),
		"plain data":      der(tagSequence, oid("\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"), der(tagContext0)),
		"text":            []byte("Questo non è un documento firmato, ma è lungo abbastanza."),
	} {
		require.False(t, Envelope(head), name)
	}
}

func FuzzMessage(f *testing.F) {
	s := selfMade(f)
	s.stamped = declaredStamped
	f.Add(s.message(f))
	f.Add(indefinite(s.message(f)))
	f.Add(stampToken(f, declaredStamped))
	f.Add(emptyMessage())
	f.Fuzz(func(t *testing.T, b []byte) {
		m, ok := parseMessage(b)
		if !ok {
			require.Equal(t, message{}, m)
		}
		Envelope(b)
	})
}
