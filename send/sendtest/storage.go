package sendtest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pa-italia/sdk-go/internal/sim"
)

// presigned is how long a presigned URL holds, in wire time.
const presigned = time.Hour

// maxPreload is how many presigned URLs one call may ask for.
const maxPreload = 15

// object is a file in the storage.
type object struct {
	key         string
	contentType string
	secret      string    // of the upload
	sha256      string    // announced at the preload, base64
	uploaded    time.Time // of the present version
	version     string
	body        []byte
	used        bool // by an accepted notification: it does not expire
	cold        int  // answers with retryAfter still to give
}

type preloadRequest struct {
	PreloadIdx  string `json:"preloadIdx"`
	ContentType string `json:"contentType"`
	SHA256      string `json:"sha256"`
}

type preloadResponse struct {
	PreloadIdx string `json:"preloadIdx,omitempty"`
	Secret     string `json:"secret"`
	HTTPMethod string `json:"httpMethod"`
	URL        string `json:"url"`
	Key        string `json:"key"`
}

func (s *Server) preload(c *call) sim.Reply {
	var items []preloadRequest
	if refused := s.body(c, preloadSchema, &items); refused != nil {
		return *refused
	}
	if len(items) > maxPreload {
		return s.failOne(http.StatusBadRequest, codeSize, fmt.Sprintf("the maximum number of requests is %d", maxPreload))
	}
	seen := map[string]bool{}
	out := make([]preloadResponse, 0, len(items))
	for _, item := range items {
		if item.PreloadIdx != "" && seen[item.PreloadIdx] {
			return s.failOne(http.StatusBadRequest, codeInvalid, "preloadIdx is not unique")
		}
		seen[item.PreloadIdx] = true
		contentType := item.ContentType
		if contentType == "" {
			contentType = mediaPDF
		}
		prefix, suffix := "PN_NOTIFICATION_ATTACHMENTS-", ".pdf"
		if contentType == mediaJSON {
			prefix, suffix = "PN_F24_META-", ".json"
		}
		o := &object{
			key:         prefix + s.sim.Hex(32) + suffix,
			contentType: contentType,
			secret:      "[" + s.sim.Hex(40) + "]",
			sha256:      item.SHA256,
		}
		s.objects[o.key] = o
		out = append(out, preloadResponse{
			PreloadIdx: item.PreloadIdx,
			Secret:     o.secret,
			HTTPMethod: http.MethodPut,
			URL:        s.presign(http.MethodPut, o, "content-type;host;x-amz-checksum-sha256;x-amz-meta-secret"),
			Key:        o.key,
		})
	}
	return sim.JSON(http.StatusOK, out)
}

const (
	mediaPDF  = "application/pdf"
	mediaJSON = "application/json"

	amzDate = "20060102T150405Z"
)

// presign returns an URL that allows one method on one object for an hour.
func (s *Server) presign(method string, o *object, headers string) string {
	now := time.Now().UTC().Format(amzDate)
	expires := strconv.Itoa(int(presigned / time.Second))
	q := url.Values{
		"X-Amz-Algorithm":     {"AWS4-HMAC-SHA256"},
		"X-Amz-Credential":    {"SIMULATOR/" + now[:8] + "/eu-south-1/s3/aws4_request"},
		"X-Amz-Date":          {now},
		"X-Amz-Expires":       {expires},
		"X-Amz-SignedHeaders": {headers},
	}
	q.Set("X-Amz-Signature", s.signature(method, o, q, o.contentType, o.sha256, o.secret))
	return s.URL() + "/safestorage/" + o.key + "?" + q.Encode()
}

// signature covers what a presigned URL covers: the method, the object, the
// parameters and, for an upload, the three headers.
func (s *Server) signature(method string, o *object, q url.Values, contentType, checksum, secret string) string {
	if method != http.MethodPut {
		contentType, checksum, secret = "", "", ""
	}
	mac := hmac.New(sha256.New, s.signingKey)
	for _, part := range []string{
		method, o.key, q.Get("X-Amz-Algorithm"), q.Get("X-Amz-Credential"), q.Get("X-Amz-Date"),
		q.Get("X-Amz-Expires"), q.Get("X-Amz-SignedHeaders"), contentType, checksum, secret,
	} {
		mac.Write([]byte(strconv.Itoa(len(part)) + ":" + part + "\n"))
	}
	return hex.EncodeToString(mac.Sum(nil))
}

// storageError is the error document of S3.
type storageError struct {
	XMLName   xml.Name `xml:"Error"`
	Code      string
	Message   string
	RequestID string `xml:"RequestId"`
	HostID    string `xml:"HostId"`
}

