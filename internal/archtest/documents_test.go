package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// document is a Markdown file.
type document struct{ name, text string }

// block is a piece of Go in a document.
type block struct {
	doc  string
	line int
	src  string
}

var documents = sync.OnceValues(func() ([]document, error) {
	names, err := files()
	if err != nil {
		return nil, err
	}
	var docs []document
	for _, name := range names {
		if path.Ext(name) != ".md" || strings.Contains(name, "testdata/") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return nil, err
		}
		docs = append(docs, document{name, strings.ReplaceAll(string(data), "\r\n", "\n")})
	}
	return docs, nil
})

func needDocuments(t *testing.T) []document {
	t.Helper()
	docs, err := documents()
	if err != nil {
		t.Fatal(err)
	}
	return docs
}

// goBlocks are the pieces of Go between fences, prose what is outside all
// fences.
func goBlocks(d document) (blocks []block, prose string) {
	var open *block
	fenced := false
	for i, line := range strings.Split(d.text, "\n") {
		fence := strings.TrimSpace(line)
		switch {
		case !fenced && strings.HasPrefix(fence, "```"):
			fenced = true
			if fence == "```go" {
				open = &block{doc: d.name, line: i + 1}
			}
		case fenced && fence == "```":
			if open != nil {
				blocks = append(blocks, *open)
			}
			fenced, open = false, nil
		case open != nil:
			open.src += line + "\n"
		case !fenced:
			prose += line + "\n"
		}
	}
	return blocks, prose
}

// standardImports are the packages of the standard library that the Go of
// documents imports, so that they are at hand compiled.
func standardImports(docs []document) []string {
	var imports []string
	for _, d := range docs {
		blocks, _ := goBlocks(d)
		for _, b := range blocks {
			f, err := parser.ParseFile(token.NewFileSet(), d.name, b.src, parser.ImportsOnly)
			if err != nil {
				continue // reported by TestBlocksCompile
			}
			for _, spec := range f.Imports {
				if p, _ := strconv.Unquote(spec.Path.Value); isStandard(p) {
					imports = append(imports, p)
				}
			}
		}
	}
	slices.Sort(imports)
	return slices.Compact(imports)
}

// checkBlock returns why a piece of Go is not a whole file that compiles.
func checkBlock(b block, fset *token.FileSet, imp types.Importer) []string {
	where := fmt.Sprintf("%s:%d", b.doc, b.line)
	f, err := parser.ParseFile(fset, where, b.src, 0)
	if err != nil {
		return []string{err.Error()}
	}
	if _, err := (&types.Config{Importer: imp}).Check(f.Name.Name, fset, []*ast.File{f}, nil); err != nil {
		return []string{err.Error()}
	}
	return nil
}

func TestBlocksCompile(t *testing.T) {
	fset := token.NewFileSet()
	imp := newImporter(fset, needTree(t))
	inReadme := 0
	for _, d := range needDocuments(t) {
		blocks, _ := goBlocks(d)
		for _, b := range blocks {
			report(t, checkBlock(b, fset, imp))
			if d.name == "README.md" {
				inReadme++
			}
		}
	}
	if inReadme == 0 {
		t.Error("README.md has no Go")
	}
}

func TestBlockRuleCatches(t *testing.T) {
	fset := token.NewFileSet()
	imp := newImporter(fset, needTree(t))
	for src, want := range map[string]string{
		"package main\nimport \"net/http\"\nfunc main() { _ = http.MethodGet }":      "",
		"package main\nfunc main() { x := 1 }":                                       "declared and not used",
		"package main\nimport \"net/http\"\nfunc main() {}":                          "imported and not used",
		"package main\nimport \"" + module + "/pa\"\nfunc main() { _ = pa.UAT }":     "",
		"package main\nimport \"" + module + "/pa\"\nfunc main() { _ = pa.Nowhere }": "undefined: pa.Nowhere",
		"client, err := send.New()":                                                  "expected 'package'",
	} {
		d := document{"x.md", "text\n\n```go\n" + src + "\n```\n\nmore [text](x.md)\n```sh\ngo [x](y)\n```\n"}
		blocks, prose := goBlocks(d)
		if len(blocks) != 1 || blocks[0].line != 3 {
			t.Fatalf("found %+v", blocks)
		}
		if strings.Contains(prose, "go [x](y)") || !strings.Contains(prose, "[text]") {
			t.Fatalf("the prose is %q", prose)
		}
		catches(t, want, checkBlock(blocks[0], fset, imp))
	}
}

// commands are what a reader of README.md is told to type, word for word, and
// what must be there for it.
var commands = map[string]string{
	"go run ./examples/notifica": "examples/notifica/main.go",
	"go test work":               "go.work",
}

// checkCommands returns the commands that a document does not give on a line
// of their own, or that cannot work.
func checkCommands(d document, commands map[string]string, exists func(name string) bool) []string {
	var broken []string
	for command, file := range commands {
		if !slices.Contains(strings.Split(d.text, "\n"), command) {
			broken = append(broken, fmt.Sprintf("%s does not say %q", d.name, command))
		}
		if !exists(file) {
			broken = append(broken, fmt.Sprintf("%s: %q needs %s", d.name, command, file))
		}
	}
	return broken
}

func TestCommands(t *testing.T) {
	names := needFiles(t)
	if !slices.Contains(names, "go.work") {
		t.Skip("no go.work: this is not a clone of the repository")
	}
	for _, d := range needDocuments(t) {
		if d.name == "README.md" {
			report(t, checkCommands(d, commands, func(name string) bool { return slices.Contains(names, name) }))
			return
		}
	}
	t.Error("no README.md")
}

