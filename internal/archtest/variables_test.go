package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// stateful are the package-level variables that look like state to the rule,
// like internal/rome.zone, each with the reason why they are none.
var stateful = map[string]string{}

// checkVariables returns the package-level variables through which a package
// could have state: those that are written somewhere, those whose type is made
// for sharing, and those that others can write because they are exported. An
// error is exempt from the last: sentinels are exported to be compared.
func checkVariables(fset *token.FileSet, p *types.Package, info *types.Info, files []*ast.File) []string {
	found := map[*types.Var]string{}
	note := func(v *types.Var, format string, args ...any) {
		if _, ok := found[v]; !ok {
			found[v] = fmt.Sprintf(format, args...)
		}
	}
	errorType := types.Universe.Lookup("error").Type().Underlying().(*types.Interface)
	for _, name := range p.Scope().Names() {
		v, ok := p.Scope().Lookup(name).(*types.Var)
		if !ok {
			continue
		}
		if shared := sharedState(v.Type(), map[types.Type]bool{}); shared != "" {
			note(v, "holds a %s", shared)
		}
		if v.Exported() && p.Name() != "main" && !types.Implements(v.Type(), errorType) {
			note(v, "is exported and no error: others can change it")
		}
	}

	// packageVar is the package-level variable, of any package, that an
	// expression reaches into.
	packageVar := func(e ast.Expr) *types.Var {
		for {
			switch x := e.(type) {
			case *ast.ParenExpr:
				e = x.X
			case *ast.StarExpr:
				e = x.X
			case *ast.IndexExpr:
				e = x.X
			case *ast.SelectorExpr:
				if v, ok := info.Uses[x.Sel].(*types.Var); ok && !v.IsField() {
					return v // pkg.Var
				}
				e = x.X
			case *ast.Ident:
				v, ok := info.Uses[x].(*types.Var)
				if !ok || v.Pkg() == nil || v.Parent() != v.Pkg().Scope() {
					return nil
				}
				return v
			default:
				return nil
			}
		}
	}
	written := func(e ast.Expr, pos token.Pos) {
		if v := packageVar(e); v != nil {
			note(v, "is written at %s", fset.Position(pos))
		}
	}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for _, lhs := range n.Lhs {
					written(lhs, n.Pos())
				}
			case *ast.IncDecStmt:
				written(n.X, n.Pos())
			case *ast.RangeStmt:
				if n.Tok == token.ASSIGN {
					written(n.Key, n.Pos())
					written(n.Value, n.Pos())
				}
			case *ast.UnaryExpr:
				if n.Op == token.AND {
					written(n.X, n.Pos())
				}
			case *ast.CallExpr:
				switch fun := n.Fun.(type) {
				case *ast.Ident:
					if b, ok := info.Uses[fun].(*types.Builtin); ok && slices.Contains([]string{"delete", "clear", "copy"}, b.Name()) {
						written(n.Args[0], n.Pos())
					}
				case *ast.SelectorExpr:
					// A method with a pointer receiver, called on a variable,
					// can change it.
					sel := info.Selections[fun]
					if sel == nil || sel.Kind() != types.MethodVal {
						break
					}
					_, toPointer := sel.Obj().(*types.Func).Signature().Recv().Type().(*types.Pointer)
					_, isPointer := sel.Recv().Underlying().(*types.Pointer)
					if toPointer && !isPointer {
						written(fun.X, n.Pos())
					}
				}
			}
			return true
		})
	}

	var broken []string
	for v, why := range found {
		broken = append(broken, fmt.Sprintf("%s.%s %s", v.Pkg().Path(), v.Name(), why))
	}
	slices.Sort(broken)
	return broken
}

// sharedState names the part of a type that is made to be changed by several.
// It looks into types of this repository and takes others at their name.
func sharedState(t types.Type, seen map[types.Type]bool) string {
	if seen[t] {
		return ""
	}
	seen[t] = true
	switch t := types.Unalias(t).(type) {
	case *types.Named:
		if p := t.Obj().Pkg(); p != nil {
			if p.Path() == "sync" || p.Path() == "sync/atomic" {
				return p.Name() + "." + t.Obj().Name()
			}
			if isStandard(p.Path()) {
				return ""
			}
		}
		return sharedState(t.Underlying(), seen)
	case *types.Pointer:
		return sharedState(t.Elem(), seen)
	case *types.Slice:
		return sharedState(t.Elem(), seen)
	case *types.Array:
		return sharedState(t.Elem(), seen)
	case *types.Map:
		return sharedState(t.Elem(), seen)
	case *types.Chan:
		return "channel"
	case *types.Struct:
		for f := range t.Fields() {
			if s := sharedState(f.Type(), seen); s != "" {
				return s
			}
		}
	}
	return ""
}

