package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/pa-italia/sdk-go"

// root is the directory of the root module, as seen from this package.
const root = "../.."

// platforms are the packages that never know each other.
var platforms = []string{"send", "pagopa", "ipa", "pdnd", "spid", "ssu"}

// pkg is what go list says of a package.
type pkg struct {
	ImportPath   string
	Name         string
	Dir          string
	Standard     bool
	Export       string // file with the export data
	GoFiles      []string
	Imports      []string
	Deps         []string // transitive
	TestImports  []string // of tests inside the package
	XTestImports []string // of tests outside it
	Module       *struct{ Path string }
}

// rel is the path of a package of this repository below the root module, and
// false for any other.
func rel(importPath string) (string, bool) {
	if importPath == module {
		return ".", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

func (p pkg) rel() string { r, _ := rel(p.ImportPath); return r }

// inRootModule reports whether the package ships with the root module.
func (p pkg) inRootModule() bool { return p.Module != nil && p.Module.Path == module }

// isStandard reports whether an import path is of the standard library, whose
// first element never has a dot.
func isStandard(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return !strings.Contains(first, ".")
}

// under reports whether a slash-separated path is dir or lies in it.
func under(p, dir string) bool { return p == dir || strings.HasPrefix(p, dir+"/") }

// simulator reports whether a package of the root module is one of the shipped
// *test packages.
func simulator(rel string) bool {
	return !under(rel, "internal") && strings.HasSuffix(path.Base(rel), "test")
}

// program reports whether a package is a command or an example.
func program(rel string) bool { return under(rel, "cmd") || under(rel, "examples") }

// golang runs the go command in a directory below the root.
func golang(dir string, env []string, args ...string) ([]byte, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = filepath.Join(root, dir)
	cmd.Env = append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return out, nil
}

func list(env []string, args ...string) ([]pkg, error) {
	out, err := golang(".", env, append([]string{"list", "-deps",
		"-json=ImportPath,Name,Dir,Standard,Export,GoFiles,Imports,Deps,TestImports,XTestImports,Module"}, args...)...)
	if err != nil {
		return nil, err
	}
	var pkgs []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		switch err := dec.Decode(&p); {
		case errors.Is(err, io.EOF):
			return pkgs, nil
		case err != nil:
			return nil, err
		}
		pkgs = append(pkgs, p)
	}
}

// listed is every package of the workspace with all it depends on, compiled
// for this platform, and what the documents import besides.
var listed = sync.OnceValues(func() (map[string]pkg, error) {
	docs, err := documents()
	if err != nil {
		return nil, err
	}
	pkgs, err := list(nil, append([]string{"-export", "work"}, standardImports(docs)...)...)
	if err != nil {
		return nil, err
	}
	byPath := make(map[string]pkg, len(pkgs))
	for _, p := range pkgs {
		byPath[p.ImportPath] = p
	}
	return byPath, nil
})

func needTree(t *testing.T) map[string]pkg {
	t.Helper()
	needGo(t)
	pkgs, err := listed()
	if err != nil {
		t.Fatal(err)
	}
	return pkgs
}

// needGo skips a test where the compiled test runs on a machine without Go.
func needGo(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs the go command: ", err)
	}
}

// ours are the packages of this repository among those listed, sorted.
func ours(pkgs map[string]pkg) []pkg {
	var out []pkg
	for _, p := range pkgs {
		if _, ok := rel(p.ImportPath); ok {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b pkg) int { return strings.Compare(a.ImportPath, b.ImportPath) })
	return out
}

// newImporter reads compiled packages. One importer gives each type one
// identity.
func newImporter(fset *token.FileSet, pkgs map[string]pkg) types.Importer {
	return importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		p, ok := pkgs[path]
		if !ok || p.Export == "" {
			return nil, fmt.Errorf("no export data for %s", path)
		}
		return os.Open(p.Export)
	})
}

// files are the names of all files of the repository, slash-separated and
// below the root, without what git and editors keep for themselves.
var files = sync.OnceValues(func() ([]string, error) {
	var names []string
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{".git", ".idea", ".vscode", "node_modules"}, d.Name()):
			return fs.SkipDir
		case !d.IsDir():
			names = append(names, name)
		}
		return nil
	})
	return names, err
})

func needFiles(t *testing.T) []string {
	t.Helper()
	names, err := files()
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// report fails a test with all that breaks a rule.
func report(t *testing.T, broken []string) {
	t.Helper()
	for _, line := range broken {
		t.Error(line)
	}
}

// catches fails a test unless a rule finds exactly one thing in each bad case,
// which the text wanted is part of, and nothing in a case that wants "".
func catches(t *testing.T, want string, broken []string) {
	t.Helper()
	switch {
	case want == "" && len(broken) > 0:
		t.Errorf("found %q in what is fine", broken)
	case want != "" && (len(broken) != 1 || !strings.Contains(broken[0], want)):
		t.Errorf("found %q, want one line with %q", broken, want)
	}
}
