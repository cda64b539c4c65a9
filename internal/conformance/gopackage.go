package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// LoadPackage type-checks a package of this module from its source, so that
// types that it does not export are seen too. It runs the go command.
func LoadPackage(ctx context.Context, importPath string) (*types.Package, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles", importPath) //nolint:gosec // the caller names a package of its own
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("conformance: go list %s: %w\n%s", importPath, err, stderr.Bytes())
	}
	type listed struct {
		ImportPath, Dir, Export string
		GoFiles                 []string
	}
	exports := make(map[string]string)
	var wanted listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("conformance: go list %s: %w", importPath, err)
		}
		exports[p.ImportPath] = p.Export
		if p.ImportPath == importPath {
			wanted = p
		}
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range wanted.GoFiles {
		f, err := parser.ParseFile(fset, filepath.Join(wanted.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	cfg := types.Config{Importer: importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("no export data of %s", path)
		}
		return os.Open(exports[path])
	})}
	return cfg.Check(importPath, fset, files, nil)
}
