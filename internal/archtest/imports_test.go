package archtest

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
)

// thirdParty says which packages of the root module may import which modules
// of others directly; nil means all. Anything not in it may not be imported.
var thirdParty = map[string][]string{
	"github.com/go-resty/resty/v2":        {"internal/rest"},
	"github.com/golang-jwt/jwt/v5":        {"pdnd", "pdnd/modi"},
	"github.com/beevik/etree":             {"spid", "spid/spidtest"},
	"github.com/russellhaering/goxmldsig": {"spid", "spid/spidtest"},
	"golang.org/x/sync":                   nil,
	"golang.org/x/time":                   nil,
	"golang.org/x/net":                    nil,
}

// testifyModule may be imported by tests, and by nothing else.
const testifyModule = "github.com/stretchr/testify"

// simulatorsUse is what every simulator may import of this repository beside
// the package that it simulates and the packages below that.
var simulatorsUse = []string{"pa", "pa/patest", "fiscal", "internal/sim", "internal/jws", "internal/xmlsafe", "internal/rome"}

// importRule names what one package, in one role, may not depend on.
type importRule struct {
	name  string
	check func(p pkg, bad func(format string, args ...any))
}

var importRules = []importRule{
	{"platforms do not know each other", func(p pkg, bad func(string, ...any)) {
		owner := platformOf(p.rel())
		if owner == "" {
			return
		}
		for _, dep := range slices.Concat(p.Deps, p.TestImports) {
			if r, ok := rel(dep); ok && platformOf(r) != "" && platformOf(r) != owner {
				bad("depends on %s", r)
			}
		}
	}},
	{"pa is x/sync and the standard library", func(p pkg, bad func(string, ...any)) {
		if !under(p.rel(), "pa") {
			return
		}
		for _, dep := range p.Deps {
			if r, ok := rel(dep); ok && under(r, "pa") || under(dep, "golang.org/x/sync") || isStandard(dep) {
				continue
			}
			bad("depends on %s", dep)
		}
	}},
	{"fiscal is the standard library", func(p pkg, bad func(string, ...any)) {
		if !under(p.rel(), "fiscal") {
			return
		}
		for _, dep := range p.Deps {
			if !isStandard(dep) {
				bad("depends on %s", dep)
			}
		}
	}},
	{"internal packages know no platform", func(p pkg, bad func(string, ...any)) {
		if !under(p.rel(), "internal") {
			return
		}
		for _, dep := range slices.Concat(p.Deps, p.TestImports) {
			if r, ok := rel(dep); ok && platformOf(r) != "" {
				bad("depends on %s", r)
			}
		}
	}},
	{"simulators import what they may", func(p pkg, bad func(string, ...any)) {
		if !simulator(p.rel()) {
			return
		}
		parent := path.Dir(p.rel())
		for _, imp := range slices.Concat(p.Imports, without(p.TestImports, testifyModule)) {
			r, ok := rel(imp)
			own := ok && under(r, parent) && !simulator(r)
			if isStandard(imp) || own || slices.Contains(simulatorsUse, r) || slices.Contains(thirdParty[moduleOf(imp)], p.rel()) {
				continue
			}
			bad("imports %s", imp)
		}
	}},
	{"modules of others stay where they belong", func(p pkg, bad func(string, ...any)) {
		tests := without(slices.Concat(p.TestImports, p.XTestImports), testifyModule)
		for _, imp := range slices.Concat(p.Imports, tests) {
			if _, ok := rel(imp); ok || isStandard(imp) {
				continue
			}
			places, known := thirdParty[moduleOf(imp)]
			switch {
			case !known:
				bad("imports %s, which the module does not depend on", imp)
			case places != nil && !slices.Contains(places, p.rel()):
				bad("imports %s, which only %s may", imp, strings.Join(places, " and "))
			}
		}
	}},
	{"simulators and package testing are not linked into clients", func(p pkg, bad func(string, ...any)) {
		if simulator(p.rel()) || program(p.rel()) || p.rel() == "internal/sim" {
			return
		}
		for _, dep := range p.Deps {
			if r, ok := rel(dep); dep == "testing" || ok && (simulator(r) || r == "internal/sim") {
				bad("depends on %s", dep)
			}
		}
	}},
	{"examples use what their readers can", func(p pkg, bad func(string, ...any)) {
		if !under(p.rel(), "examples") {
			return
		}
		for _, imp := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if r, ok := rel(imp); ok && under(r, "internal") {
				bad("imports %s", r)
			}
		}
	}},
}

