package conformance

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const checkContract = `
openapi: 3.0.3
info: {title: t, version: "1"}
security:
  - Key: []
paths:
  /things:
    post:
      requestBody:
        required: true
        content:
          application/json:
            schema: {$ref: "#/components/schemas/Thing"}
      responses:
        "201":
          description: made
          headers:
            X-Count: {required: true, schema: {type: integer, minimum: 0}}
          content:
            application/json:
              schema: {$ref: "#/components/schemas/Made"}
        "204": {description: nothing to do}
        "400":
          description: wrong
          content:
            application/problem+json:
              schema: {$ref: "#/components/schemas/Problem"}
  /things/{id}:
    get:
      parameters:
        - {name: id, in: path, required: true, schema: {type: integer}}
        - {name: full, in: query, schema: {type: boolean}}
        - {name: lang, in: query, required: true, schema: {type: string, enum: [IT, EN]}}
      responses:
        "200":
          description: it
          content:
            application/json:
              schema: {$ref: "#/components/schemas/Made"}
  /things/newest:
    get:
      security: []
      responses:
        "200": {description: it}
  /login:
    post:
      requestBody:
        content:
          application/x-www-form-urlencoded:
            schema:
              type: object
              required: [user]
              properties:
                user: {type: string, format: uuid}
      responses:
        "204": {description: ok}
components:
  securitySchemes:
    Key: {type: apiKey, in: header, name: x-key}
  schemas:
    Thing:
      type: object
      required: [name]
      properties:
        name: {type: string, pattern: "^[a-z]{1,1500}$"}
        kind: {type: string, enum: [A, B]}
    Made:
      allOf:
        - $ref: "#/components/schemas/Thing"
        - type: object
          required: [id, at]
          properties:
            id: {type: integer, format: int32}
            at: {type: string, format: date-time}
            timeline: {type: array, items: {$ref: "#/components/schemas/TimelineElementV28"}}
    TimelineElementV28:
      type: object
      required: [category]
      properties:
        category: {type: string, enum: [REFINEMENT, GET_ADDRESS, VALIDATE_NORMALIZE_ADDRESSES_REQUEST]}
        details: {$ref: "#/components/schemas/TimelineElementDetailsV28"}
    TimelineElementDetailsV28:
      oneOf:
        - $ref: "#/components/schemas/RefinementDetailsV23"
        - $ref: "#/components/schemas/GetAddressInfoDetails"
    RefinementDetailsV23:
      type: object
      required: [recIndex]
      properties:
        recIndex: {type: integer}
        eventTimestamp: {type: string, format: date-time}
    GetAddressInfoDetails:
      type: object
      required: [recIndex]
      properties:
        recIndex: {type: integer}
        isAvailable: {type: boolean}
    Problem:
      type: object
      required: [status]
      properties:
        status: {type: integer}
        code: {type: string, maxLength: 3}
`

// made is an exchange that is right in all respects.
func made() Exchange {
	return Exchange{
		Method: "POST", Path: "/things",
		RequestHeader: http.Header{"Content-Type": {"application/json"}, "X-Key": {"k"}, "User-Agent": {"test"}},
		RequestBody:   []byte(`{"name":"abc","kind":"A"}`),
		Status:        201,
		ReplyHeader:   http.Header{"Content-Type": {"application/json; charset=utf-8"}, "X-Count": {"3"}},
		ReplyBody: []byte(`{"name":"abc","id":1,"at":"2026-01-31T10:00:00Z","timeline":[
			{"category":"VALIDATE_NORMALIZE_ADDRESSES_REQUEST"},
			{"category":"GET_ADDRESS","details":{"recIndex":0,"isAvailable":true}},
			{"category":"REFINEMENT","details":{"recIndex":0,"eventTimestamp":"2026-01-31T10:00:00Z"}}]}`),
	}
}

