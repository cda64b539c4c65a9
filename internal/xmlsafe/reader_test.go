package xmlsafe_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/internal/xmlsafe"
)

func code(err error) xmlsafe.Code {
	if e, ok := errors.AsType[*xmlsafe.Error](err); ok {
		return e.Code
	}
	return ""
}

// tokens reads all tokens and copies them.
func tokens(next func() (xml.Token, error)) ([]xml.Token, error) {
	var all []xml.Token
	for {
		token, err := next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, xml.CopyToken(token))
	}
}

func accepted() []string {
	return []string{
		`<a/>`,
		`<?xml version="1.0"?><a/>`,
		"<?xml version='1.0' encoding='utf-8' standalone = \"yes\" ?>\r\n<!-- before --><a></a><!-- after -->\n\t ",
		"\uFEFF<?xml version=\"1.0\" encoding=\"UTF-8\"?><a/>",
		`<a xmlns="urn:x"><b xmlns=""><c/></b><d/></a>`,
		`<p:a xmlns:p="urn:x" p:b="1" b="2"><p:c xmlns:p="urn:y"/><p:d/></p:a>`,
		`<a xml:lang="it" xmlns:xml="http://www.w3.org/XML/1998/namespace"/>`,
		`<a b="&lt;&#38;&quot;'"><![CDATA[<x> & ]] ]]>text &amp; more</a>`,
		`<città provincia="RM">è</città>`,
		`<a b="1" B="2" _c="3" d.e-f="4"/>`,
		`<a xmlns="urn:x" xmlns:p="urn:x" b="1" p:b="2"/>`,
		`<a>&#x1F600;😀</a>`,
		strings.Repeat("<a>", 64) + strings.Repeat("</a>", 64),
	}
}

