package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"slices"
	"testing"
)

// private are the places whose types are a detail of ours: the libraries that
// could be replaced by others, and what users cannot import.
var private = []string{
	"github.com/go-resty/resty/v2", "github.com/golang-jwt/jwt/v5", "github.com/beevik/etree",
	"github.com/russellhaering/goxmldsig", testifyModule, module + "/internal",
}

// exposed walks what the users of a package can see and returns the foreign
// types among it. It goes on into types of this repository, wherever they are
// declared, and stops at those of others.
type exposed struct {
	private func(*types.Package) bool
	ours    func(*types.Package) bool
	seen    map[types.Type]bool
	found   []string
}

func (e *exposed) object(obj types.Object) {
	e.walk(obj.Type(), obj.Name())
}

func (e *exposed) walk(t types.Type, at string) {
	switch t := t.(type) {
	case *types.Alias:
		e.named(t.Obj(), t.TypeArgs(), at)
		e.walk(t.Rhs(), at)
	case *types.Named:
		e.named(t.Obj(), t.TypeArgs(), at)
		if e.seen[t] || !e.ours(t.Obj().Pkg()) {
			return
		}
		e.seen[t] = true
		for m := range t.Methods() {
			if m.Exported() {
				e.walk(m.Type(), at+"."+m.Name())
			}
		}
		for p := range t.TypeParams().TypeParams() {
			e.walk(p.Constraint(), at)
		}
		e.walk(t.Underlying(), at)
	case *types.Pointer:
		e.walk(t.Elem(), at)
	case *types.Slice:
		e.walk(t.Elem(), at)
	case *types.Array:
		e.walk(t.Elem(), at)
	case *types.Chan:
		e.walk(t.Elem(), at)
	case *types.Map:
		e.walk(t.Key(), at)
		e.walk(t.Elem(), at)
	case *types.Signature:
		for p := range t.TypeParams().TypeParams() {
			e.walk(p.Constraint(), at)
		}
		for v := range t.Params().Variables() {
			e.walk(v.Type(), at)
		}
		for v := range t.Results().Variables() {
			e.walk(v.Type(), at)
		}
	case *types.Struct:
		for f := range t.Fields() {
			if f.Exported() || f.Embedded() {
				e.walk(f.Type(), at+"."+f.Name())
			}
		}
	case *types.Interface:
		for m := range t.Methods() {
			e.walk(m.Type(), at+"."+m.Name())
		}
		for et := range t.EmbeddedTypes() {
			e.walk(et, at)
		}
	case *types.Union:
		for term := range t.Terms() {
			e.walk(term.Type(), at)
		}
	}
}

func (e *exposed) named(obj *types.TypeName, args *types.TypeList, at string) {
	if e.private(obj.Pkg()) {
		e.found = append(e.found, fmt.Sprintf("%s shows %s.%s", at, obj.Pkg().Path(), obj.Name()))
	}
	for t := range args.Types() {
		e.walk(t, at)
	}
}

// checkSignatures returns the private types that a package shows.
func checkSignatures(p *types.Package, private func(*types.Package) bool) []string {
	e := &exposed{
		private: func(p *types.Package) bool { return p != nil && private(p) },
		ours: func(q *types.Package) bool {
			if q == nil {
				return false
			}
			_, ok := rel(q.Path())
			return ok || q == p
		},
		seen: map[types.Type]bool{},
	}
	for _, name := range p.Scope().Names() {
		if ast.IsExported(name) {
			e.object(p.Scope().Lookup(name))
		}
	}
	slices.Sort(e.found)
	return slices.Compact(e.found)
}

func TestSignatures(t *testing.T) {
	pkgs := needTree(t)
	imp := newImporter(token.NewFileSet(), pkgs)
	checked := 0
	for _, p := range ours(pkgs) {
		if p.Name == "main" || under(p.rel(), "internal") {
			continue
		}
		typed, err := imp.Import(p.ImportPath)
		if err != nil {
			t.Fatal(err)
		}
		checked++
		for _, line := range checkSignatures(typed, func(q *types.Package) bool {
			return slices.ContainsFunc(private, func(m string) bool { return under(q.Path(), m) })
		}) {
			t.Errorf("%s: %s", p.rel(), line)
		}
	}
	if checked < 3 {
		t.Fatalf("only %d public packages", checked)
	}
}

func TestSignatureRuleCatches(t *testing.T) {
	tests := []struct{ decl, want string }{
		{"func F(*big.Int) {}", "F shows math/big.Int"},
		{"func F() (n int, l []*big.Int) { return }", "F shows math/big.Int"},
		{"func F[T interface{ *big.Int | int }](T) {}", "F shows math/big.Int"},
		{"type T struct{ N map[string]big.Int }", "T.N shows"},
		{"type T struct{ *big.Int }", "T.Int shows"},
		{"type T struct{ hidden }; type hidden struct{ N big.Int }", "T.hidden.N shows"},
		{"type T struct{}; func (T) M(chan big.Int) {}", "T.M shows"},
		{"type T interface{ M(big.Int) }", "T.M shows"},
		{"type T = big.Int", "T shows"},
		{"type T[P any] struct{ v P }; var V T[big.Int]", "V shows"},
		{"var V func(big.Int)", "V shows"},
		{"func F() hidden { return hidden{} }; type hidden struct{}; func (hidden) M() (n big.Int) { return }", "F.M shows"},
		{"type T struct{ n big.Int }", ""},
		{"type t struct{ N big.Int }", ""},
		{"type T struct{}; func (T) m(big.Int) {}", ""},
	}
	fset := token.NewFileSet()
	imp := newImporter(fset, needTree(t))
	for _, tt := range tests {
		t.Run(tt.decl, func(t *testing.T) {
			f, err := parser.ParseFile(fset, "p.go", "package p; import \"math/big\"; var _ big.Int; "+tt.decl, 0)
			if err != nil {
				t.Fatal(err)
			}
			p, err := (&types.Config{Importer: imp}).Check("p", fset, []*ast.File{f}, nil)
			if err != nil {
				t.Fatal(err)
			}
			catches(t, tt.want, checkSignatures(p, func(q *types.Package) bool { return q.Path() == "math/big" }))
		})
	}
}