// newInfo has room for what the rules ask of the type checker.
func newInfo() *types.Info {
	return &types.Info{Uses: map[*ast.Ident]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{}}
}

func TestVariables(t *testing.T) {
	pkgs := needTree(t)
	fset := token.NewFileSet()
	imp := newImporter(fset, pkgs)
	excused := map[string]bool{}
	for _, p := range ours(pkgs) {
		var files []*ast.File
		for _, name := range p.GoFiles {
			f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, f)
		}
		info := newInfo()
		typed, err := (&types.Config{Importer: imp}).Check(p.ImportPath, fset, files, info)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range checkVariables(fset, typed, info, files) {
			name, _, _ := strings.Cut(line, " ")
			name = strings.TrimPrefix(name, module+"/")
			if _, ok := stateful[name]; ok {
				excused[name] = true
				continue
			}
			t.Error(line)
		}
	}
	for name, reason := range stateful {
		if !excused[name] {
			t.Errorf("%s needs no excuse (%s)", name, reason)
		}
	}
}

func TestVariableRulesCatch(t *testing.T) {
	tests := []struct{ src, want string }{
		{`var n int; func f() { n = 1 }`, "p.n is written"},
		{`var n int; func f() { n++ }`, "p.n is written"},
		{`var m = map[string]int{}; func f() { m["a"] = 1 }`, "p.m is written"},
		{`var m = map[string]int{}; func f() { delete(m, "a") }`, "p.m is written"},
		{`var s struct{ n int }; func f() { s.n = 1 }`, "p.s is written"},
		{`var s = &struct{ n int }{}; func f() { s.n = 1 }`, "p.s is written"},
		{`var s = new(int); func f() { *s = 1 }`, "p.s is written"},
		{`var l []int; func f() { l = append(l, 1) }`, "p.l is written"},
		{`var l [3]int; func f() { for l[0] = range 3 {} }`, "p.l is written"},
		{`var n int; func f() *int { return &n }`, "p.n is written"},
		{`var b bytes.Buffer; func f() { b.WriteByte(0) }; var _ = bytes.Equal`, "p.b is written"},
		{`func f() { os.Args = nil }`, "os.Args is written"},
		{`var mu sync.Mutex`, "p.mu holds a sync.Mutex"},
		{`var c = &cache{}; type cache struct{ mu sync.RWMutex }`, "p.c holds a sync.RWMutex"},
		{`var n atomic.Int64`, "p.n holds a atomic.Int64"},
		{`var c = make(chan int)`, "p.c holds a channel"},
		{`var Table = map[string]int{}`, "p.Table is exported"},
		{`var ErrGone = errors.New("gone")`, ""},
		{`var table = map[string]int{"a": 1}; func f() int { return table["a"] }`, ""},
		{`var re = regexp.MustCompile("a"); func f() bool { return re.MatchString("a") }`, ""},
		{`var once = sync.OnceValue(func() int { return 1 }); func f() int { return once() }`, ""},
		{`var n int; func f() { n := 1; n++; _ = n }`, ""},
		{`type t struct{ n int }; func (v *t) set() { v.n = 1 }; func f() { var v t; v.set() }`, ""},
	}
	fset := token.NewFileSet()
	imp := newImporter(fset, needTree(t))
	for _, tt := range tests {
		t.Run(tt.src, func(t *testing.T) {
			const head = `package p; import ("bytes"; "errors"; "os"; "regexp"; "sync"; "sync/atomic"); ` +
				`var (_ bytes.Reader; _ = errors.Is; _ = os.Open; _ regexp.Regexp; _ sync.Locker; _ atomic.Bool); `
			f, err := parser.ParseFile(fset, "p.go", head+tt.src, 0)
			if err != nil {
				t.Fatal(err)
			}
			info := newInfo()
			p, err := (&types.Config{Importer: imp}).Check(module+"/p", fset, []*ast.File{f}, info)
			if err != nil {
				t.Fatal(err)
			}
			catches(t, tt.want, checkVariables(fset, p, info, []*ast.File{f}))
		})
	}
}
