package send

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/pa-italia/sdk-go/internal/rest"
	"github.com/pa-italia/sdk-go/pa"
)

// preloadBatch is how many files one preload can announce.
const preloadBatch = 15

// preloadRequest and preloadResponse are the wire forms of a slot.
type preloadRequest struct {
	PreloadIdx  string `json:"preloadIdx"`
	ContentType string `json:"contentType"`
	SHA256      string `json:"sha256"`
}

type preloadResponse struct {
	PreloadIdx string `json:"preloadIdx"`
	Secret     string `json:"secret"`
	HTTPMethod string `json:"httpMethod"`
	URL        string `json:"url"`
	Key        string `json:"key"`
}

// Slot is where one file is to be sent. It is good for an hour; its URL and
// secret are a credential.
type Slot struct {
	Method string
	URL    pa.Secret
	Secret pa.Secret
	Key    string
}

// Preload announces files and returns their slots, in the same order. Any
// number of files is split in calls of 15.
//
//api:operation POST /delivery/attachments/preload
func (c *Client) Preload(ctx context.Context, files []Prepared) ([]Slot, error) {
	slots := make([]Slot, 0, len(files))
	for len(files) > 0 {
		n := min(len(files), preloadBatch)
		batch, err := c.preload(ctx, files[:n])
		if err != nil {
			return nil, err
		}
		slots, files = append(slots, batch...), files[n:]
	}
	return slots, nil
}

func (c *Client) preload(ctx context.Context, files []Prepared) ([]Slot, error) {
	items := make([]preloadRequest, len(files))
	for i, f := range files {
		items[i] = preloadRequest{strconv.Itoa(i), f.ContentType, f.SHA256}
	}
	body, err := rest.JSON(items)
	if err != nil {
		return nil, err
	}
	replies, reply, err := rest.Call[[]preloadResponse](ctx, c.rest, &c.ops.preload, rest.Request{Body: body})
	if err != nil {
		return nil, err
	}
	// The answers are told apart by their index, not by their position.
	slots := make([]Slot, len(files))
	for _, r := range replies {
		i, err := strconv.Atoi(r.PreloadIdx)
		if err != nil || i < 0 || i >= len(slots) || slots[i].Key != "" || r.Key == "" || r.URL == "" {
			return nil, c.rest.Unexpected(&c.ops.preload, reply)
		}
		slots[i] = Slot{Method: r.HTTPMethod, URL: pa.NewSecret(r.URL), Secret: pa.NewSecret(r.Secret), Key: r.Key}
	}
	if len(replies) != len(slots) {
		return nil, c.rest.Unexpected(&c.ops.preload, reply)
	}
	return slots, nil
}

// Upload sends a prepared file to its slot and returns the reference that a
// notification carries. The file is streamed, checked on the way against what
// was prepared (ErrDigest), and sent without credentials. An expired slot is
// pa.ErrForbidden: ask for another.
func (c *Client) Upload(ctx context.Context, slot Slot, p Prepared, f File) (Ref, error) {
	request := rest.Presigned{
		Method: slot.Method, URL: slot.URL.Reveal(), Size: p.Size,
		// These three and no other are covered by the signature of the URL.
		Header: http.Header{
			"Content-Type":          {p.ContentType},
			"X-Amz-Meta-Secret":     {slot.Secret.Reveal()},
			"X-Amz-Checksum-Sha256": {p.SHA256},
		},
	}
	if f.content != nil {
		if !p.matches(f.content) {
			return Ref{}, fmt.Errorf("send.Upload: %w", ErrDigest)
		}
		request.Content = f.content
	} else {
		request.Body = p.verifiedFile(f)
	}
	header, err := c.rest.Upload(ctx, &c.ops.upload, request)
	if err != nil {
		return Ref{}, err
	}
	token := header.Get("X-Amz-Version-Id")
	if token == "" {
		return Ref{}, c.rest.Unexpected(&c.ops.upload, &rest.Reply{Status: http.StatusOK, Header: header})
	}
	return Ref{Key: slot.Key, VersionToken: token}, nil
}

// uploadRenewing uploads a file and, where the slot has expired meanwhile,
// asks for another, once.
func (c *Client) uploadRenewing(ctx context.Context, slot Slot, p Prepared, f File) (Ref, error) {
	ref, err := c.Upload(ctx, slot, p, f)
	if !errors.Is(err, pa.ErrForbidden) {
		return ref, err
	}
	slots, err := c.Preload(ctx, []Prepared{p})
	if err != nil {
		return Ref{}, err
	}
	return c.Upload(ctx, slots[0], p, f)
}