func refused() []struct {
	name, document string
	want           xmlsafe.Code
} {
	return []struct {
		name, document string
		want           xmlsafe.Code
	}{
		{"empty", ``, xmlsafe.CodeRoot},
		{"blanks only", " \n", xmlsafe.CodeRoot},
		{"comment only", `<!-- a -->`, xmlsafe.CodeRoot},
		{"text only", `a`, xmlsafe.CodeRoot},
		{"text before", `x<a/>`, xmlsafe.CodeRoot},
		{"text after", `<a/>x`, xmlsafe.CodeRoot},
		{"reference to a blank after", `<a/>&#32;`, xmlsafe.CodeRoot},
		{"CDATA after", `<a/><![CDATA[ ]]>`, xmlsafe.CodeRoot},
		{"empty CDATA before", `<![CDATA[]]><a/>`, xmlsafe.CodeRoot},
		{"two byte order marks", "\uFEFF\uFEFF<a/>", xmlsafe.CodeRoot},
		{"no-break space after", "<a/>\u00a0", xmlsafe.CodeRoot},
		{"two roots", `<a/><a/>`, xmlsafe.CodeRoot},
		{"two roots apart", `<a></a> <b></b>`, xmlsafe.CodeRoot},
		{"cut short", `<a>`, xmlsafe.CodeSyntax},
		{"cut short in a tag", `<a b="`, xmlsafe.CodeSyntax},
		{"unquoted attribute", `<a b=1/>`, xmlsafe.CodeSyntax},
		{"attribute without value", `<a b/>`, xmlsafe.CodeSyntax},
		{"tag in an attribute", `<a b="<"/>`, xmlsafe.CodeSyntax},
		{"unknown entity", `<a>&nbsp;</a>`, xmlsafe.CodeSyntax},
		{"bare ampersand", `<a>a & b</a>`, xmlsafe.CodeSyntax},
		{"end of CDATA in text", `<a>]]></a>`, xmlsafe.CodeSyntax},
		{"hyphens in a comment", `<a><!-- -- --></a>`, xmlsafe.CodeSyntax},
		{"reference to NUL", `<a>&#0;</a>`, xmlsafe.CodeSyntax},
		{"crossed tags", `<a><b></a></b>`, xmlsafe.CodeEndTag},
		{"end first", `</a>`, xmlsafe.CodeEndTag},
		{"end too much", `<a/></a>`, xmlsafe.CodeEndTag},
		{"same namespace, other prefix at the end", `<p:a xmlns:p="u" xmlns:q="u"></q:a>`, xmlsafe.CodeEndTag},
		{"DOCTYPE", `<!DOCTYPE a><a/>`, xmlsafe.CodeDirective},
		{"DOCTYPE with entities", `<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>`, xmlsafe.CodeDirective},
		{"external DOCTYPE", `<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>`, xmlsafe.CodeDirective},
		{"directive inside", `<a><!ELEMENT b></a>`, xmlsafe.CodeDirective},
		{"directive after", `<a/><!X>`, xmlsafe.CodeDirective},
		{"stylesheet", `<?xml-stylesheet href="x"?><a/>`, xmlsafe.CodeInstruction},
		{"instruction inside", `<a><?php x?></a>`, xmlsafe.CodeInstruction},
		{"declaration after a blank", ` <?xml version="1.0"?><a/>`, xmlsafe.CodeInstruction},
		{"second declaration", `<?xml version="1.0"?><?xml version="1.0"?><a/>`, xmlsafe.CodeInstruction},
		{"declaration inside", `<a><?xml version="1.0"?></a>`, xmlsafe.CodeInstruction},
		{"declaration in capitals", `<?XML version="1.0"?><a/>`, xmlsafe.CodeInstruction},
		{"version 1.1", `<?xml version="1.1"?><a/>`, xmlsafe.CodeDeclaration},
		{"hidden version 1.1", `<?xml version ="1.1"?><a/>`, xmlsafe.CodeDeclaration},
		{"no version", `<?xml encoding="UTF-8"?><a/>`, xmlsafe.CodeDeclaration},
		{"empty declaration", `<?xml?><a/>`, xmlsafe.CodeDeclaration},
		{"wrong order", `<?xml encoding="UTF-8" version="1.0"?><a/>`, xmlsafe.CodeDeclaration},
		{"version twice", `<?xml version="1.0" version="1.0"?><a/>`, xmlsafe.CodeDeclaration},
		{"no blank between", `<?xml version="1.0"encoding="UTF-8"?><a/>`, xmlsafe.CodeDeclaration},
		{"unknown pseudo-attribute", `<?xml version="1.0" x="y"?><a/>`, xmlsafe.CodeDeclaration},
		{"unquoted version", `<?xml version=1.0?><a/>`, xmlsafe.CodeDeclaration},
		{"open quote", `<?xml version="1.0?><a/>`, xmlsafe.CodeDeclaration},
		{"standalone maybe", `<?xml version="1.0" standalone="maybe"?><a/>`, xmlsafe.CodeDeclaration},
		{"Latin-1", `<?xml version="1.0" encoding="ISO-8859-1"?><a/>`, xmlsafe.CodeEncoding},
		{"hidden UTF-16", `<?xml version="1.0" encoding = "UTF-16"?><a/>`, xmlsafe.CodeEncoding},
		{"UTF-16", "\xff\xfe<\x00a\x00/\x00>\x00", xmlsafe.CodeEncoding},
		{"not UTF-8 in text", "<a>\xe8</a>", xmlsafe.CodeEncoding},
		{"not UTF-8 in a comment", "<a><!-- \xe8 --></a>", xmlsafe.CodeEncoding},
		{"overlong", "<a>\xc0\xbc</a>", xmlsafe.CodeEncoding},
		{"surrogate", "<a>\xed\xa0\x80</a>", xmlsafe.CodeEncoding},
		{"rune cut short at the end", "<a/>\xc3", xmlsafe.CodeEncoding},
		{"NUL", "<a>\x00</a>", xmlsafe.CodeCharacter},
		{"NUL in a comment", "<a><!-- \x00 --></a>", xmlsafe.CodeCharacter},
		{"escape in a comment", "<a><!-- \x1b --></a>", xmlsafe.CodeCharacter},
		{"U+FFFF in a comment", "<a><!-- \uFFFF --></a>", xmlsafe.CodeCharacter},
		{"NUL after", "<a/>\x00", xmlsafe.CodeCharacter},
		{"empty prefix", `<:a/>`, xmlsafe.CodeName},
		{"empty local part", `<a: xmlns:a="u"/>`, xmlsafe.CodeName},
		{"empty prefix of an attribute", `<a :b="1"/>`, xmlsafe.CodeName},
		{"empty local part of a declaration", `<a xmlns:="u"/>`, xmlsafe.CodeName},
		{"lone colon", `<a :="1"/>`, xmlsafe.CodeName},
		{"local part begins with a digit", `<p:1 xmlns:p="u"/>`, xmlsafe.CodeName},
		{"local part begins with a hyphen", `<a xmlns:p="u" p:-b="1"/>`, xmlsafe.CodeName},
		{"two colons", `<a:b:c xmlns:a="u"/>`, xmlsafe.CodeSyntax},
		{"two colons in an attribute", `<a xmlns:b:c="u"/>`, xmlsafe.CodeSyntax},
		{"undeclared prefix", `<p:a/>`, xmlsafe.CodePrefix},
		{"undeclared prefix of an attribute", `<a p:b="1"/>`, xmlsafe.CodePrefix},
		{"prefix out of scope", `<a><b xmlns:p="u"/><p:c/></a>`, xmlsafe.CodePrefix},
		{"prefix undeclared again", `<a xmlns:p="u"><b xmlns:p=""/></a>`, xmlsafe.CodePrefix},
		{"xml bound elsewhere", `<a xmlns:xml="u"/>`, xmlsafe.CodePrefix},
		{"xmlns bound", `<a xmlns:xmlns="u"/>`, xmlsafe.CodePrefix},
		{"xmlns as an element prefix", `<xmlns:a/>`, xmlsafe.CodePrefix},
		{"the xml namespace for another prefix", `<a xmlns:p="http://www.w3.org/XML/1998/namespace"/>`, xmlsafe.CodePrefix},
		{"the xml namespace as default", `<a xmlns="http://www.w3.org/XML/1998/namespace"/>`, xmlsafe.CodePrefix},
		{"the xmlns namespace", `<a xmlns:p="http://www.w3.org/2000/xmlns/"/>`, xmlsafe.CodePrefix},
		{"attribute twice", `<a b="1" b="1"/>`, xmlsafe.CodeDuplicate},
		{"attribute twice by two prefixes", `<a xmlns:p="u" xmlns:q="u" p:b="1" q:b="2"/>`, xmlsafe.CodeDuplicate},
		{"prefix twice", `<a xmlns:p="u" xmlns:p="u"/>`, xmlsafe.CodeDuplicate},
		{"default namespace twice", `<a xmlns="u" xmlns="v"/>`, xmlsafe.CodeDuplicate},
		{"too deep", strings.Repeat("<a>", 65), xmlsafe.CodeDepth},
		{"too many attributes", manyAttributes(65), xmlsafe.CodeAttributes},
	}
}