func TestCommandRuleCatches(t *testing.T) {
	commands := map[string]string{"go test work": "go.work"}
	there := func(string) bool { return true }
	catches(t, "", checkCommands(document{"README.md", "Test:\n\ngo test work\n"}, commands, there))
	catches(t, "does not say", checkCommands(document{"README.md", "go test ./...\n"}, commands, there))
	catches(t, "needs go.work", checkCommands(document{"README.md", "go test work\n"}, commands, func(string) bool { return false }))
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// checkLinks returns the links of a document to files that are not there.
func checkLinks(d document, exists func(name string) bool) []string {
	var broken []string
	_, prose := goBlocks(d)
	for _, m := range link.FindAllStringSubmatch(prose, -1) {
		target, _, _ := strings.Cut(m[1], "#")
		if target == "" || strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
			continue
		}
		if name := path.Join(path.Dir(d.name), target); !exists(name) {
			broken = append(broken, fmt.Sprintf("%s: no file %s", d.name, name))
		}
	}
	return broken
}

func TestLinks(t *testing.T) {
	for _, d := range needDocuments(t) {
		report(t, checkLinks(d, func(name string) bool {
			_, err := os.Stat(filepath.Join(root, name))
			return err == nil
		}))
	}
}

func TestLinkRuleCatches(t *testing.T) {
	exists := func(name string) bool { return name == "docs/performance.md" }
	for text, want := range map[string]string{
		"[numbers](../performance.md#upload)":        "",
		"[numbers](performance.md)":                  "no file docs/guides/performance.md",
		"[home](https://example.org/x) [here](#top)": "",
	} {
		catches(t, want, checkLinks(document{"docs/guides/uat.md", text}, exists))
	}
}

// unwanted is text that tells of the machine or the moment at which it was
// written. The expressions do not match themselves.
var unwanted = []struct {
	what string
	expr *regexp.Regexp
}{
	{"work left open", regexp.MustCompile(`(//|/\*|#|<!--)\s*(TO[D]O|FIX[M]E|X[X]X|HA[C]K)\b|\b(TO[D]O|FIX[M]E)\b[:(]`)},
	{"a path of somebody's machine", regexp.MustCompile(`(^|[^\w.])/(home|root|work|Users)/|[A-Z]:\\Users\\`)},
	{"a host of a package registry", regexp.MustCompile(`(proxy|sum)\.golang\.org|goproxy\.\w+|registry\.npmjs\.org|\bpypi\.org|deb\.debian\.org`)},
	{"papers that the reader does not have", regexp.MustCompile(`(?i)\bdossie[r]\b`)},
}

// documentName is the name of a Markdown file in a comment.
var documentName = regexp.MustCompile(`[\w./-]+\.md\b`)

// checkText returns what is unwanted in a text file.
func checkText(name, text string) []string {
	var broken []string
	for i, line := range strings.Split(text, "\n") {
		for _, u := range unwanted {
			if m := u.expr.FindString(line); m != "" {
				broken = append(broken, fmt.Sprintf("%s:%d: %q: %s", name, i+1, strings.TrimSpace(m), u.what))
			}
		}
	}
	return broken
}

// checkMentions returns the documents that the comments of a Go file name and
// the repository does not have.
func checkMentions(name string, f *ast.File, exists func(name string) bool) []string {
	var broken []string
	for _, group := range f.Comments {
		for _, doc := range documentName.FindAllString(group.Text(), -1) {
			if !exists(doc) && !exists(path.Join(path.Dir(name), doc)) {
				broken = append(broken, fmt.Sprintf("%s: no document %s", name, doc))
			}
		}
	}
	return broken
}

func TestTexts(t *testing.T) {
	names := needFiles(t)
	exists := func(name string) bool { return slices.Contains(names, path.Clean(name)) }
	fset := token.NewFileSet()
	checked := 0
	for _, name := range names {
		ext := path.Ext(name)
		script := path.Dir(name) == ".ci"
		if !script && !slices.Contains([]string{".go", ".md", ".yml", ".yaml", ".mod", ".work", ".json"}, ext) {
			continue
		}
		checked++
		text := readFile(t, name)
		report(t, checkText(name, text))
		if ext == ".go" {
			f, err := parser.ParseFile(fset, name, text, parser.ParseComments)
			if err != nil {
				t.Error(err)
				continue
			}
			report(t, checkMentions(name, f, exists))
		}
	}
	if checked < 20 {
		t.Fatalf("only %d files", checked)
	}
}

func TestTextRulesCatch(t *testing.T) {
	for text, want := range map[string]string{
		"nothing of the kind":                "",
		"// " + "TO" + "DO: later":           "work left open",
		"in /ho" + "me/anna/sdk":             "somebody's machine",
		"https://example.org/home/x":         "",
		"the pr" + "oxy.golang.org host":     "package registry",
		"as the " + "Dos" + "sier says, §4":  "papers",
		"two lines\n# FIX" + "ME the second": "x.go:2",
		"context.TO" + "DO is a function":    "",
	} {
		catches(t, want, checkText("x.go", text))
	}
}

func TestMentionRuleCatches(t *testing.T) {
	exists := func(name string) bool { return name == "docs/adr/0001.md" || name == "send/notes.md" }
	for comment, want := range map[string]string{
		"// See docs/adr/0001.md.": "",
		"// See notes.md.":         "",
		"// See plan.md §3.":       "no document plan.md",
	} {
		f, err := parser.ParseFile(token.NewFileSet(), "send/x.go", comment+"\npackage send", parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		catches(t, want, checkMentions("send/x.go", f, exists))
	}
}
