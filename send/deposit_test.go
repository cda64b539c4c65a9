package send_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/pa/patest"
	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

func TestDeposit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t)
		c := clientOf(t, s)
		n, files := notification(1)
		d, err := send.NewDeposit(n)
		require.NoError(t, err)
		var stages []send.Stage
		d, err = c.Complete(t.Context(), d, files, func(d send.Deposit) error {
			stages = append(stages, d.Stage)
			return nil
		})
		require.NoError(t, err)
		require.Regexp(t, `^[A-Z]{4}-[A-Z]{4}-[A-Z]{4}-\d{6}-[A-Z]-1$`, d.IUN)
		require.Equal(t, []send.Stage{send.StageUpload, send.StageSubmit, send.StageAwait}, stages[:3])
		require.Equal(t, send.StageAccepted, stages[len(stages)-1])

		sent, err := c.SentNotification(t.Context(), d.IUN)
		require.NoError(t, err)
		require.Equal(t, "Zeta Zeta", sent.Recipients[0].Denomination)
		require.Equal(t, n.PaProtocolNumber, sent.PaProtocolNumber)
		require.Len(t, s.Notifications(), 1)

		again, wait, err := c.Step(t.Context(), d, files)
		require.NoError(t, err)
		require.Zero(t, wait)
		require.Equal(t, d, again, "a final stage stays")
	})
}

// TestEveryStageIsRepeatable throws every state but the previous one away: the
// worst that a crash can do, at every step.
func TestEveryStageIsRepeatable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t)
		c := clientOf(t, s)
		n, files := notification(1)
		d, err := send.NewDeposit(n)
		require.NoError(t, err)
		for !d.Stage.Done() {
			_, _, err := c.Step(t.Context(), d, files)
			require.NoError(t, err)
			next, wait, err := c.Step(t.Context(), roundTrip(t, d), files)
			require.NoError(t, err)
			time.Sleep(wait)
			d = next
		}
		require.Equal(t, send.StageAccepted, d.Stage)
		require.Len(t, s.Notifications(), 1)
	})
}

func roundTrip(t *testing.T, d send.Deposit) send.Deposit {
	t.Helper()
	data, err := json.Marshal(d)
	require.NoError(t, err)
	require.NotContains(t, string(data), "Signature", "no presigned URL at rest")
	var out send.Deposit
	require.NoError(t, json.Unmarshal(data, &out))
	return out
}

// TestLostReplies loses the reply of every operation in turn, before and after
// the platform acted.
func TestLostReplies(t *testing.T) {
	for _, op := range []string{"Preload", "Upload", "Submit", "RequestStatus"} {
		for name, fault := range map[string]patest.Fault{
			"before":  {DropBefore: true, Times: 2},
			"after":   {DropAfter: true, Times: 2},
			"timeout": {Done: true, Status: http.StatusGatewayTimeout, Body: `{"message":"Endpoint request timed out"}`, Times: 2},
			"500":     {Status: http.StatusInternalServerError, Body: `{"status":500,"errors":[{"code":"PN_GENERIC_ERROR"}]}`, Times: 2},
			"cut":     {Truncate: 3, Times: 2},
			"429":     {Status: http.StatusTooManyRequests, Body: `{"message":"Too Many Requests"}`, Times: 2},
		} {
			t.Run(op+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := sendtest.New(t)
					if op == "Upload" && name == "cut" {
						fault.Truncate = 0
						fault.DropAfter = true // its reply has no body to cut
					}
					require.NoError(t, s.Inject(op, fault))
					n, files := notification(1)
					c := clientOf(t, s)
					d, err := c.Submit(t.Context(), n, files)
					require.NoError(t, err)
					d, err = c.Await(t.Context(), d)
					require.NoError(t, err)
					require.NotEmpty(t, d.IUN)
					require.Len(t, s.Notifications(), 1)
					if op == "Submit" && (fault.Done || fault.DropAfter || fault.Truncate > 0) {
						require.Equal(t, 1, s.Count(op), "found, not sent again")
					} else {
						require.GreaterOrEqual(t, s.Count(op), 3, "both faults were met")
					}
				})
			})
		}
	}
}

