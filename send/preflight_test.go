package send

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/pa"
)

const (
	boxA4     = "[0 0 595 842]"
	boxLetter = "[0 0 612 792]"
)

// sheet describes a PDF to be made.
type sheet struct {
	boxes     []string
	pdfa      bool
	signature string // the entries of its dictionary; "" for none
	trailer   string
}

// pages are so many of A4, signed and marked.
func pages(n int) sheet {
	return sheet{boxes: slices.Repeat([]string{boxA4}, n), pdfa: true, signature: "/Name (Ente Inventato)"}
}

func (s sheet) make() []byte {
	var kids, catalog string
	var more []string // objects from 3 on
	add := func(body string) int {
		more = append(more, body)
		return len(more) + 2
	}
	for _, box := range s.boxes {
		kids += fmt.Sprintf("%d 0 R ", add("<< /Type /Page /Parent 2 0 R /MediaBox "+box+" >>"))
	}
	if s.pdfa {
		mark := `<d xmlns:p="http://www.aiim.org/pdfa/ns/id/" p:part="2" p:conformance="B"/>`
		catalog += fmt.Sprintf(" /Metadata %d 0 R", add(fmt.Sprintf("<< /Type /Metadata /Length %d >>\nstream\n%s\nendstream", len(mark), mark)))
	}
	if s.signature != "" {
		value := add("<< /Type /Sig /ByteRange [0 1 2 3] /Contents <00> " + s.signature + " >>")
		catalog += fmt.Sprintf(" /AcroForm << /Fields [%d 0 R] >>", add(fmt.Sprintf("<< /FT /Sig /T (F) /V %d 0 R >>", value)))
	}
	objects := append([]string{
		"<< /Type /Catalog /Pages 2 0 R" + catalog + " >>",
		fmt.Sprintf("<< /Type /Pages /Kids [%s] /Count %d >>", kids, len(s.boxes)),
	}, more...)

	out := bytes.NewBufferString("%PDF-1.7\n")
	lines := "0000000000 65535 f \n"
	for i, body := range objects {
		lines += fmt.Sprintf("%010d 00000 n \n", out.Len())
		fmt.Fprintf(out, "%d 0 obj\n%s\nendobj\n", i+1, body)
	}
	start := out.Len()
	fmt.Fprintf(out, "xref\n0 %d\n%strailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n",
		len(objects)+1, lines, len(objects)+1, s.trailer, start)
	return out.Bytes()
}

// broke returns the rules that were broken, with their paths.
func broke(findings []pa.Finding) []string {
	out := []string{}
	for _, f := range findings {
		out = append(out, f.Path+" "+f.Rule+" "+f.Severity.String())
	}
	return out
}

func TestPreflight(t *testing.T) {
	bare := sheet{boxes: []string{boxA4}}
	mixed := pages(4)
	mixed.boxes[1], mixed.boxes[3] = boxLetter, boxLetter
	landscape := pages(1)
	landscape.boxes[0] = "[0 0 842 595]"
	near := pages(1)
	near.boxes[0] = "[0 0 600 837]"
	off := pages(1)
	off.boxes[0] = "[0 0 602 842]"
	locked := pages(9)
	locked.trailer = "/Encrypt << /Filter /Standard >>"
	stamped := pages(1)
	stamped.signature = "/SubFilter /ETSI.RFC3161"
	empty := pages(1)
	empty.signature = ""

	tests := map[string]struct {
		content []byte
		payment bool
		want    []string
	}{
		"as asked":               {content: pages(1).make()},
		"landscape":              {content: landscape.make()},
		"within the tolerance":   {content: near.make()},
		"beyond the tolerance":   {content: off.make(), want: []string{"f SEND_PDF_A4 warning"}},
		"of two sizes":           {content: mixed.make(), want: []string{"f SEND_PDF_A4 warning"}},
		"bare":                   {content: bare.make(), want: []string{"f SEND_PDF_UNSIGNED warning", "f SEND_PDF_A warning"}},
		"bare payment notice":    {content: bare.make(), payment: true, want: []string{"f SEND_PDF_A warning", "documents SEND_20_GRAMS warning"}},
		"unsigned":               {content: empty.make(), want: []string{"f SEND_PDF_UNSIGNED warning"}},
		"time stamped only":      {content: stamped.make(), want: []string{"f SEND_PDF_UNSIGNED warning"}},
		"encrypted":              {content: locked.make(), want: []string{"f SEND_PDF_ENCRYPTED error"}},
		"damaged":                {content: bytes.ReplaceAll(pages(1).make(), []byte("startxref"), []byte("startxxxx")), want: []string{"f SEND_PDF_DAMAGED warning"}},
		"unreadable":             {content: []byte("%PDF-1.7\nnothing"), want: []string{"f SEND_PDF_UNREADABLE warning"}},
		"text":                   {content: []byte("testo"), want: []string{"f SEND_FILE_PDF error"}},
		"a header after a blank": {content: append([]byte("\n"), pages(1).make()...), want: []string{"f SEND_FILE_PDF error"}},
		"nothing":                {content: nil, want: []string{"f SEND_FILE_EMPTY error"}},
		"enveloped":              {content: signedData(t, nil), want: []string{"f SEND_P7M error"}},
		"enveloped notice":       {content: signedData(t, nil), payment: true, want: []string{"f SEND_P7M error", "documents SEND_20_GRAMS warning"}},
		"five pages":             {content: pages(5).make(), want: []string{"documents SEND_20_GRAMS warning"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			findings, err := Preflight(t.Context(), PreflightFile{Path: "f", File: FromBytes(tt.content), Payment: tt.payment})
			require.NoError(t, err)
			require.ElementsMatch(t, tt.want, broke(findings))
			for _, f := range findings {
				require.NotContains(t, f.Text.IT+f.Text.EN, "%", f.Rule)
			}
		})
	}

	findings, err := Preflight(t.Context(), PreflightFile{Path: "f", File: FromBytes(mixed.make())})
	require.NoError(t, err)
	require.Contains(t, findings[0].Text.IT, "(2 in tutto, la prima è la 2)")
	require.Contains(t, findings[0].Text.EN, "(2 in all, the first is page 2)")
}

