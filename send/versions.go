package send

import (
	"slices"
	"strings"

	"github.com/pa-italia/sdk-go/pa"
)

// Version is the version of an area of the API, like "v2.5". The areas move on
// one by one; the zero value of each is its production version. The types of
// this package are the same under every version.
type Version string

// Versions of the four areas of the API.
type Versions struct {
	Requests Version // requests and their status; default v2.5
	Sent     Version // detail of a sent notification; default v2.8
	Streams  Version // default v2.9. A stream answers only to the version that made it.
	Price    Version // default v2.3
}

// V1 is the unnumbered first version of an area.
const V1 Version = "v1"

// production are the versions of the production contract 2.24.2.
var production = Versions{Requests: "v2.5", Sent: "v2.8", Streams: "v2.9", Price: "v2.3"}

// supported lists, per area, what this package speaks.
func supportedVersions() map[string][]Version {
	return map[string][]Version{
		"Versions.Requests": {"v2.6", "v2.5", "v2.4", "v2.3"},
		"Versions.Sent":     {"v2.9", "v2.8", "v2.7", "v2.6", "v2.5", "v2.4"},
		"Versions.Streams":  {"v2.9", "v2.8", "v2.7", "v2.6", "v2.5", "v2.4"},
		"Versions.Price":    {"v2.3", V1},
	}
}

// complete puts in the defaults and finds what is not supported.
func (v Versions) complete() (Versions, []pa.Finding) {
	var findings []pa.Finding
	supported := supportedVersions()
	pick := func(path string, have, def Version) Version {
		if have == "" {
			return def
		}
		if !slices.Contains(supported[path], have) {
			findings = append(findings, configFault(path, pa.Text{
				IT: "Versione non gestita da questa libreria; quelle gestite: " + join(supported[path]) + ".",
				EN: "this library does not speak that version; it speaks " + join(supported[path])}))
		}
		return have
	}
	return Versions{
		Requests: pick("Versions.Requests", v.Requests, production.Requests),
		Sent:     pick("Versions.Sent", v.Sent, production.Sent),
		Streams:  pick("Versions.Streams", v.Streams, production.Streams),
		Price:    pick("Versions.Price", v.Price, production.Price),
	}, findings
}

func join(list []Version) string {
	names := make([]string, len(list))
	for i, v := range list {
		names[i] = string(v)
	}
	return strings.Join(names, ", ")
}

// segment is the version as a path element with its slash; V1 has none.
func (v Version) segment() string {
	if v == V1 {
		return ""
	}
	return string(v) + "/"
}

// before reports whether v is older than other. Versions of SEND have one-digit parts.
func (v Version) before(other Version) bool { return v < other }
