package fiscal_test

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/fiscal"
)

// declaredCodes reads the constants from the source, so that a new code
// without texts fails here.
func declaredCodes(t *testing.T) []fiscal.Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "errors.go", nil, 0)
	require.NoError(t, err)
	var codes []fiscal.Code
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "Code") {
			return true
		}
		literal := spec.Values[0].(*ast.BasicLit)
		codes = append(codes, fiscal.Code(constant.StringVal(constant.MakeFromLiteral(literal.Value, token.STRING, 0))))
		return true
	})
	return codes
}

func TestEveryCodeHasTexts(t *testing.T) {
	codes := declaredCodes(t)
	require.NotEmpty(t, codes)
	seen := map[string]fiscal.Code{}
	for _, code := range codes {
		e := &fiscal.Error{Code: code}
		for _, lang := range []string{"it", "en"} {
			text := e.Message(lang)
			require.NotEqual(t, string(code), text, "no text in %s", lang)
			require.Empty(t, seen[text], "%s", code)
			seen[text] = code
		}
		require.Equal(t, e.Message("en"), e.Message("de"))
		require.Equal(t, "fiscal: "+e.Message("en"), e.Error())
	}
	require.Equal(t, "unheard_of", (&fiscal.Error{Code: "unheard_of"}).Message("it"))
}

func TestMessagePosition(t *testing.T) {
	e := &fiscal.Error{Code: fiscal.CodeVATCharacter, Position: 7}
	require.True(t, strings.HasSuffix(e.Message("it"), "(carattere 7)"))
	require.True(t, strings.HasSuffix(e.Message("en"), "(character 7)"))
}