func manyAttributes(n int) string {
	var b strings.Builder
	b.WriteString("<a")
	for i := range n {
		fmt.Fprintf(&b, " a%d=''", i)
	}
	b.WriteString("/>")
	return b.String()
}

func TestAccepted(t *testing.T) {
	for _, document := range accepted() {
		require.NoError(t, xmlsafe.Check([]byte(document), xmlsafe.Limits{}), document)
		requireSameReading(t, []byte(document))
	}
	require.NoError(t, xmlsafe.Check([]byte(manyAttributes(64)), xmlsafe.Limits{}))
}

func TestRefused(t *testing.T) {
	for _, test := range refused() {
		t.Run(test.name, func(t *testing.T) {
			err := xmlsafe.Check([]byte(test.document), xmlsafe.Limits{})
			require.Equal(t, test.want, code(err), "%v", err)
			// The same byte by byte, and for Unmarshal.
			_, err = tokens(xmlsafe.NewReader(iotest.OneByteReader(strings.NewReader(test.document)), xmlsafe.Limits{}).Token)
			require.Equal(t, test.want, code(err))
			err = xmlsafe.Unmarshal([]byte(test.document), new(struct{}), xmlsafe.Limits{})
			require.Equal(t, test.want, code(err))
		})
	}
}

func TestLimits(t *testing.T) {
	const document = "<?xml version='1.0'?>\n<a><b c='' d=''>text<!-- comment --></b></a>\n"
	exact := xmlsafe.Limits{Bytes: int64(len(document)), Depth: 2, Nodes: 6, Attributes: 2}
	require.NoError(t, xmlsafe.Check([]byte(document), exact))
	for want, change := range map[xmlsafe.Code]func(*xmlsafe.Limits){
		xmlsafe.CodeBytes:      func(l *xmlsafe.Limits) { l.Bytes-- },
		xmlsafe.CodeDepth:      func(l *xmlsafe.Limits) { l.Depth-- },
		xmlsafe.CodeNodes:      func(l *xmlsafe.Limits) { l.Nodes-- },
		xmlsafe.CodeAttributes: func(l *xmlsafe.Limits) { l.Attributes-- },
		xmlsafe.CodeComment:    func(l *xmlsafe.Limits) { l.RefuseComments = true },
	} {
		limits := exact
		change(&limits)
		require.Equal(t, want, code(xmlsafe.Check([]byte(document), limits)))
	}
	require.NoError(t, xmlsafe.Check([]byte(document), xmlsafe.Limits{Bytes: -1, Depth: -1, Nodes: -1, Attributes: -1}))

	long := "<a>" + strings.Repeat("x", xmlsafe.DefaultBytes) + "</a>"
	require.Equal(t, xmlsafe.CodeBytes, code(xmlsafe.Check([]byte(long), xmlsafe.Limits{})))
	many := "<a>" + strings.Repeat("<b/>", xmlsafe.DefaultNodes) + "</a>"
	require.Equal(t, xmlsafe.CodeNodes, code(xmlsafe.Check([]byte(many), xmlsafe.Limits{})))
}