func TestPagesInPlaceOfJSON(t *testing.T) {
	page := patest.Fault{Replace: func(int, http.Header, []byte) (int, http.Header, []byte) {
		return 200, http.Header{"Content-Type": {"text/html"}}, []byte("<html>Login to Wi-Fi</html>")
	}}
	for _, op := range []string{"Preload", "RequestStatus"} {
		synctest.Test(t, func(t *testing.T) {
			s := sendtest.New(t)
			require.NoError(t, s.Inject(op, page))
			c := clientOf(t, s)
			n, files := notification(1)
			d, err := c.Submit(t.Context(), n, files)
			if err == nil {
				_, err = c.Await(t.Context(), d)
			}
			require.ErrorIs(t, err, pa.ErrUnexpectedReply, op)
		})
	}
	synctest.Test(t, func(t *testing.T) { // to a write, the look-up settles it
		s := sendtest.New(t)
		require.NoError(t, s.Inject("Submit", page))
		c := clientOf(t, s)
		n, files := notification(1)
		d, err := c.Submit(t.Context(), n, files)
		require.NoError(t, err)
		_, err = c.Await(t.Context(), d)
		require.NoError(t, err)
		require.Len(t, s.Notifications(), 1)
	})
}

func TestProtocolReused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t)
		c := clientOf(t, s)
		n, files := notification(1)
		first, err := c.Submit(t.Context(), n, files)
		require.NoError(t, err)

		same, err := c.Submit(t.Context(), n, files)
		require.NoError(t, err)
		require.Equal(t, first.NotificationRequestID, same.NotificationRequestID)

		files["atto.pdf"] = pdf("another act")
		_, err = c.Submit(t.Context(), n, files)
		require.ErrorIs(t, err, send.ErrProtocolReused)
		require.Equal(t, "SEND_PROTOCOL_REUSED", pa.CodeOf(err))

		n, files = notification(1)
		n.Recipients[0].TaxID = person(2)
		_, err = c.Submit(t.Context(), n, files)
		require.ErrorIs(t, err, send.ErrProtocolReused)

		n, files = notification(1)
		n.Recipients[0].Payments[0].PagoPA.NoticeCode = "302010000000000099"
		_, err = c.Submit(t.Context(), n, files)
		require.ErrorIs(t, err, send.ErrProtocolReused)
		require.Len(t, s.Notifications(), 1)
	})
}

func TestNoticeInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t)
		c := clientOf(t, s)
		n, files := notification(1)
		d, err := c.Submit(t.Context(), n, files)
		require.NoError(t, err)
		_, err = c.Await(t.Context(), d)
		require.NoError(t, err)

		other, files := notification(2)
		mine := other.Recipients[0].Payments[0]
		other.Recipients[0].Payments = append(other.Recipients[0].Payments, n.Recipients[0].Payments[0])
		_, err = c.Submit(t.Context(), other, files)
		require.ErrorIs(t, err, send.ErrNoticeInUse)
		taken, ok := errors.AsType[*send.NoticeInUseError](err)
		require.True(t, ok)
		require.Equal(t, 0, taken.Recipient)
		require.Equal(t, 1, taken.Payment)
		require.Contains(t, pa.Message(err, pa.Italian), "recipients[0].payments[1].pagoPa.noticeCode")
		require.NotContains(t, err.Error(), n.Recipients[0].Payments[0].PagoPA.NoticeCode)

		other.Recipients[0].Payments = []send.Payment{mine}
		_, err = c.Submit(t.Context(), other, files)
		require.NoError(t, err, "the notice that is free")
		require.Len(t, s.Notifications(), 2)
	})
}

func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, files := notification(1)
		s := sendtest.New(t, sendtest.WithUnknownTaxIDs(n.Recipients[0].TaxID.Value()))
		c := clientOf(t, s)
		d, err := c.Submit(t.Context(), n, files)
		require.NoError(t, err)
		d, err = c.Await(t.Context(), d)
		require.ErrorIs(t, err, send.ErrRefused)
		require.Equal(t, send.StageRefused, d.Stage)
		require.Equal(t, "TAXID_NOT_VALID", pa.CodeOf(err))
		require.Contains(t, pa.Message(err, pa.Italian), "Agenzia delle Entrate")
		require.NotContains(t, err.Error(), n.Recipients[0].TaxID.Value())

		// The same request again finds the refusal and is never sent again.
		again, err := c.Submit(t.Context(), n, files)
		require.ErrorIs(t, err, send.ErrRefused)
		require.Equal(t, d.NotificationRequestID, again.NotificationRequestID)
		require.Len(t, s.Notifications(), 1)

		n.IdempotenceToken = "corrected-1"
		n.Recipients[0].TaxID = person(2)
		_, err = c.Submit(t.Context(), n, files)
		require.NoError(t, err)
	})
}

func TestExpiredSlotIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t)
		require.NoError(t, s.Inject("Upload", patest.Fault{Status: 403, Header: http.Header{"Content-Type": {"application/xml"}},
			Body: `<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>`}))
		c := clientOf(t, s)
		n, files := notification(1)
		_, err := c.Submit(t.Context(), n, files)
		require.NoError(t, err)
		require.Equal(t, 2, s.Count("Preload"))

		// For real: the slot waits past its hour.
		content := pdf("late")
		p, err := send.Prepare(t.Context(), "late.pdf", content, send.ContentPDF)
		require.NoError(t, err)
		slots, err := c.Preload(t.Context(), []send.Prepared{p})
		require.NoError(t, err)
		time.Sleep(61 * time.Minute)
		_, err = c.Upload(t.Context(), slots[0], p, content)
		require.ErrorIs(t, err, pa.ErrForbidden)
		require.Equal(t, "AccessDenied", pa.CodeOf(err))
	})
}

func TestPreloadInBatchesOf15(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t)
		c := clientOf(t, s)
		var files []send.Prepared
		for i := range 40 {
			p, err := send.Prepare(t.Context(), "f", pdf(strings.Repeat("x", i)), send.ContentPDF)
			require.NoError(t, err)
			files = append(files, p)
		}
		slots, err := c.Preload(t.Context(), files)
		require.NoError(t, err)
		require.Len(t, slots, 40)
		require.Equal(t, 3, s.Count("Preload"))
		for i, slot := range slots { // each slot is that of its file
			ref, err := c.Upload(t.Context(), slot, files[i], pdf(strings.Repeat("x", i)))
			require.NoError(t, err)
			require.NotEmpty(t, ref.VersionToken)
		}
	})
}

func TestFileChangedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t)
		c := clientOf(t, s)
		was, is := pdf("as it was"), pdf("as it is!")
		require.Equal(t, was.Size, is.Size)
		p, err := send.Prepare(t.Context(), "f", was, send.ContentPDF)
		require.NoError(t, err)
		slots, err := c.Preload(t.Context(), []send.Prepared{p})
		require.NoError(t, err)
		_, err = c.Upload(t.Context(), slots[0], p, is)
		require.ErrorIs(t, err, send.ErrDigest)
		_, err = c.Upload(t.Context(), slots[0], p, pdf("short"))
		require.ErrorIs(t, err, send.ErrDigest)
		_, err = c.Upload(t.Context(), slots[0], p, pdf("much longer than it was"))
		require.ErrorIs(t, err, send.ErrDigest)
	})
}

func TestWrongFilesAreFoundBeforeAnyNetwork(t *testing.T) {
	for name, tt := range map[string]struct {
		file send.File
		rule string
	}{
		"empty":   {send.FromBytes(nil), "SEND_FILE_EMPTY"},
		"not PDF": {send.FromBytes([]byte("PK\x03\x04 a zip")), "SEND_FILE_PDF"},
		"p7m":     {send.FromBytes([]byte{0x30, 0x80, 0x06, 0x09}), "SEND_FILE_PDF"},
	} {
		t.Run(name, func(t *testing.T) {
			s := sendtest.New(t)
			n, files := notification(1)
			files["atto.pdf"] = tt.file
			_, err := clientOf(t, s).Submit(t.Context(), n, files)
			var invalid *pa.ValidationError
			require.ErrorAs(t, err, &invalid)
			require.Equal(t, tt.rule, invalid.Findings[0].Rule)
			require.Contains(t, invalid.Findings[0].Path, "documents[0]")
			require.Contains(t, invalid.Findings[0].Path, "atto.pdf")
			require.Empty(t, s.Exchanges())
		})
	}
	s := sendtest.New(t)
	n, files := notification(1)
	delete(files, "avviso.pdf")
	_, err := clientOf(t, s).Submit(t.Context(), n, files)
	require.ErrorContains(t, err, "recipients[0].payments[0].pagoPa.attachment")
	require.Empty(t, s.Exchanges())
	n.Documents[0].File = ""
	_, err = send.NewDeposit(n)
	require.ErrorContains(t, err, "documents[0]")
}

