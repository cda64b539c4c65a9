package conformance

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
)

// Declared is an operation that the source says it calls, in a comment of the
// form
//
//	//api:operation GET /path/{parameter}
//
// above the function that calls it.
type Declared struct {
	Operation string // "GET /path/{parameter}"
	Func      string
	At        token.Position
}

var declaration = regexp.MustCompile(`^//api:operation ((?:GET|HEAD|POST|PUT|PATCH|DELETE) /\S*)$`)

// ReadDeclared reads the declarations in the Go files of a folder, tests
// apart. A declaration that is not of the form, or is not above a function, is
// an error.
func ReadDeclared(dir string) ([]Declared, error) {
	names, err := fs.Glob(os.DirFS(dir), "*.go")
	if err != nil {
		return nil, err
	}
	var all []Declared
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := fs.ReadFile(os.DirFS(dir), name)
		if err != nil {
			return nil, err
		}
		found, err := parseDeclared(name, src)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

func parseDeclared(name string, src []byte) ([]Declared, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	owners := make(map[*ast.CommentGroup]string)
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Doc != nil {
			owners[f.Doc] = f.Name.Name
		}
	}
	var found []Declared
	var errs []error
	for _, group := range file.Comments {
		for _, comment := range group.List {
			if !strings.HasPrefix(comment.Text, "//api:") {
				continue
			}
			m, owner := declaration.FindStringSubmatch(comment.Text), owners[group]
			at := fset.Position(comment.Pos())
			if m == nil || owner == "" {
				errs = append(errs, fmt.Errorf("%s: not of the form //api:operation METHOD /path above a function", at))
				continue
			}
			found = append(found, Declared{m[1], owner, at})
		}
	}
	return found, errors.Join(errs...)
}

// CoverageReport compares the operations that are called with those that a
// platform has.
type CoverageReport struct {
	Covered []string
	Missing []string // not deprecated, and not called
	Gone    []string // declared and not in the contract, with the place
}

// Coverage holds declarations against a contract. Others are operations that
// the declared functions call too, such as those of older versions.
func Coverage(c *Contract, declared []Declared, others []string) CoverageReport {
	var r CoverageReport
	called := slices.Clone(others)
	for _, d := range declared {
		called = append(called, d.Operation)
		if c.Operation(d.Operation) == nil {
			r.Gone = append(r.Gone, fmt.Sprintf("%s: %s: %s", d.At, d.Func, d.Operation))
		}
	}
	for _, op := range c.Operations {
		switch name := op.String(); {
		case slices.Contains(called, name):
			r.Covered = append(r.Covered, name)
		case !op.Deprecated:
			r.Missing = append(r.Missing, name)
		}
	}
	return r
}