func TestByteOrderMarkCounts(t *testing.T) {
	document := []byte("\uFEFF<a/>")
	require.NoError(t, xmlsafe.Check(document, xmlsafe.Limits{Bytes: 7}))
	for limit := int64(1); limit < 7; limit++ {
		require.Equal(t, xmlsafe.CodeBytes, code(xmlsafe.Check(document, xmlsafe.Limits{Bytes: limit})))
	}
}

// An endless document is left where the limit is, and not read to its end.
func TestEndlessDocument(t *testing.T) {
	endless := io.MultiReader(strings.NewReader("<a>"), endlessText{})
	_, err := tokens(xmlsafe.NewReader(endless, xmlsafe.Limits{Bytes: 1 << 16}).Token)
	require.Equal(t, xmlsafe.CodeBytes, code(err))
}

type endlessText struct{}

func (endlessText) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestSourceFails(t *testing.T) {
	broken := errors.New("connection reset")
	for _, before := range []string{"", "<a>", "<a>text", "<a/>", "<a b='"} {
		r := xmlsafe.NewReader(io.MultiReader(strings.NewReader(before), iotest.ErrReader(broken)), xmlsafe.Limits{})
		_, err := tokens(r.Token)
		require.Equal(t, xmlsafe.CodeRead, code(err))
		require.ErrorIs(t, err, broken)
		_, again := r.Token()
		require.Equal(t, err, again)
	}
}

