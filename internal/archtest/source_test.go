package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// call is a function or variable of the standard library that shipped code
// does not use, unless some condition on the place holds.
type call struct {
	path    string
	names   []string // nil means the whole package
	allowed func(place) bool
	instead string
}

// place is where in a file something is used.
type place struct {
	program  bool   // package main
	function string // the enclosing function, "" at package level
}

func inProgram(p place) bool { return p.program }
func fromEnv(p place) bool   { return p.program || strings.HasSuffix(p.function, "FromEnv") }
func nowhere(place) bool     { return false }

var calls = []call{
	{"time", []string{"Sleep"}, nowhere, "wait for a timer or the context"},
	{"net/http", []string{"DefaultClient", "Get", "Head", "Post", "PostForm"}, nowhere, "use the client's own transport"},
	{"context", []string{"Background", "TODO"}, inProgram, "take the caller's context"},
	{"fmt", []string{"Print", "Printf", "Println"}, inProgram, "return it or log it"},
	{"log", []string{"Default", "Print", "Printf", "Println", "Fatal", "Fatalf", "Fatalln", "Panic", "Panicf", "Panicln"}, inProgram, "use the caller's logger"},
	{"log/slog", []string{"Default", "SetDefault", "Debug", "Info", "Warn", "Error", "Log", "LogAttrs",
		"DebugContext", "InfoContext", "WarnContext", "ErrorContext"}, inProgram, "use the caller's logger"},
	{"os", []string{"Getenv", "LookupEnv", "Environ", "ExpandEnv"}, fromEnv, "read it in a function named …FromEnv"},
	{"os", []string{"Exit"}, inProgram, "return an error"},
	{"os/signal", nil, inProgram, "end with the context"},
	{"flag", nil, inProgram, "take a Config"},
}

// checkSource returns what shipped code in a file does that it may not. Tests
// are not shipped.
func checkSource(f *ast.File) []string {
	var broken []string
	imports := map[string]string{}
	for _, spec := range f.Imports {
		p, _ := strconv.Unquote(spec.Path.Value) // the parser has checked it
		name := path.Base(p)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		imports[name] = p
	}
	at := place{program: f.Name.Name == "main"}
	inspect := func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if !ok || x.Obj != nil { // a variable, not a package
				return true
			}
			for _, c := range calls {
				if imports[x.Name] == c.path && (c.names == nil || slices.Contains(c.names, n.Sel.Name)) && !c.allowed(at) {
					broken = append(broken, fmt.Sprintf("%s.%s: %s", c.path, n.Sel.Name, c.instead))
				}
			}
		case *ast.CallExpr:
			if id, ok := n.Fun.(*ast.Ident); ok && id.Obj == nil && (id.Name == "print" || id.Name == "println") {
				broken = append(broken, "built-in "+id.Name+": return it or log it")
			}
		case *ast.KeyValueExpr:
			if id, ok := n.Key.(*ast.Ident); ok && id.Name == "InsecureSkipVerify" {
				broken = append(broken, "InsecureSkipVerify: give the roots to trust")
			}
		}
		return true
	}
	for _, decl := range f.Decls {
		at.function = ""
		if fn, ok := decl.(*ast.FuncDecl); ok {
			at.function = fn.Name.Name
			if fn.Recv == nil && fn.Name.Name == "init" {
				broken = append(broken, "func init: work at import time")
			}
		}
		ast.Inspect(decl, inspect)
	}
	return broken
}

func TestSource(t *testing.T) {
	fset := token.NewFileSet()
	checked := 0
	for _, name := range needFiles(t) {
		if path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || strings.Contains(name, "testdata/") {
			continue
		}
		f, err := parser.ParseFile(fset, filepath.Join(root, name), nil, 0)
		if err != nil {
			t.Error(err)
			continue
		}
		checked++
		for _, line := range checkSource(f) {
			t.Errorf("%s: %s", name, line)
		}
	}
	if checked < 10 {
		t.Fatalf("only %d files", checked)
	}
}

func TestSourceRulesCatch(t *testing.T) {
	tests := []struct{ src, want string }{
		{`package p; func init() {}`, "func init"},
		{`package p; type T int; func (T) init() {}`, ""},
		{`package p; import "time"; func f() { time.Sleep(1) }`, "time.Sleep"},
		{`package p; import clock "time"; func f() { clock.Sleep(1) }`, "time.Sleep"},
		{`package main; import "time"; func main() { time.Sleep(1) }`, "time.Sleep"},
		{`package p; type T struct{ Sleep func() }; func f(time T) { time.Sleep() }`, ""},
		{`package p; import "net/http"; var c = http.DefaultClient`, "net/http.DefaultClient"},
		{`package p; import "net/http"; func f() { http.Get("") }`, "net/http.Get"},
		{`package p; import "net/http"; const m = http.MethodGet`, ""},
		{`package p; import "context"; var c = context.Background()`, "context.Background"},
		{`package main; import "context"; func main() { context.Background() }`, ""},
		{`package p; import "fmt"; func f() { fmt.Println() }`, "fmt.Println"},
		{`package main; import "fmt"; func main() { fmt.Println() }`, ""},
		{`package p; import "fmt"; func f() { fmt.Sprint() }`, ""},
		{`package p; func f() { println() }`, "built-in println"},
		{`package p; import "log/slog"; func f() { slog.Info("") }`, "log/slog.Info"},
		{`package p; import "log"; func f() { log.Fatal() }`, "log.Fatal"},
		{`package p; import "os"; func f() { os.Getenv("") }`, "os.Getenv"},
		{`package p; import "os"; var home = os.Getenv("")`, "os.Getenv"},
		{`package p; import "os"; func ConfigFromEnv() { os.Getenv("") }`, ""},
		{`package main; import "os"; func main() { os.Getenv("") }`, ""},
		{`package p; import "os"; func f() { os.Exit(1) }`, "os.Exit"},
		{`package p; import "flag"; func f() { flag.Parse() }`, "flag.Parse"},
		{`package p; import "crypto/tls"; var c = tls.Config{InsecureSkipVerify: true}`, "InsecureSkipVerify"},
	}
	for _, tt := range tests {
		t.Run(tt.src, func(t *testing.T) {
			f, err := parser.ParseFile(token.NewFileSet(), "p.go", tt.src, 0)
			if err != nil {
				t.Fatal(err)
			}
			catches(t, tt.want, checkSource(f))
		})
	}
}

