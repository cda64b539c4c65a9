package archtest

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
)

// goVersion is what every module and the workspace ask for: with the patch
// number, so that a go command never looks for another toolchain.
const goVersion = "1.26.0"

// graphLimit is how many modules there may be in the graph of the root module,
// itself among them: what a user's scanners list.
const graphLimit = 28

// outsideWorkspace are the modules that the workspace leaves out.
var outsideWorkspace = []string{"internal/peers"}

// modFile is what go mod edit -json prints.
type modFile struct {
	Module    struct{ Path string }
	Go        string
	Toolchain string
	Require   []struct {
		Path, Version string
		Indirect      bool
	}
	Replace []struct {
		Old, New struct{ Path, Version string }
	}
}

// checkModFile returns what is wrong with the go.mod file in a directory.
func checkModFile(dir string, m modFile) []string {
	var broken []string
	bad := func(format string, args ...any) {
		broken = append(broken, path.Join(dir, "go.mod")+": "+fmt.Sprintf(format, args...))
	}
	if want := path.Join(module, dir); m.Module.Path != want {
		bad("the module is called %s, not %s", m.Module.Path, want)
	}
	if m.Go != goVersion || m.Toolchain != "" {
		bad("go %s, toolchain %q: want go %s and no toolchain", m.Go, m.Toolchain, goVersion)
	}
	for _, r := range m.Require {
		r2, own := rel(r.Path)
		switch {
		case dir == "." && !r.Indirect && r.Path != testifyModule && !slices.Contains(thirdPartyModules(), r.Path):
			bad("requires %s, which is not one of the modules decided on", r.Path)
		case own && r.Version != "v0.0.0":
			bad("requires %s %s: before the first tag it is v0.0.0", r2, r.Version)
		case own && !slices.ContainsFunc(m.Replace, func(x struct {
			Old, New struct{ Path, Version string }
		}) bool {
			return x.Old.Path == r.Path && path.Join(dir, x.New.Path) == r2
		}):
			bad("requires %s without replacing it by its directory", r2)
		}
	}
	for _, r := range m.Replace {
		if _, own := rel(r.Old.Path); !own || dir == "." {
			bad("replaces %s: go install would refuse it", r.Old.Path)
		}
	}
	return broken
}

func thirdPartyModules() []string {
	var all []string
	for m := range thirdParty {
		all = append(all, m)
	}
	return all
}

// moduleDirs are the directories of all go.mod files.
func moduleDirs(names []string) []string {
	var dirs []string
	for _, name := range names {
		if path.Base(name) == "go.mod" && !strings.Contains(name, "testdata/") {
			dirs = append(dirs, path.Dir(name))
		}
	}
	return dirs
}

func TestModFiles(t *testing.T) {
	needGo(t)
	for _, dir := range moduleDirs(needFiles(t)) {
		out, err := golang(dir, nil, "mod", "edit", "-json")
		if err != nil {
			t.Error(err)
			continue
		}
		var m modFile
		if err := json.Unmarshal(out, &m); err != nil {
			t.Fatal(err)
		}
		report(t, checkModFile(dir, m))
	}
}

func TestModFileRulesCatch(t *testing.T) {
	const own = `{"Path":"` + module + `","Version":"v0.0.0"}`
	replaced := func(by string) string {
		return `"Replace":[{"Old":{"Path":"` + module + `"},"New":{"Path":"` + by + `"}}]`
	}
	tests := []struct{ dir, json, want string }{
		{".", `{"Module":{"Path":"` + module + `"},"Go":"1.26.0","Require":[{"Path":"golang.org/x/sync","Version":"v0.24.0"}]}`, ""},
		{".", `{"Module":{"Path":"` + module + `"},"Go":"1.26"}`, "go 1.26, toolchain"},
		{".", `{"Module":{"Path":"` + module + `"},"Go":"1.26.0","Toolchain":"go1.26.8"}`, "toolchain \"go1.26.8\""},
		{".", `{"Module":{"Path":"` + module + `/v2"},"Go":"1.26.0"}`, "is called"},
		{".", `{"Module":{"Path":"` + module + `"},"Go":"1.26.0","Require":[{"Path":"github.com/google/uuid","Version":"v1.6.0"}]}`, "not one of the modules decided on"},
		{".", `{"Module":{"Path":"` + module + `"},"Go":"1.26.0","Require":[{"Path":"go.yaml.in/yaml/v3","Version":"v3.0.5","Indirect":true}]}`, ""},
		{".", `{"Module":{"Path":"` + module + `"},"Go":"1.26.0",` + replaced("../x") + `}`, "go install would refuse it"},
		{"contrib/paotel", `{"Module":{"Path":"` + module + `/contrib/paotel"},"Go":"1.26.0","Require":[` + own + `],` + replaced("../..") + `}`, ""},
		{"contrib/paotel", `{"Module":{"Path":"` + module + `/contrib/paotel"},"Go":"1.26.0","Require":[` + own + `]}`, "without replacing it"},
		{"contrib/paotel", `{"Module":{"Path":"` + module + `/contrib/paotel"},"Go":"1.26.0","Require":[` + own + `],` + replaced("..") + `}`, "without replacing it"},
		{"contrib/paotel", `{"Module":{"Path":"` + module + `/contrib/paotel"},"Go":"1.26.0","Require":[{"Path":"` + module + `","Version":"v0.1.0"}],` + replaced("../..") + `}`, "it is v0.0.0"},
	}
	for _, tt := range tests {
		t.Run(tt.dir+" "+tt.want, func(t *testing.T) {
			var m modFile
			if err := json.Unmarshal([]byte(tt.json), &m); err != nil {
				t.Fatal(err)
			}
			catches(t, tt.want, checkModFile(tt.dir, m))
		})
	}
}