// A text that the limit cuts must not be delivered as if it were complete.
func TestNoPartialText(t *testing.T) {
	r := xmlsafe.NewReader(strings.NewReader("<a>0123456789</a>"), xmlsafe.Limits{Bytes: 8})
	all, err := tokens(r.Token)
	require.Equal(t, xmlsafe.CodeBytes, code(err))
	require.Equal(t, []xml.Token{xml.StartElement{Name: xml.Name{Local: "a"}, Attr: []xml.Attr{}}}, all)
}

func TestEOFIsRepeated(t *testing.T) {
	r := xmlsafe.NewReader(strings.NewReader("<a/>"), xmlsafe.Limits{})
	_, err := tokens(r.Token)
	require.NoError(t, err)
	_, err = r.Token()
	require.Equal(t, io.EOF, err)
}

func TestErrorsHaveLinesAndDoNotQuote(t *testing.T) {
	const canary = "CANARY"
	for _, document := range []string{
		"<a>\n<" + canary + ">\n</a>",
		"<a>\n\n&" + canary + ";</a>",
		"<a>\n\n<" + canary + ":b/></a>",
		"<a>\n\n<b " + canary + "='1' " + canary + "='2'/></a>",
		"<a>\n\n<?" + canary + "?></a>",
	} {
		err := xmlsafe.Check([]byte(document), xmlsafe.Limits{})
		e, ok := errors.AsType[*xmlsafe.Error](err)
		require.True(t, ok)
		require.Equal(t, 3, e.Line)
		require.NotContains(t, err.Error(), canary)
		require.Contains(t, err.Error(), "line 3")
	}
	require.Equal(t, "xmlsafe: reason", (&xmlsafe.Error{Reason: "reason"}).Error())
}

// A prefix may be spelled like a namespace: names must be expanded once.
func TestNamesAreExpandedOnce(t *testing.T) {
	const document = `<r xmlns:a="b" xmlns:b="c"><a:x a:y="1"/></r>`
	all, err := tokens(xml.NewTokenDecoder(xmlsafe.NewReader(strings.NewReader(document), xmlsafe.Limits{})).Token)
	require.NoError(t, err)
	start := all[1].(xml.StartElement)
	require.Equal(t, xml.Name{Space: "b", Local: "x"}, start.Name)
	require.Equal(t, xml.Name{Space: "b", Local: "y"}, start.Attr[0].Name)
}

func TestUnmarshal(t *testing.T) {
	type notice struct {
		XMLName xml.Name `xml:"urn:x notice"`
		Number  int      `xml:"number"`
		Lang    string   `xml:"http://www.w3.org/XML/1998/namespace lang,attr"`
	}
	const document = `<?xml version="1.0"?><p:notice xmlns:p="urn:x" xml:lang="it"><p:number>7</p:number><p:other/></p:notice>`
	var got notice
	require.NoError(t, xmlsafe.Unmarshal([]byte(document), &got, xmlsafe.Limits{}))
	require.Equal(t, 7, got.Number)
	require.Equal(t, "it", got.Lang)

	err := xmlsafe.Unmarshal([]byte(strings.Replace(document, "7", "CANARY", 1)), &got, xmlsafe.Limits{})
	require.Equal(t, xmlsafe.CodeValue, code(err))
	require.NotContains(t, err.Error(), "CANARY")
	require.Error(t, errors.Unwrap(err))
	err = xmlsafe.Unmarshal([]byte(`<notice/>`), &got, xmlsafe.Limits{})
	require.Equal(t, xmlsafe.CodeValue, code(err))
	err = xmlsafe.Unmarshal([]byte(document+"<x/>"), &got, xmlsafe.Limits{})
	require.Equal(t, xmlsafe.CodeRoot, code(err))
}