func body(old, with string) func(*Exchange) {
	return func(e *Exchange) { e.ReplyBody = []byte(strings.Replace(string(e.ReplyBody), old, with, 1)) }
}

// Each case is wrong in one way, and found in one place.
func TestCheckCatches(t *testing.T) {
	c := contractOf(t, checkContract)
	sent := func(body string) func(*Exchange) { return func(e *Exchange) { e.RequestBody = []byte(body) } }
	got := func(query string) func(*Exchange) {
		return func(e *Exchange) {
			made := *e
			*e = Exchange{Method: "GET", Path: "/things/7", Query: query, RequestHeader: http.Header{"X-Key": {"k"}}, Status: 200,
				ReplyHeader: http.Header{"Content-Type": {"application/json"}}, ReplyBody: made.ReplyBody}
		}
	}
	status := func(status int, contentType, body string) func(*Exchange) {
		return func(e *Exchange) {
			e.Status, e.ReplyHeader, e.ReplyBody = status, http.Header{}, []byte(body)
			if contentType != "" {
				e.ReplyHeader.Set("Content-Type", contentType)
			}
		}
	}
	login := func(form string) func(*Exchange) {
		return func(e *Exchange) {
			*e = Exchange{Method: "POST", Path: "/login", Status: 204, ReplyHeader: http.Header{}, RequestBody: []byte(form),
				RequestHeader: http.Header{"X-Key": {"k"}, "Content-Type": {"application/x-www-form-urlencoded"}}}
		}
	}
	for _, tt := range []struct {
		name   string
		change func(*Exchange)
		want   []string // side, place and rule
	}{
		{"nothing", func(*Exchange) {}, nil},
		{"other path", func(e *Exchange) { e.Path = "/other" }, []string{"request route undocumented"}},
		{"other method", func(e *Exchange) { e.Method = "PUT" }, []string{"request route undocumented"}},
		{"no credentials", func(e *Exchange) { e.RequestHeader.Del("X-Key") }, []string{"request security required"}},
		{"header of the request", func(e *Exchange) { e.RequestHeader.Set("Authorization", "Bearer s3cret") }, []string{"request header Authorization undocumented"}},
		{"parameter of the query", func(e *Exchange) { e.Query = "debug=1" }, []string{"request query debug undocumented"}},
		{"no body", sent(""), []string{"request body required"}},
		{"no JSON", sent("{"), []string{"request body format"}},
		{"type of the request", func(e *Exchange) { e.RequestHeader.Set("Content-Type", "text/plain") }, []string{"request content-type undocumented"}},
		{"no type of the request", func(e *Exchange) { e.RequestHeader.Del("Content-Type") }, []string{"request content-type format"}},
		{"member missing", sent(`{"kind":"A"}`), []string{"request /name required"}},
		{"pattern", sent(`{"name":"ABC"}`), []string{"request /name pattern"}},
		{"enum", sent(`{"name":"abc","kind":"C"}`), []string{"request /kind enum"}},
		{"null", sent(`{"name":null}`), []string{"request /name nullable"}},
		{"member unknown", sent(`{"name":"abc","colour":"red"}`), []string{"request body undocumented"}},

		{"status", status(202, "", ""), []string{"reply status undocumented"}},
		{"error document of another status", status(503, "application/problem+json", `{"status":503,"code":"too long"}`),
			[]string{"reply /code maxLength", "reply status undocumented"}},
		{"body where there is none", status(204, "application/json", `{}`), []string{"reply body undocumented"}},
		{"error document as any JSON", status(400, "application/json", `{"status":400}`), []string{"reply content-type undocumented"}},
		{"and wrong", status(400, "application/json", `{"state":400}`),
			[]string{"reply /status required", "reply body undocumented", "reply content-type undocumented"}},
		{"header missing", func(e *Exchange) { e.ReplyHeader.Del("X-Count") }, []string{"reply header X-Count required"}},
		{"header of another type", func(e *Exchange) { e.ReplyHeader.Set("X-Count", "many") }, []string{"reply header X-Count type"}},
		{"header out of bounds", func(e *Exchange) { e.ReplyHeader.Set("X-Count", "-1") }, []string{"reply header X-Count minimum"}},
		{"header twice", func(e *Exchange) { e.ReplyHeader.Add("X-Count", "4") }, []string{"reply header X-Count type"}},
		{"header of the reply", func(e *Exchange) { e.ReplyHeader.Set("X-Debug", "1") }, []string{"reply header X-Debug undocumented"}},
		{"member of allOf missing", body(`"id":1,`, ""), []string{"reply /id required"}},
		{"int32", body(`"id":1,`, `"id":4000000000,`), []string{"reply /id format"}},
		{"date-time", body(`"at":"2026-01-31T10:00:00Z"`, `"at":"2026-01-31"`), []string{"reply /at format"}},
		{"member of allOf unknown", body(`"id":1,`, `"id":1,"colour":"red",`), []string{"reply body undocumented"}},

		// Details would be right as those of another category, or of several.
		{"details of another category", body("GET_ADDRESS", "REFINEMENT"), []string{"reply /timeline/1/details undocumented"}},
		{"details without a member", body(`{"recIndex":0,"isAvailable":true}`, `{"isAvailable":true}`), []string{"reply /timeline/1/details/recIndex required"}},
		{"no details", body(`,"details":{"recIndex":0,"isAvailable":true}`, ""), []string{"reply /timeline/1/details required"}},
		{"details where there are none", body(`"VALIDATE_NORMALIZE_ADDRESSES_REQUEST"`, `"VALIDATE_NORMALIZE_ADDRESSES_REQUEST","details":{}`),
			[]string{"reply /timeline/0/details undocumented"}},
		{"unknown category", body("GET_ADDRESS", "GET_PARCEL"), []string{"reply /timeline/1/category enum"}},

		{"query", got("lang=IT&full=true"), nil},
		{"query of another type", got("lang=IT&full=maybe"), []string{"request query full type"}},
		{"query outside the list", got("lang=FR"), []string{"request query lang enum"}},
		{"query missing", got(""), []string{"request query lang required"}},
		{"query twice", got("lang=IT&lang=EN"), []string{"request query lang type"}},
		{"query of no form", got("lang=IT&x=%zz"), []string{"request query format"}},
		{"path of another type", func(e *Exchange) { got("lang=IT")(e); e.Path = "/things/seven" }, []string{"request path id type"}},
		{"body of the request", func(e *Exchange) { got("lang=IT")(e); e.RequestBody = []byte("{}") }, []string{"request body undocumented"}},

		{"form", login("user=00000000-0000-4000-8000-000000000001"), nil},
		{"form without a field", login("name=x"), []string{"request /user required", "request body undocumented"}},
		{"form of another format", login("user=x"), []string{"request /user format"}},
		{"form with a field twice", login("user=00000000-0000-4000-8000-000000000001&user=x"), []string{"request /user type"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := made()
			tt.change(&e)
			op, found := c.Check(e)
			require.Equal(t, slices.Contains(tt.want, "request route undocumented"), op == nil)
			var got []string
			for _, v := range found {
				require.NotContains(t, v.String(), "s3cret")
				require.Equal(t, e.Status, v.Status)
				got = append(got, string(v.Side)+" "+v.At+" "+v.Rule)
			}
			slices.Sort(got)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestRequestOfARefusalMayBeWrong(t *testing.T) {
	c := contractOf(t, checkContract)
	e := made()
	e.RequestBody = []byte(`{}`)
	e.Status, e.ReplyHeader, e.ReplyBody = 400, http.Header{"Content-Type": {"application/problem+json"}}, []byte(`{"status":400}`)
	_, found := c.Check(e)
	require.Empty(t, found)
	_, found = c.CheckRequest(e)
	require.Len(t, found, 1)
}

func TestRouteTakesTheMostLiteral(t *testing.T) {
	c := contractOf(t, checkContract)
	op, values := c.route("GET", "/things/newest")
	require.Equal(t, "GET /things/newest", op.String())
	require.Empty(t, values)
	op, values = c.route("GET", "/things/a%2Fb")
	require.Equal(t, "GET /things/{id}", op.String())
	require.Equal(t, map[string]string{"id": "a/b"}, values)
	op, _ = c.route("GET", "/things/")
	require.Nil(t, op)
	_, found := c.Check(Exchange{Method: "GET", Path: "/things/s3cret/parts"})
	require.Equal(t, "GET /things/…/…", found[0].Operation, "an unknown path may hold values")
}

func TestDetailsNeedASchemaForEachCategory(t *testing.T) {
	for _, change := range [][3]string{
		{"[REFINEMENT,", "[REFINEMENT, NEW_CATEGORY,", "no schema of details is known"},
		{"[REFINEMENT,", "[REFINEMENT, NOTIFICATION_VIEWED,", "no schema NotificationViewedDetails"},
		{"[REFINEMENT, GET_ADDRESS,", "[REFINEMENT,", "no category has GetAddressInfoDetails"},
	} {
		require.Contains(t, checkContract, change[0])
		_, err := ParseSchemas([]byte(strings.Replace(checkContract, change[0], change[1], 1)))
		require.ErrorContains(t, err, change[2])
	}
}

func TestDepartures(t *testing.T) {
	c := contractOf(t, checkContract)
	undocumented := made()
	undocumented.Status = 503
	undocumented.ReplyHeader = http.Header{"Content-Type": {"text/plain"}, "X-Debug": {"1"}}
	undocumented.ReplyBody = []byte("busy")
	departure := Departure{Operation: "POST /things", Status: 503, Side: Reply, At: "status", Rule: "undocumented", Reason: "r", Source: "s"}
	all := []Exchange{made(), undocumented}

	r := Check(c, all, nil)
	require.Len(t, r.Violations, 1)
	require.Equal(t, map[string]int{"POST /things": 2}, r.Checked)

	r = Check(c, all, []Departure{departure})
	require.Empty(t, r.Violations)
	require.Empty(t, r.Unused())
	require.Equal(t, 1, r.Excused[0])
	require.Equal(t, []string{"GET /other"}, r.Unchecked([]string{"POST /things", "GET /other"}))

	for _, change := range []func(*Departure){
		func(d *Departure) { d.Status = 500 },
		func(d *Departure) { d.Side = Request },
		func(d *Departure) { d.At = "body" },
		func(d *Departure) { d.Rule = "required" },
		func(d *Departure) { d.Operation = "GET *" },
	} {
		other := departure
		change(&other)
		r = Check(c, all, []Departure{other})
		require.Len(t, r.Violations, 1)
		require.Len(t, r.Unused(), 1)
	}

	departure.Operation, departure.Status = "*", 0
	departure.Shape = func(e Exchange) string {
		if string(e.ReplyBody) != "busy" {
			return "not busy"
		}
		return ""
	}
	require.Empty(t, Check(c, all, []Departure{departure}).Violations)
	undocumented.ReplyBody = []byte("idle")
	r = Check(c, []Exchange{undocumented}, []Departure{departure})
	require.Len(t, r.Violations, 1)
	require.Contains(t, r.Violations[0].String(), "body: not busy (shape)")
	require.Empty(t, r.Unused())
}

func TestDepartureWithPlaces(t *testing.T) {
	d := Departure{Operation: "GET /things/*", Side: Reply, At: "/list/*/code", Rule: "pattern"}
	v := Violation{Operation: "GET /things/{id}", Status: 200, Side: Reply, At: "/list/12/code", Rule: "pattern"}
	require.True(t, d.covers(v))
	v.At = "/list/code"
	require.False(t, d.covers(v))
}
