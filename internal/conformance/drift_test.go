package conformance

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

const sendPackage = "github.com/pa-italia/sdk-go/send"

// sendPairs are the types of package send and the schemas of the production
// contract that they stand for. Types that these are made of come along.
var sendPairs = []Pair{
	{Type: "Notification", Schemas: []string{"NewNotificationRequestV25"}, Sent: true},
	{Type: "StreamRequest", Schemas: []string{"StreamCreationRequestV29"}, Sent: true},
	{Type: "preloadRequest", Schemas: []string{"PreLoadRequest"}, Sent: true},

	{Type: "preloadResponse", Schemas: []string{"PreLoadResponse"}},
	{Type: "submitted", Schemas: []string{"NewNotificationResponse"}},
	{Type: "RequestStatus", Schemas: []string{"NewNotificationRequestStatusResponseV25"}},
	{Type: "SentNotification", Schemas: []string{"FullSentNotificationV28"}},
	{Type: "TimelineElement", Schemas: []string{"TimelineElementV28"}},
	{Type: "Details", Schemas: []string{"TimelineElementV28/details"}},
	{Type: "wirePrice", Schemas: []string{"NotificationPriceResponseV23", "NotificationPriceResponse"}},
	{Type: "Stream", Schemas: []string{"StreamMetadataResponseV29"}},
	{Type: "StreamListElement", Schemas: []string{"StreamListElement"}},
	{Type: "Event", Schemas: []string{"ProgressResponseElementV29"}},
	{Type: "LegalFact", Schemas: []string{"LegalFactListElementV20"}},
	{Type: "CancellationReply", Schemas: []string{"RequestStatus"}},
	{Type: "PaymentEvent", Schemas: []string{"PaymentEventPagoPa"}, Sent: true},
	{Type: "PlatformStatus", Schemas: []string{"PnStatusResponse"}},
	{Type: "Downtime", Schemas: []string{"PnDowntimeEntry"}},
	{Type: "fileMetadata", Schemas: []string{"LegalFactDownloadMetadataResponse", "NotificationAttachmentDownloadMetadataResponse"}},
}

// meant is a difference that is on purpose.
type meant struct {
	typ, member string
	kind        Kind
	reason      string
}

var meantDifferences = []meant{
	{"Attachment", "file", Extra,
		"names the content before it is deposited; a request that carried it would be found by the check of exchanges"},
	{"Document", "file", Extra, "the same, through its attachment"},
	{"StreamRequest", "filterValues", Required,
		"servers differ on what an absent filter is, and agree on an empty one: CreateStream always writes it"},
	{"Stream", "replacedStreamId", Extra,
		"a stream carries the request that made it; the platform does not return this part of it"},
	{"Notification", "physicalCommunicationPriority", Extra,
		"of the next version of the contract (TestNextSendTypes); an older request that has it is refused before it is sent"},
	{"RequestStatus", "physicalCommunicationPriority", Extra, "the same: it carries the request"},
	{"SentNotification", "physicalCommunicationPriority", Extra, "the same"},
	{"Downtime", "fileAvailableTimestamp", Extra, "of resolved incidents, which are in the contract of another service"},
	{"preloadRequest", "preloadIdx", Required,
		"always set: slots are told apart by it"},
	{"preloadRequest", "contentType", Required,
		"always set: the default of the platform is one of two types, and the upload must name the same"},
}

func sendTypes(t testing.TB) *types.Package {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs the go command: ", err)
	}
	pkg, err := LoadPackage(t.Context(), sendPackage)
	require.NoError(t, err)
	return pkg
}