// requireSameReading compares what is accepted with encoding/xml alone, and
// with a second reading after the tokens were written out again.
func requireSameReading(t *testing.T, document []byte) {
	t.Helper()
	expanded, err := tokens(xml.NewTokenDecoder(xmlsafe.NewReader(bytes.NewReader(document), xmlsafe.Limits{})).Token)
	require.NoError(t, err)
	bare := bytes.TrimPrefix(document, []byte("\uFEFF"))
	alone := xml.NewDecoder(bytes.NewReader(bare))
	same, err := tokens(alone.Token)
	require.NoError(t, err)
	require.Equal(t, same, expanded)

	raw, err := tokens(xmlsafe.NewReader(bytes.NewReader(document), xmlsafe.Limits{}).Token)
	require.NoError(t, err)
	again, err := tokens(xml.NewTokenDecoder(xmlsafe.NewReader(strings.NewReader(written(t, raw)), xmlsafe.Limits{Bytes: 1 << 30})).Token)
	require.NoError(t, err)
	require.Equal(t, joinText(expanded), joinText(again))
}

// written is the simplest of writers: names as they were read.
func written(t *testing.T, all []xml.Token) string {
	t.Helper()
	var b bytes.Buffer
	escape := func(text []byte) { require.NoError(t, xml.EscapeText(&b, text)) }
	name := func(n xml.Name) string {
		if n.Space == "" {
			return n.Local
		}
		return n.Space + ":" + n.Local
	}
	depth := 0
	for _, token := range all {
		switch v := token.(type) {
		case xml.StartElement:
			depth++
			b.WriteString("<" + name(v.Name))
			for _, a := range v.Attr {
				b.WriteString(" " + name(a.Name) + `="`)
				escape([]byte(a.Value))
				b.WriteString(`"`)
			}
			b.WriteString(">")
		case xml.EndElement:
			depth--
			b.WriteString("</" + name(v.Name) + ">")
		case xml.CharData:
			if depth == 0 {
				b.Write(v) // blanks, which may not be references here
			} else {
				escape(v)
			}
		case xml.Comment:
			b.WriteString("<!--" + string(v) + "-->")
		case xml.ProcInst:
			b.WriteString("<?" + v.Target + " " + string(v.Inst) + "?>")
		default:
			t.Fatalf("unexpected %T", token)
		}
	}
	return b.String()
}

// joinText makes one text of neighbours: the bounds of CDATA sections are lost
// in writing, and empty texts with them.
func joinText(all []xml.Token) []xml.Token {
	var joined []xml.Token
	for _, token := range all {
		text, ok := token.(xml.CharData)
		if !ok {
			joined = append(joined, token)
			continue
		}
		if len(text) == 0 {
			continue
		}
		if last := len(joined) - 1; last >= 0 {
			if before, ok := joined[last].(xml.CharData); ok {
				joined[last] = append(before.Copy(), text...)
				continue
			}
		}
		joined = append(joined, text)
	}
	return joined
}

func FuzzReader(f *testing.F) {
	for _, document := range accepted() {
		f.Add([]byte(document))
	}
	for _, test := range refused() {
		if len(test.document) < 200 {
			f.Add([]byte(test.document))
		}
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		if err := xmlsafe.Check(document, xmlsafe.Limits{}); err != nil {
			require.NotEmpty(t, code(err))
			return
		}
		requireSameReading(t, document)
	})
}

func BenchmarkReader(b *testing.B) {
	document := []byte(`<?xml version="1.0"?><list xmlns="urn:x">` +
		strings.Repeat(`<item id="1" kind="receipt"><name>è un nome</name><amount>12.34</amount></item>`, 1000) + `</list>`)
	read := func(b *testing.B, next func() (xml.Token, error)) {
		for {
			if _, err := next(); errors.Is(err, io.EOF) {
				return
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("sdk", func(b *testing.B) {
		b.SetBytes(int64(len(document)))
		for b.Loop() {
			read(b, xml.NewTokenDecoder(xmlsafe.NewReader(bytes.NewReader(document), xmlsafe.Limits{})).Token)
		}
	})
	b.Run("floor", func(b *testing.B) {
		b.SetBytes(int64(len(document)))
		for b.Loop() {
			read(b, xml.NewDecoder(bytes.NewReader(document)).Token)
		}
	})
}