// vague are the names of files that say nothing of what is in them.
var vague = []string{"types", "util", "utils", "helper", "helpers", "common", "misc", "model", "models", "shared", "base"}

// reserved are the names that Windows keeps for its devices, with any extension.
var reserved = []string{"con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "lpt1", "lpt2", "lpt3", "lpt4"}

// checkFileNames returns the files that are named after nothing, or that some
// system cannot hold.
func checkFileNames(names []string) []string {
	var broken []string
	folded := map[string]string{}
	for _, name := range names {
		stem, _, _ := strings.Cut(path.Base(name), ".")
		if path.Ext(name) == ".go" && slices.Contains(vague, strings.TrimSuffix(stem, "_test")) {
			broken = append(broken, name+": name it after what it holds")
		}
		if other, ok := folded[strings.ToLower(name)]; ok {
			broken = append(broken, fmt.Sprintf("%s and %s are one file on some systems", other, name))
		}
		folded[strings.ToLower(name)] = name
		for part := range strings.SplitSeq(name, "/") {
			stem, _, _ := strings.Cut(strings.ToLower(part), ".")
			if slices.Contains(reserved, stem) || strings.ContainsAny(part, `<>:"\|?*`) || strings.HasSuffix(part, ".") || strings.HasSuffix(part, " ") {
				broken = append(broken, name+": not a name on Windows")
			}
		}
	}
	return broken
}

func TestFileNames(t *testing.T) { report(t, checkFileNames(needFiles(t))) }

func TestFileNameRulesCatch(t *testing.T) {
	for want, names := range map[string][]string{
		"":                     {"send/streams.go", "send/streams_test.go", "docs/types.md", "send/prices.go"},
		"send/types.go":        {"send/types.go"},
		"pa/helpers_test.go":   {"pa/helpers_test.go"},
		"are one file":         {"docs/Guide.md", "docs/guide.md"},
		"testdata/aux.json":    {"send/testdata/aux.json"},
		"a:b":                  {"send/testdata/a:b"},
		"testdata/con/x.json:": {"send/testdata/con/x.json"},
	} {
		t.Run(want, func(t *testing.T) { catches(t, want, checkFileNames(names)) })
	}
}

// checkPackageDoc returns what is wrong with the package comment of a
// package, given by its files without tests. A library has it in doc.go.
func checkPackageDoc(files map[string]*ast.File) []string {
	for name, f := range files {
		if f.Name.Name == "main" {
			if f.Doc != nil {
				return nil
			}
			continue
		}
		if path.Base(name) == "doc.go" {
			if f.Doc == nil || !strings.HasPrefix(f.Doc.Text(), "Package "+f.Name.Name+" ") {
				return []string{"doc.go does not begin with \"Package " + f.Name.Name + "\""}
			}
			return nil
		}
	}
	for _, f := range files {
		if f.Name.Name == "main" {
			return []string{"no file has a package comment"}
		}
	}
	return []string{"no doc.go"}
}

func TestPackageDocs(t *testing.T) {
	fset := token.NewFileSet()
	dirs := map[string]map[string]*ast.File{}
	for _, name := range needFiles(t) {
		if path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || strings.Contains(name, "testdata/") {
			continue
		}
		f, err := parser.ParseFile(fset, filepath.Join(root, name), nil, parser.ParseComments|parser.PackageClauseOnly)
		if err != nil {
			t.Error(err)
			continue
		}
		if dirs[path.Dir(name)] == nil {
			dirs[path.Dir(name)] = map[string]*ast.File{}
		}
		dirs[path.Dir(name)][name] = f
	}
	for dir, files := range dirs {
		for _, line := range checkPackageDoc(files) {
			t.Errorf("%s: %s", dir, line)
		}
	}
}

func TestPackageDocRuleCatches(t *testing.T) {
	tests := []struct {
		files map[string]string
		want  string
	}{
		{map[string]string{"p/doc.go": "// Package p is.\npackage p", "p/a.go": "package p"}, ""},
		{map[string]string{"p/a.go": "// Package p is.\npackage p"}, "no doc.go"},
		{map[string]string{"p/doc.go": "package p"}, "does not begin"},
		{map[string]string{"p/doc.go": "// This package is.\npackage p"}, "does not begin"},
		{map[string]string{"c/main.go": "// Notifica does.\npackage main", "c/run.go": "package main"}, ""},
		{map[string]string{"c/main.go": "package main"}, "no file has"},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) {
			files := map[string]*ast.File{}
			for name, src := range tt.files {
				f, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ParseComments)
				if err != nil {
					t.Fatal(err)
				}
				files[name] = f
			}
			catches(t, tt.want, checkPackageDoc(files))
		})
	}
}

// readFile returns a file of the repository.
func readFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