// workFile is what go work edit -json prints.
type workFile struct {
	Go  string
	Use []struct{ DiskPath string }
}

// checkWorkFile returns what is wrong with go.work, given the modules there are.
func checkWorkFile(w workFile, dirs []string) []string {
	var broken []string
	if w.Go != goVersion {
		broken = append(broken, fmt.Sprintf("go.work: go %s, want %s", w.Go, goVersion))
	}
	var used []string
	for _, u := range w.Use {
		used = append(used, path.Clean(u.DiskPath))
	}
	for _, dir := range dirs {
		if out, in := slices.Contains(outsideWorkspace, dir), slices.Contains(used, dir); out == in {
			broken = append(broken, fmt.Sprintf("go.work: listed %v, want %v: %s", in, !out, dir))
		}
	}
	return broken
}

func TestWorkFile(t *testing.T) {
	needGo(t)
	names := needFiles(t)
	if !slices.Contains(names, "go.work") {
		t.Skip("no go.work: this is not a clone of the repository")
	}
	out, err := golang(".", nil, "work", "edit", "-json")
	if err != nil {
		t.Fatal(err)
	}
	var w workFile
	if err := json.Unmarshal(out, &w); err != nil {
		t.Fatal(err)
	}
	report(t, checkWorkFile(w, moduleDirs(names)))
}

func TestWorkFileRuleCatches(t *testing.T) {
	work := func(version string, dirs ...string) workFile {
		w := workFile{Go: version}
		for _, dir := range dirs {
			w.Use = append(w.Use, struct{ DiskPath string }{dir})
		}
		return w
	}
	dirs := []string{".", "contrib/paotel", "internal/peers"}
	catches(t, "", checkWorkFile(work("1.26.0", ".", "./contrib/paotel"), dirs))
	catches(t, "go 1.26,", checkWorkFile(work("1.26", ".", "./contrib/paotel"), dirs))
	catches(t, "listed false, want true: contrib/paotel", checkWorkFile(work("1.26.0", "."), dirs))
	catches(t, "listed true, want false: internal/peers", checkWorkFile(work("1.26.0", ".", "./contrib/paotel", "./internal/peers"), dirs))
}

func checkGraph(list string) []string {
	modules := strings.Fields(strings.ReplaceAll(strings.TrimSpace(list), " ", "@"))
	if len(modules) > graphLimit {
		return []string{fmt.Sprintf("%d modules in the graph, more than %d: %s", len(modules), graphLimit, strings.Join(modules, " "))}
	}
	return nil
}

func TestGraph(t *testing.T) {
	needGo(t)
	out, err := golang(".", []string{"GOWORK=off"}, "list", "-m", "all")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(out), module) {
		t.Fatalf("the list begins with %.60q", out)
	}
	report(t, checkGraph(string(out)))
}

func TestGraphRuleCatches(t *testing.T) {
	catches(t, "", checkGraph(module+"\n"+strings.Repeat("example.org/m v1.0.0\n", graphLimit-1)))
	catches(t, "29 modules", checkGraph(module+"\n"+strings.Repeat("example.org/m v1.0.0\n", graphLimit)))
}