func TestSendTypes(t *testing.T) {
	c := load(t, sendDocuments())
	schemas := c.Operation("POST /delivery/v2.5/requests").doc
	differences, compared, err := Drift(sendTypes(t), schemas, sendPairs)
	require.NoError(t, err)
	require.Empty(t, unexpected(differences, meantDifferences))
	for _, name := range []string{"Category (46)", "Status (11)", "DigitalAddressSource (3)", "EventType (2)", "FeePolicy (2)", "IntMode (3)", "PhysicalType (2)", "RecipientType (2)"} {
		require.Contains(t, compared, name)
	}
	t.Logf("%d types compared, %d differences are meant: %v", len(compared), len(meantDifferences), compared)

	// Resolved incidents and groups are other services.
	for operation, pairs := range map[string][]Pair{
		"GET /downtime/v1/resolved":          {{Type: "Downtime", Schemas: []string{"PnDowntimeEntry"}}, {Type: "downtimePage", Schemas: []string{"PnDowntimeHistoryResponse"}}},
		"GET /ext-registry-b2b/pa/v1/groups": {{Type: "Group", Schemas: []string{"PaGroup"}}},
	} {
		differences, _, err := Drift(sendTypes(t), c.Operation(operation).doc, pairs)
		require.NoError(t, err)
		require.Empty(t, unexpected(differences, nil), operation)
	}

	// The notice to the recipient is in the definition of the gateway only.
	gateway := c.Operation("GET /delivery-push/{iun}/document/{documentType}").doc
	differences, _, err = Drift(sendTypes(t), gateway, []Pair{
		{Type: "fileMetadata", Schemas: []string{"DocumentDownloadMetadataResponse"}},
	})
	require.NoError(t, err)
	require.Empty(t, unexpected(differences, []meant{
		{"fileMetadata", "contentType", Extra, "of attachments; the type serves all downloads"},
		{"fileMetadata", "sha256", Extra, "of attachments; the type serves all downloads"},
	}))
}

// TestNextSendTypes holds the types against the next release of the contract.
func TestNextSendTypes(t *testing.T) {
	schemas := load(t, sendDocuments()).Operation("POST /delivery/v2.6/requests").doc
	differences, compared, err := Drift(sendTypes(t), schemas, []Pair{
		{Type: "Notification", Schemas: []string{"NewNotificationRequestV26"}, Sent: true},
		{Type: "RequestStatus", Schemas: []string{"NewNotificationRequestStatusResponseV26"}},
		{Type: "SentNotification", Schemas: []string{"FullSentNotificationV29"}},
		{Type: "TimelineElement", Schemas: []string{"TimelineElementV28"}},
		{Type: "Details", Schemas: []string{"TimelineElementV28/details"}},
	})
	require.NoError(t, err)
	require.Empty(t, unexpected(differences, []meant{
		{"Attachment", "file", Extra, "as above"},
		{"Document", "file", Extra, "as above"},
	}))
	t.Logf("%d types compared", len(compared))
}

// unexpected returns the differences that are not meant, and the meant ones
// that are no more.
func unexpected(differences []Difference, list []meant) []string {
	var out []string
	used := make([]bool, len(list))
	for _, d := range differences {
		i := slices.IndexFunc(list, func(m meant) bool { return m.typ == d.Type && m.member == d.Member && m.kind == d.Kind })
		if i < 0 {
			out = append(out, d.String())
			continue
		}
		used[i] = true
	}
	for i, m := range list {
		if !used[i] {
			out = append(out, m.typ+": "+m.member+": no longer differs, and is listed: "+m.reason)
		}
	}
	return out
}

const driftContract = `
openapi: 3.0.3
info: {title: t, version: "1"}
paths: {}
components:
  schemas:
    Base:
      type: object
      required: [id]
      properties:
        id: {type: string}
        note: {type: string}
    Thing:
      allOf:
        - $ref: "#/components/schemas/Base"
        - type: object
          required: [kind]
          properties:
            kind: {type: string, enum: [A, B]}
            count: {type: integer, format: int64}
            when: {type: string, format: date-time}
            parts: {type: array, items: {$ref: "#/components/schemas/Part"}}
    Part:
      type: object
      properties:
        weight: {type: number}
        done: {type: boolean}
    Other:
      type: object
      properties:
        id: {type: integer}
`

const rightTypes = `package p

import "time"

type Kind string

const (
	A Kind = "A"
	B Kind = "B"
)

type Base struct {
	ID   string ` + "`json:\"id\"`" + `
	Note string ` + "`json:\"note,omitempty\"`" + `
}

type Thing struct {
	Base
	Kind  Kind      ` + "`json:\"kind\"`" + `
	Count int64     ` + "`json:\"count,omitempty\"`" + `
	When  time.Time ` + "`json:\"when,omitzero\"`" + `
	Parts []*Part   ` + "`json:\"parts,omitempty\"`" + `
	local int
}

type Part struct {
	Weight float64 ` + "`json:\"weight,omitempty\"`" + `
	Done   bool    ` + "`json:\"done,omitempty\"`" + `
	File   string  ` + "`json:\"-\"`" + `
}
`