// Expectations of the official test suite: pn-b2b-client, LimitAttach20gr.
func TestPreflight20Grams(t *testing.T) {
	notice := PreflightFile{Path: "n", File: FromBytes(pages(1).make()), Payment: true}
	f24 := PreflightFile{Path: "f", File: FromBytes([]byte("{}")), ContentType: ContentJSON, Payment: true}
	tests := []struct {
		pages    []int
		payments []PreflightFile
		heavy    bool
	}{
		{nil, nil, false},
		{[]int{3}, nil, false},
		{[]int{4}, nil, false},
		{[]int{5}, nil, true},
		{[]int{8}, nil, true},
		{[]int{1, 2}, nil, false},
		{[]int{2, 2}, nil, false},
		{[]int{3, 1}, nil, true},
		{[]int{2, 3}, nil, true},
		{[]int{1, 1, 1}, nil, true},
		{[]int{2}, []PreflightFile{notice}, true},
		{[]int{2}, []PreflightFile{f24}, true},
		{[]int{8}, []PreflightFile{notice, f24}, true},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.pages, len(tt.payments)), func(t *testing.T) {
			files := slices.Clone(tt.payments)
			for _, n := range tt.pages {
				files = append(files, PreflightFile{Path: "d", File: FromBytes(pages(n).make())})
			}
			findings, err := Preflight(t.Context(), files...)
			require.NoError(t, err)
			var want []string
			if tt.heavy {
				want = []string{"documents SEND_20_GRAMS warning"}
			}
			require.ElementsMatch(t, want, broke(findings))
		})
	}
}

func TestPreflightNotification(t *testing.T) {
	n := &Notification{
		Documents: []Document{{Attachment: PDF("atto.pdf")}, {Attachment: PDF("busta.p7m")}, {Attachment: Attachment{ContentType: ContentPDF, Ref: Ref{Key: "uploaded"}}}},
		Recipients: []Recipient{{Payments: []Payment{{
			PagoPA: &PagoPAPayment{Attachment: new(PDF("avviso.pdf"))},
			F24:    &F24Payment{MetadataAttachment: F24Metadata("f24.json")},
		}}}},
	}
	bare := FromBytes(sheet{boxes: []string{boxLetter}}.make())
	files := map[string]File{
		"documents[0]": bare,
		"documents[1]": FromBytes(signedData(t, nil)),
		"recipients[0].payments[0].pagoPa.attachment":      bare,
		"recipients[0].payments[0].f24.metadataAttachment": FromBytes([]byte("{}")),
	}
	want := []string{
		"documents[0] (atto.pdf) SEND_PDF_UNSIGNED warning",
		"documents[0] (atto.pdf) SEND_PDF_A4 warning",
		"documents[0] (atto.pdf) SEND_PDF_A warning",
		"documents[1] (busta.p7m) SEND_P7M error",
		"recipients[0].payments[0].pagoPa.attachment (avviso.pdf) SEND_PDF_A4 warning",
		"recipients[0].payments[0].pagoPa.attachment (avviso.pdf) SEND_PDF_A warning",
		"documents SEND_20_GRAMS warning",
	}
	findings, err := preflightNotification(t.Context(), n, Validation{}, files)
	require.NoError(t, err)
	require.Equal(t, want, broke(findings))

	promoted, err := preflightNotification(t.Context(), n, Validation{Promote: []string{"SEND_PDF_A4"}}, files)
	require.NoError(t, err)
	want[1] = strings.Replace(want[1], "warning", "error", 1)
	want[4] = strings.Replace(want[4], "warning", "error", 1)
	require.Equal(t, want, broke(promoted))
	all, err := preflightNotification(t.Context(), n, Validation{Promote: []string{"*"}}, files)
	require.NoError(t, err)
	require.NotContains(t, strings.Join(broke(all), ""), "warning")

	// What Prepare finds is not found twice; what is uploaded still counts.
	files = map[string]File{"documents[0]": FromBytes([]byte("testo"))}
	n.Recipients = nil
	findings, err = preflightNotification(t.Context(), n, Validation{}, files)
	require.NoError(t, err)
	require.Equal(t, []string{"documents SEND_20_GRAMS warning"}, broke(findings))

	files["documents[0]"] = File{Size: 1, Open: func() (io.ReadCloser, error) { return nil, os.ErrPermission }}
	_, err = preflightNotification(t.Context(), n, Validation{}, files)
	require.ErrorIs(t, err, os.ErrPermission)
	require.ErrorContains(t, err, "documents[0]")
}

