// Command specs fetches the specification files that the tests compare with,
// and checks that they are the ones of the manifest.
//
//	go run ./internal/conformance/cmd/specs -dir specs
//	SPECS_DIR=$PWD/specs go test ./internal/conformance/...
//
// A file that is there and right is not fetched again. Files that no publisher
// serves as they are, because they were bundled or compiled, can only be
// checked.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path"
	"time"

	"github.com/pa-italia/sdk-go/internal/conformance"
)

func main() {
	dir := flag.String("dir", os.Getenv(conformance.EnvDir), "folder of the files; default $"+conformance.EnvDir)
	base := flag.String("base", "https://raw.githubusercontent.com", "where repositories are served, as base/owner/name/commit/path")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *dir, *base, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "specs:", err)
		os.Exit(1)
	}
}

// maxFile bounds what is read of a file; the largest has half a megabyte.
const maxFile = 8 << 20

// run brings the folder up to the manifest and prints one line per file. Its
// error is of all files that could be fetched and were not, or are not right.
func run(ctx context.Context, dir, base string, out io.Writer) error {
	if dir == "" {
		return errors.New("no folder given: see -dir")
	}
	files, err := conformance.Manifest()
	if err != nil {
		return err
	}
	client := &http.Client{Timeout: time.Minute}
	var errs []error
	for _, f := range files {
		state, err := bring(ctx, client, f, dir, base)
		errs = append(errs, err)
		if err != nil {
			state = "FAILED"
		}
		if _, err := fmt.Fprintf(out, "%-60s %s\n", f.File, state); err != nil {
			return err
		}
	}
	return errors.Join(errs...)
}

// bring makes one file right and says what it was like.
func bring(ctx context.Context, client *http.Client, f conformance.SpecFile, dir, base string) (string, error) {
	err := f.VerifyFile(dir)
	if err == nil {
		return "there", nil
	}
	url, served := f.URL(base)
	if !served {
		if errors.Is(err, os.ErrNotExist) {
			return fmt.Sprintf("not fetched: %s, no publisher serves it as it is", f.Treatment), nil
		}
		return "", err
	}
	content, err := get(ctx, client, url)
	if err != nil {
		return "", fmt.Errorf("%s: %w", f.File, err)
	}
	if err := f.Verify(bytes.NewReader(content)); err != nil {
		return "", err
	}
	return "fetched", write(dir, f.File, content)
}

func get(ctx context.Context, client *http.Client, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(io.LimitReader(res.Body, maxFile))
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: %s", url, res.Status)
	}
	return content, nil
}

// write puts a file into the folder as a whole, so that one that is there is a
// right one. The name is slash-separated.
func write(dir, name string, content []byte) (err error) {
	if err := os.MkdirAll(dir, 0o750); err != nil { //nolint:gosec // the folder is the one that the user names
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	if err := root.MkdirAll(path.Dir(name), 0o750); err != nil {
		return err
	}
	part := name + ".part"
	if err := root.WriteFile(part, content, 0o644); err != nil {
		return err
	}
	if err := root.Rename(part, name); err != nil {
		return errors.Join(err, root.Remove(part))
	}
	return nil
}