// sourceImporter type-checks what the sources import; it keeps what it has seen.
var sourceImporter = sync.OnceValue(func() types.Importer {
	return importer.ForCompiler(token.NewFileSet(), "source", nil)
})

func typesOf(t *testing.T, src string) *types.Package {
	t.Helper()
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "p.go", src, 0)
	require.NoError(t, err)
	pkg, err := (&types.Config{Importer: sourceImporter()}).Check("p", fset, []*ast.File{f}, nil)
	require.NoError(t, err)
	return pkg
}

// Each case breaks the right types in one way.
func TestDriftCatches(t *testing.T) {
	schemas, err := ParseSchemas([]byte(driftContract))
	require.NoError(t, err)
	pair := []Pair{{Type: "Thing", Schemas: []string{"Thing"}, Sent: true}}
	for _, tt := range []struct{ name, old, new, want string }{
		{"nothing", "", "", ""},
		{"missing", "`json:\"note,omitempty\"`", "`json:\"-\"`", "Thing: note: missing"},
		{"missing below", "`json:\"done,omitempty\"`", "`json:\"-\"`", "Part: done: missing"},
		{"extra", "`json:\"-\"`", "`json:\"file,omitempty\"`", "Part: file: extra"},
		{"renamed", "`json:\"count,omitempty\"`", "`json:\"counts,omitempty\"`", "Thing: count: missing"},
		{"not a string", "ID   string", "ID   int64", "Thing: id: type: integer in Go, string in the schema"},
		{"not an array", "[]*Part", "*Part", "Thing: parts: type"},
		{"too narrow", "Count int64", "Count int", "Thing: count: type: int does not hold every int64"},
		{"time for a number", "Weight float64", "Weight time.Time", "Part: weight: type"},
		{"no constant", "\tB Kind = \"B\"\n", "", "Kind: B: enum: the value has no constant"},
		{"no value", "B Kind = \"B\"", "B Kind = \"B\"; C Kind = \"C\"", "Kind: C: enum: the constant is no value"},
		{"left out", "`json:\"kind\"`", "`json:\"kind,omitempty\"`", "Thing: kind: required: required, and left out"},
		{"written empty", "`json:\"when,omitzero\"`", "`json:\"when\"`", "Thing: when: required: optional, and written"},
		{"own JSON", "type Part struct", "func (Kind) MarshalText() ([]byte, error) { return nil, nil }\ntype Part struct", "the JSON form of p.Kind is not known"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.Contains(t, rightTypes, tt.old)
			pkg := typesOf(t, strings.Replace(rightTypes, tt.old, tt.new, 1))
			differences, compared, err := Drift(pkg, schemas, pair)
			require.NoError(t, err)
			if tt.want == "" {
				require.Equal(t, []string{"Kind (2)", "Part", "Thing"}, compared)
				require.Empty(t, differences)
				return
			}
			require.NotEmpty(t, differences)
			require.Contains(t, fmt.Sprint(differences), tt.want)
		})
	}
}

func TestDriftOfUnions(t *testing.T) {
	schemas, err := ParseSchemas([]byte(driftContract))
	require.NoError(t, err)
	pkg := typesOf(t, "package p\ntype Both struct {\n\tID string `json:\"id\"`\n\tNote string `json:\"note\"`\n}\n")
	differences, _, err := Drift(pkg, schemas, []Pair{{Type: "Both", Schemas: []string{"Base", "Other"}}})
	require.NoError(t, err)
	require.Len(t, differences, 1)
	require.Equal(t, Difference{"Both", "id", WrongType, "string in Go, integer in the schema"}, differences[0])

	_, _, err = Drift(pkg, schemas, []Pair{{Type: "Both", Schemas: []string{"Gone"}}, {Type: "Nobody", Schemas: []string{"Base"}}})
	require.ErrorContains(t, err, "no schema Gone")
	require.ErrorContains(t, err, "no type Nobody")
}

func TestMeantDifferences(t *testing.T) {
	d := Difference{"T", "m", Extra, "the schema does not have it"}
	require.Equal(t, []string{d.String()}, unexpected([]Difference{d}, nil))
	require.Empty(t, unexpected([]Difference{d}, []meant{{"T", "m", Extra, "why"}}))
	require.Len(t, unexpected(nil, []meant{{"T", "m", Extra, "why"}}), 1, "an entry that nothing needs")
}