func TestPreflightTexts(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range preflightRules() {
		require.False(t, seen[r.code], r.code)
		seen[r.code] = true
		require.NotEmpty(t, r.text.IT, r.code)
		require.NotEmpty(t, r.text.EN, r.code)
		require.Equal(t, strings.Count(r.text.IT, "%d"), strings.Count(r.text.EN, "%d"), r.code)
	}
}

// plain is a reader that can only be read from its beginning.
type plain struct {
	io.Reader
	closed *int
}

func (p plain) Close() error { *p.closed++; return nil }

// However a file can be read, what is found is the same and all is closed.
func TestPreflightReaders(t *testing.T) {
	content := pages(5).make()
	large := append(slices.Clone(content), bytes.Repeat([]byte("\n"), inMemory)...)
	large = append(large, content[bytes.LastIndex(content, []byte("startxref")):]...)
	kept, temporary := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", temporary)
	t.Setenv("TMP", temporary)
	for name, content := range map[string][]byte{"small": content, "large": large} {
		t.Run(name, func(t *testing.T) {
			onDisk := filepath.Join(kept, name+".pdf")
			require.NoError(t, os.WriteFile(onDisk, content, 0o600))
			disk, err := FromFile(onDisk)
			require.NoError(t, err)
			closed, opened := 0, 0
			for reader, file := range map[string]File{
				"memory": FromBytes(content),
				"disk":   disk,
				"plain": {Size: int64(len(content)), Open: func() (io.ReadCloser, error) {
					opened++
					return plain{bytes.NewReader(content), &closed}, nil
				}},
			} {
				findings, err := Preflight(t.Context(), PreflightFile{Path: "f", File: file})
				require.NoError(t, err, reader)
				require.Equal(t, []string{"documents SEND_20_GRAMS warning"}, broke(findings), reader)
			}
			require.Equal(t, 1, opened)
			require.Equal(t, 1, closed)
			left, err := os.ReadDir(temporary)
			require.NoError(t, err)
			require.Empty(t, left)
			require.NoError(t, os.Remove(onDisk), "nothing holds the file open")
		})
	}
}

func TestPreflightErrors(t *testing.T) {
	content := pages(1).make()
	broken := errors.New("disk on fire")
	for name, tt := range map[string]struct {
		file File
		want error
	}{
		"cannot be opened": {File{Open: func() (io.ReadCloser, error) { return nil, broken }}, broken},
		"cannot be read": {File{Size: 1 << 10, Open: func() (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(bytes.NewReader(content[:20]), errReader{broken})), nil
		}}, broken},
		"cannot be read and is large": {File{Size: inMemory + 1, Open: func() (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(bytes.NewReader(content[:20]), errReader{broken})), nil
		}}, broken},
		"shorter than its size": {File{Size: 1 << 20, Open: func() (io.ReadCloser, error) {
			return struct {
				*bytes.Reader
				io.Closer
			}{bytes.NewReader(content), io.NopCloser(nil)}, nil
		}}, io.ErrUnexpectedEOF},
		"much shorter than its size": {File{Size: 1 << 20, Open: func() (io.ReadCloser, error) {
			return struct {
				*bytes.Reader
				io.Closer
			}{bytes.NewReader(content[:9]), io.NopCloser(nil)}, nil
		}}, io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Preflight(t.Context(), PreflightFile{Path: "f", File: tt.file})
			require.ErrorIs(t, err, tt.want)
			_, err = Seals(t.Context(), tt.file)
			require.ErrorIs(t, err, tt.want)
		})
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Preflight(ctx, PreflightFile{Path: "f", File: FromBytes(content)})
	require.ErrorIs(t, err, context.Canceled)
}

