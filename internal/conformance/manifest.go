package conformance

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// EnvDir names the folder that holds the specification files.
const EnvDir = "SPECS_DIR"

// Treatment says how a file relates to what its publisher serves.
type Treatment string

const (
	AsIs     Treatment = "as is"    // byte for byte
	Bundled  Treatment = "bundled"  // several files of the publisher made into one
	Compiled Treatment = "compiled" // drawn from several public sources, or made for tests
)

// SpecFile is a file of the manifest.
type SpecFile struct {
	File      string    `json:"file"`   // below the folder, slash-separated
	SHA256    string    `json:"sha256"` // in hexadecimal
	Treatment Treatment `json:"treatment"`
	Origin    *Origin   `json:"origin,omitempty"` // nil for a compiled file
}

// Origin is where a file, or the main one of a bundle, was published.
type Origin struct {
	Repository string `json:"repository"` // owner/name on GitHub
	Commit     string `json:"commit"`     // 40 hexadecimal digits
	Path       string `json:"path"`
}

//go:embed specs.json
var manifest []byte

// Manifest returns the files that the tests of this module read.
func Manifest() ([]SpecFile, error) {
	var m struct {
		Files []SpecFile `json:"files"`
	}
	if err := json.Unmarshal(manifest, &m); err != nil {
		return nil, fmt.Errorf("conformance: manifest: %w", err)
	}
	return m.Files, nil
}

// URL returns where the file can be fetched as it is, and false where it
// cannot.
func (f SpecFile) URL(base string) (string, bool) {
	if f.Treatment != AsIs || f.Origin == nil {
		return "", false
	}
	return strings.TrimSuffix(base, "/") + "/" + f.Origin.Repository + "/" + f.Origin.Commit + "/" + f.Origin.Path, true
}

// ErrDigest is a file whose bytes are not those of the manifest.
var ErrDigest = errors.New("conformance: the file is not the one of the manifest")

// Verify reads content to its end and compares it with the manifest.
func (f SpecFile) Verify(content io.Reader) error {
	sum := sha256.New()
	if _, err := io.Copy(sum, content); err != nil {
		return fmt.Errorf("%s: %w", f.File, err)
	}
	if hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
		return fmt.Errorf("%s: %w", f.File, ErrDigest)
	}
	return nil
}

// Path returns the name of the file in a folder of specifications.
func (f SpecFile) Path(dir string) string { return filepath.Join(dir, filepath.FromSlash(f.File)) }

// VerifyFile compares the file in a folder with the manifest.
func (f SpecFile) VerifyFile(dir string) error {
	content, err := os.Open(f.Path(dir))
	if err != nil {
		return err
	}
	return errors.Join(f.Verify(content), content.Close())
}