// everywhere are the rules for the nested modules too.
var everywhere = []importRule{
	{"testify is for tests", func(p pkg, bad func(string, ...any)) {
		for _, dep := range p.Deps {
			if under(dep, testifyModule) {
				bad("depends on %s", dep)
			}
		}
	}},
	{"contrib uses the public API", func(p pkg, bad func(string, ...any)) {
		if !under(p.rel(), "contrib") {
			return
		}
		for _, imp := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if r, ok := rel(imp); ok && under(r, "internal") {
				bad("imports %s", r)
			}
		}
	}},
	{"no unsafe code", func(p pkg, bad func(string, ...any)) {
		for _, imp := range p.Imports {
			if imp == "unsafe" || imp == "C" {
				bad("imports %s", imp)
			}
		}
	}},
}

// platformOf returns the platform that a package belongs to, or "".
func platformOf(rel string) string {
	first, _, _ := strings.Cut(rel, "/")
	if slices.Contains(platforms, first) {
		return first
	}
	return ""
}

// moduleOf returns the module of a third-party import path, as [thirdParty]
// has it, or the path itself.
func moduleOf(importPath string) string {
	for m := range thirdParty {
		if under(importPath, m) {
			return m
		}
	}
	return importPath
}

func without(imports []string, module string) []string {
	return slices.DeleteFunc(slices.Clone(imports), func(imp string) bool { return under(imp, module) })
}

// checkImports returns what breaks the rules among packages of this repository.
func checkImports(pkgs []pkg) []string {
	var broken []string
	for _, p := range pkgs {
		rules := everywhere
		if p.inRootModule() {
			rules = slices.Concat(importRules, everywhere)
		}
		for _, rule := range rules {
			rule.check(p, func(format string, args ...any) {
				broken = append(broken, fmt.Sprintf("%s: %s: %s", rule.name, p.rel(), fmt.Sprintf(format, args...)))
			})
		}
	}
	slices.Sort(broken)
	return slices.Compact(broken)
}

func TestImports(t *testing.T) {
	pkgs := ours(needTree(t))
	if len(pkgs) < 10 {
		t.Fatalf("only %d packages listed", len(pkgs))
	}
	report(t, checkImports(pkgs))
}

// Files that are compiled for other systems only are held to the same rules.
func TestImportsElsewhere(t *testing.T) {
	needGo(t)
	for _, goos := range []string{"windows", "darwin"} {
		t.Run(goos, func(t *testing.T) {
			pkgs, err := list([]string{"GOOS=" + goos, "CGO_ENABLED=0"}, "work")
			if err != nil {
				t.Fatal(err)
			}
			byPath := map[string]pkg{}
			for _, p := range pkgs {
				byPath[p.ImportPath] = p
			}
			report(t, checkImports(ours(byPath)))
		})
	}
}