type errReader struct{ err error }

func (e errReader) Read([]byte) (int, error) { return 0, e.err }

// signedData is a CMS message whose signer declares a signing time, if not nil.
// Its signature is none.
func signedData(t *testing.T, signed *time.Time) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "Sigillo Inventato S.p.A."}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)

	type attribute struct {
		Type   asn1.ObjectIdentifier
		Values []time.Time `asn1:"set"`
	}
	type signerInfo struct {
		Version int
		SID     struct {
			Issuer asn1.RawValue
			Serial *big.Int
		}
		Digest     pkix.AlgorithmIdentifier
		Attributes []attribute `asn1:"optional,tag:0,set"`
		Algorithm  pkix.AlgorithmIdentifier
		Signature  []byte
	}
	type signedData struct {
		Version      int
		Digests      []pkix.AlgorithmIdentifier `asn1:"set"`
		Content      struct{ Type asn1.ObjectIdentifier }
		Certificates asn1.RawValue
		Signers      []signerInfo `asn1:"set"`
	}
	algorithm := pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}}
	info := signerInfo{Version: 1, Digest: algorithm, Algorithm: algorithm, Signature: []byte("none")}
	info.SID.Issuer, info.SID.Serial = asn1.RawValue{FullBytes: cert.RawIssuer}, cert.SerialNumber
	if signed != nil {
		info.Attributes = []attribute{{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 5}, []time.Time{*signed}}}
	}
	data := signedData{Version: 1, Digests: []pkix.AlgorithmIdentifier{algorithm}, Signers: []signerInfo{info},
		Certificates: asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: der}}
	data.Content.Type = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	out, err := asn1.Marshal(struct {
		Type    asn1.ObjectIdentifier
		Content signedData `asn1:"explicit,tag:0"`
	}{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}, data})
	require.NoError(t, err)
	return out
}

func TestSeals(t *testing.T) {
	at := time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC)
	const written = "/Name (PagoPA inventata) /Reason (Attestazione) /M (D:20260701120001+02'00')"
	date := at.Add(time.Second)
	for name, tt := range map[string]struct {
		signature string
		want      []Seal
		italian   string
	}{
		"none": {"", nil, ""},
		"in the message": {written + fmt.Sprintf(" /Contents <%x0000>", signedData(t, &at)),
			[]Seal{{Signer: "Sigillo Inventato S.p.A.", Time: at, Reason: "Attestazione"}},
			"Sigillo dichiarato di Sigillo Inventato S.p.A., del 01/07/2026 12:00:00 (ora italiana); non verificato."},
		"time in the dictionary": {written + fmt.Sprintf(" /Contents <%x0000>", signedData(t, nil)),
			[]Seal{{Signer: "Sigillo Inventato S.p.A.", Time: date, Reason: "Attestazione"}}, ""},
		"all in the dictionary": {written, []Seal{{Signer: "PagoPA inventata", Time: date, Reason: "Attestazione"}},
			"Sigillo dichiarato di PagoPA inventata, del 01/07/2026 12:00:01 (ora italiana); non verificato."},
		"nothing declared": {"/Type /DocTimeStamp", []Seal{{Timestamp: true}}, "Marca temporale senza nome del firmatario, senza data; non verificata."},
	} {
		t.Run(name, func(t *testing.T) {
			s := pages(1)
			s.signature = tt.signature
			seals, err := Seals(t.Context(), FromBytes(s.make()))
			require.NoError(t, err)
			require.Equal(t, tt.want, seals)
			if tt.italian != "" {
				require.Equal(t, tt.italian, seals[0].Message(pa.Italian))
				require.Contains(t, seals[0].Message(pa.English), "not verified")
			}
		})
	}

	locked := pages(1)
	locked.trailer = "/Encrypt << /Filter /Standard >>"
	for name, content := range map[string][]byte{"encrypted": locked.make(), "xml": []byte("<postacert/>"), "damaged": []byte("%PDF-1.7")} {
		_, err := Seals(t.Context(), FromBytes(content))
		require.ErrorIs(t, err, ErrSealUnknown, name)
		require.NotEmpty(t, pa.Message(err, pa.Italian), name)
	}
}

func TestSealMessage(t *testing.T) {
	stamp := Seal{Signer: "Marche Inventate", Timestamp: true}
	require.Equal(t, "Marca temporale dichiarata di Marche Inventate, senza data; non verificata.", stamp.Message(pa.Italian))
	require.Equal(t, "time stamp naming Marche Inventate as signer, without a date; not verified", stamp.Message(pa.English))
	require.Equal(t, "seal naming no signer, without a date; not verified", Seal{}.Message(pa.English))
}