func (s *Server) storageFail(status int, code, message string) sim.Reply {
	b, err := xml.Marshal(storageError{Code: code, Message: message, RequestID: strings.ToUpper(s.sim.Hex(16)), HostID: s.sim.Hex(32)})
	if err != nil {
		return sim.Text(http.StatusInternalServerError, "text/plain", "simulator: "+err.Error()+"\n")
	}
	return sim.Text(status, "application/xml", xml.Header+string(b))
}

// checkPresigned finds the object of a presigned call and checks everything
// that the URL and its signature say.
func (s *Server) checkPresigned(c *sim.Call) (*object, *sim.Reply) {
	refuse := func(status int, code, message string) (*object, *sim.Reply) {
		r := s.storageFail(status, code, message)
		return nil, &r
	}
	// The storage is another host: credentials of the API do not belong there.
	if len(c.Header.Values("Authorization"))+len(c.Header.Values("X-Api-Key")) > 0 {
		return refuse(http.StatusBadRequest, "InvalidArgument", "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified")
	}
	q := c.URL.Query()
	if q.Get("X-Amz-Signature") == "" {
		return refuse(http.StatusForbidden, "AccessDenied", "Access Denied")
	}
	o := s.objects[c.PathValue("key")]
	if o == nil {
		return refuse(http.StatusForbidden, "AccessDenied", "Access Denied")
	}
	want := s.signature(c.Method, o, q, c.Header.Get("Content-Type"), c.Header.Get("X-Amz-Checksum-Sha256"), c.Header.Get("X-Amz-Meta-Secret"))
	at, errDate := time.Parse(amzDate, q.Get("X-Amz-Date"))
	seconds, errExpires := strconv.Atoi(q.Get("X-Amz-Expires"))
	if errDate == nil && errExpires == nil && time.Now().After(at.Add(time.Duration(min(max(seconds, 0), 604800))*time.Second)) {
		return refuse(http.StatusForbidden, "AccessDenied", "Request has expired")
	}
	if !hmac.Equal([]byte(want), []byte(q.Get("X-Amz-Signature"))) {
		return refuse(http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your key and signing method.")
	}
	return o, nil
}

func (s *Server) upload(c *sim.Call) sim.Reply {
	checksum := c.Header.Get("X-Amz-Checksum-Sha256")
	if raw, err := base64.StdEncoding.DecodeString(checksum); checksum != "" && (err != nil || len(raw) != sha256.Size) {
		return s.storageFail(http.StatusBadRequest, "InvalidRequest", "Value for x-amz-checksum-sha256 header is invalid.")
	}
	o, refused := s.checkPresigned(c)
	if refused != nil {
		return *refused
	}
	if c.ContentLength < 0 || slices.Contains(c.TransferEncoding, "chunked") {
		return s.storageFail(http.StatusLengthRequired, "MissingContentLength", "You must provide the Content-Length HTTP header.")
	}
	if checksum != digest(c.Body) {
		return s.storageFail(http.StatusBadRequest, "BadDigest", "The SHA256 you specified did not match the calculated checksum.")
	}
	o.body, o.uploaded, o.version = slices.Clone(c.Body), c.Now, s.sim.Hex(32)
	s.after(c.Now, s.set.terms.Storage, func(time.Time) {
		if !o.used && o.uploaded.Equal(c.Now) {
			delete(s.objects, o.key)
		}
	})
	return sim.Reply{Header: http.Header{
		"X-Amz-Version-Id":      {o.version},
		"X-Amz-Checksum-Sha256": {checksum},
		"Etag":                  {`"` + o.version + `"`},
	}}
}

func (s *Server) download(c *sim.Call) sim.Reply {
	o, refused := s.checkPresigned(c)
	if refused != nil {
		return *refused
	}
	if o.version == "" {
		return s.storageFail(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
	}
	return sim.Reply{Header: http.Header{"Content-Type": {o.contentType}, "X-Amz-Version-Id": {o.version}}, Body: o.body}
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// store keeps a file that the platform itself makes.
func (s *Server) store(prefix, suffix, contentType string, body []byte, now time.Time) *object {
	o := &object{
		key:         prefix + s.sim.Hex(32) + suffix,
		contentType: contentType,
		sha256:      digest(body),
		uploaded:    now,
		version:     s.sim.Hex(32),
		body:        body,
		used:        true,
		cold:        s.set.cold.Answers,
	}
	s.objects[o.key] = o
	return o
}

// stored returns the uploaded object of a reference while it is there.
func (s *Server) stored(r ref) *object {
	o := s.objects[strings.TrimPrefix(r.Key, storageScheme)]
	if o == nil || o.version == "" || o.version != r.VersionToken {
		return nil
	}
	return o
}

// storageScheme precedes a key wherever the platform names a file of its own.
const storageScheme = "safestorage://"