func TestImportRulesCatch(t *testing.T) {
	const resty, jwt, testify = "github.com/go-resty/resty/v2", "github.com/golang-jwt/jwt/v5", testifyModule + "/require"
	tests := []struct {
		path   string
		nested bool // in a module of its own
		deps   []string
		imps   []string
		test   []string
		xtest  []string
		want   string
	}{
		{path: "send", deps: []string{module + "/pa", module + "/fiscal", resty}},
		{path: "send", deps: []string{module + "/pdnd"}, want: "platforms do not know each other: send: depends on pdnd"},
		{path: "send", deps: []string{module + "/spid/metadata"}, want: "send: depends on spid/metadata"},
		{path: "send/sendtest", deps: []string{module + "/pdnd"}, want: "platforms do not know each other: send/sendtest"},
		{path: "pagopa/pafornode", test: []string{module + "/send"}, want: "platforms do not know each other: pagopa/pafornode"},
		{path: "send", xtest: []string{module + "/pdnd/pdndtest"}},
		{path: "pa", deps: []string{"golang.org/x/sync/singleflight", "net/http"}},
		{path: "pa", deps: []string{"golang.org/x/time/rate"}, want: "pa is x/sync"},
		{path: "pa", deps: []string{module + "/fiscal"}, want: "pa is x/sync"},
		{path: "fiscal", deps: []string{"golang.org/x/sync/errgroup"}, want: "fiscal is the standard library"},
		{path: "internal/rest", imps: []string{resty}, deps: []string{resty}},
		{path: "internal/sim", deps: []string{module + "/send"}, want: "internal packages know no platform"},
		{path: "internal/jws", test: []string{module + "/pdnd"}, want: "internal packages know no platform"},
		{path: "internal/conformance", nested: true, deps: []string{module + "/send"}},
		{path: "send/sendtest", imps: []string{module + "/send", module + "/pa/patest", module + "/internal/sim", "net/http"}},
		{path: "pagopa/pagopatest", imps: []string{module + "/pagopa/pafornode"}},
		{path: "spid/spidtest", imps: []string{"github.com/beevik/etree"}},
		{path: "send/sendtest", imps: []string{module + "/internal/rest"}, want: "simulators import what they may"},
		{path: "send/sendtest", imps: []string{"golang.org/x/sync/errgroup"}, want: "simulators import what they may"},
		{path: "send/sendtest", test: []string{testify}},
		{path: "send", imps: []string{resty}, want: "only internal/rest may"},
		{path: "send", xtest: []string{jwt}, want: "only pdnd and pdnd/modi may"},
		{path: "pdnd", imps: []string{jwt}},
		{path: "send", imps: []string{"github.com/google/uuid"}, want: "does not depend on"},
		{path: "send", deps: []string{module + "/send/sendtest"}, want: "not linked into clients"},
		{path: "internal/rest", deps: []string{"testing"}, want: "not linked into clients"},
		{path: "cmd/pasandbox", deps: []string{module + "/send/sendtest", "testing"}},
		{path: "examples/notifica", imps: []string{module + "/internal/rome"}, want: "examples use what their readers can"},
		{path: "send", deps: []string{testify}, want: "testify is for tests"},
		{path: "contrib/paotel", nested: true, deps: []string{testify}, want: "testify is for tests"},
		{path: "contrib/paotel", nested: true, imps: []string{module + "/internal/rest"}, want: "contrib uses the public API"},
		{path: "contrib/paotel", nested: true, xtest: []string{module + "/internal/sim"}, want: "contrib uses the public API"},
		{path: "internal/xmlsafe", imps: []string{"unsafe"}, want: "no unsafe code"},
	}
	for _, tt := range tests {
		t.Run(tt.path+" "+tt.want, func(t *testing.T) {
			p := pkg{ImportPath: module + "/" + tt.path, Imports: tt.imps, Deps: tt.deps, TestImports: tt.test, XTestImports: tt.xtest}
			p.Module = &struct{ Path string }{module}
			if tt.nested {
				p.Module.Path = p.ImportPath
			}
			catches(t, tt.want, checkImports([]pkg{p}))
		})
	}

	// What breaks more than one rule is reported under each.
	p := pkg{ImportPath: module + "/send/sendtest", Imports: []string{jwt, module + "/pdnd/pdndtest"}, Module: &struct{ Path string }{module}}
	if got := checkImports([]pkg{p}); len(got) != 3 {
		t.Errorf("found %q, want three lines", got)
	}
}