func TestDepositIsPure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t)
		c := clientOf(t, s)
		n, files := notification(1)
		d, err := send.NewDeposit(n)
		require.NoError(t, err)
		for !d.Stage.Done() {
			before := roundTrip(t, d)
			next, wait, err := c.Step(t.Context(), d, files)
			require.NoError(t, err)
			require.Equal(t, before, roundTrip(t, d), "the given state is not changed")
			time.Sleep(wait)
			d = next
		}
	})
}

func TestUnknownStage(t *testing.T) {
	c := clientOf(t, sendtest.New(t))
	_, _, err := c.Step(t.Context(), send.Deposit{Version: 1, Stage: "teleport"}, nil)
	require.ErrorContains(t, err, "newer version")
	_, _, err = c.Step(t.Context(), send.Deposit{Version: 99, Stage: send.StageHash}, nil)
	require.ErrorContains(t, err, "version 99")
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t)
		c := clientOf(t, s)
		n, files := notification(1)
		d, err := c.Submit(t.Context(), n, files)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		d, err = c.Await(ctx, d)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, send.StageAwait, d.Stage)
		d, err = c.Await(t.Context(), d)
		require.NoError(t, err)
		require.NotEmpty(t, d.IUN)
	})
}

// TestSources reads the same notification from memory, a folder and a spooled stream.
func TestSources(t *testing.T) {
	dir := t.TempDir()
	f, remove, err := send.Spool(strings.NewReader("%PDF-1.7 spooled"), dir)
	require.NoError(t, err)
	r, err := f.Open()
	require.NoError(t, err)
	data, err := io.ReadAll(r)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	require.Equal(t, "%PDF-1.7 spooled", string(data))
	require.NoError(t, remove())

	_, err = send.Dir(dir).File(t.Context(), "../../etc/passwd")
	require.Error(t, err)
	_, err = send.Dir(dir).File(t.Context(), ".")
	require.ErrorContains(t, err, "regular")
}

// TestNotificationFromJSON deposits one that was read from a file, attachments
// by name; the names are not sent.
func TestNotificationFromJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t)
		n, files := notification(1)
		data, err := json.Marshal(n)
		require.NoError(t, err)
		require.Contains(t, string(data), `"file":"atto.pdf"`)
		var read send.Notification
		require.NoError(t, json.Unmarshal(data, &read))
		_, err = clientOf(t, s).Submit(t.Context(), read, files)
		require.NoError(t, err)
		for _, x := range s.Exchanges() {
			require.NotContains(t, string(x.RequestBody), `"file"`)
		}
	})
}

// TestFileOnDiskChangedMeanwhile: what is not in memory is checked on its way.
func TestFileOnDiskChangedMeanwhile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "atto.pdf")
	require.NoError(t, os.WriteFile(name, []byte("%PDF-1.7 as it was"), 0o600))
	f, err := send.FromFile(name)
	require.NoError(t, err)
	s := sendtest.New(t)
	c := clientOf(t, s)
	p, err := send.Prepare(t.Context(), name, f, send.ContentPDF)
	require.NoError(t, err)
	slots, err := c.Preload(t.Context(), []send.Prepared{p})
	require.NoError(t, err)
	for _, changed := range []string{"%PDF-1.7 as it is!", "%PDF-1.7 short", "%PDF-1.7 longer than it was"} {
		require.NoError(t, os.WriteFile(name, []byte(changed), 0o600))
		_, err = c.Upload(t.Context(), slots[0], p, f)
		require.ErrorIs(t, err, send.ErrDigest, changed)
	}
	require.NoError(t, os.WriteFile(name, []byte("%PDF-1.7 as it was"), 0o600))
	_, err = c.Upload(t.Context(), slots[0], p, f)
	require.NoError(t, err)
}
