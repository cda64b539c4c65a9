package send

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/pa-italia/sdk-go/pa"
)

// Deposit is the state of one notification on its way from files to an IUN. It
// is plain JSON: save it after every [Client.Step] and a process that dies at
// any moment goes on where it was, in whatever queue or table the work lives.
//
// Every stage can be repeated. Nothing is ever sent twice: the protocol number
// and the idempotence token tell the platform, and the look-up that follows a
// lost reply, that it is the same request.
type Deposit struct {
	Version      int           `json:"version"` // of this form
	Stage        Stage         `json:"stage"`
	Notification Notification  `json:"notification"`
	Files        []DepositFile `json:"files"`

	NotificationRequestID string         `json:"notificationRequestId,omitempty"`
	SubmittedAt           time.Time      `json:"submittedAt,omitzero"` // when the platform took the request
	IUN                   string         `json:"iun,omitempty"`        // at StageAccepted
	Refusals              []RefusalError `json:"refusals,omitempty"`   // at StageRefused

	Tries int `json:"tries,omitempty"` // looks at the present stage, for growing waits
}

// DepositFile is an attachment of a deposit.
type DepositFile struct {
	At   string `json:"at"`   // path in the notification
	Name string `json:"name"` // for the Source
	Prepared
	Ref *Ref `json:"ref,omitempty"` // once uploaded
}

// Stage is where a deposit is.
type Stage string

const (
	StageHash     Stage = "hash"     // digests are to be taken
	StageUpload   Stage = "upload"   // files are to be announced and sent
	StageSubmit   Stage = "submit"   // the request is to be sent, or its fate to be found out
	StageAwait    Stage = "await"    // the platform validates
	StageAccepted Stage = "accepted" // there is an IUN: the notification exists
	StageRefused  Stage = "refused"  // it will never exist; Refusals says why
)

// Done reports whether there is nothing more to do.
func (s Stage) Done() bool { return s == StageAccepted || s == StageRefused }

const depositVersion = 1

// NewDeposit begins the deposit of a notification. Each attachment without a
// reference needs the name of its file. Where there is no idempotence token,
// one is derived from the protocol number, so that whoever deposits the same
// number again, also after a restart, deposits the same notification.
func NewDeposit(n Notification) (Deposit, error) {
	n = n.clone()
	if n.IdempotenceToken == "" {
		sum := sha256.Sum256([]byte(n.SenderTaxID + "\x00" + n.PaProtocolNumber))
		n.IdempotenceToken = "sdk-" + hex.EncodeToString(sum[:16])
	}
	d := Deposit{Version: depositVersion, Stage: StageHash, Notification: n}
	var findings []pa.Finding
	for path, a := range n.attachments() {
		switch {
		case a.Ref.Key != "":
			continue // uploaded by other means
		case a.File == "":
			findings = append(findings, pa.Finding{Path: path, Rule: "SEND_FILE_MISSING", Severity: pa.Invalid, Text: pa.Text{
				IT: "Manca il file dell'allegato.", EN: "the file of the attachment is missing"}})
		default:
			d.Files = append(d.Files, DepositFile{At: path, Name: a.File, Prepared: Prepared{ContentType: a.ContentType}})
		}
	}
	return d, pa.NewValidationError("send.Notification", findings)
}

// Err returns a [*RefusedError] where the request was refused.
func (d *Deposit) Err() error {
	if d.Stage != StageRefused {
		return nil
	}
	return &RefusedError{NotificationRequestID: d.NotificationRequestID, Reasons: d.Refusals}
}

func (d Deposit) clone() Deposit {
	d.Notification = d.Notification.clone()
	d.Files = slices.Clone(d.Files)
	d.Refusals = slices.Clone(d.Refusals)
	return d
}

// Step does the next thing of a deposit and returns the state after it, to be
// saved also where there is an error: part of the work may be done. The wait
// is how long to leave it alone before the next step; with an error for which
// pa.Temporary is true, how long before trying again. A final stage is
// returned as it is.
func (c *Client) Step(ctx context.Context, d Deposit, files Source) (Deposit, time.Duration, error) {
	d = d.clone()
	var wait time.Duration
	var err error
	switch d.Stage {
	case StageHash:
		err = c.hashStep(ctx, &d, files)
	case StageUpload:
		err = c.uploadStep(ctx, &d, files)
	case StageSubmit:
		wait, err = c.submitStep(ctx, &d)
	case StageAwait:
		wait, err = c.awaitStep(ctx, &d)
	case StageAccepted, StageRefused:
	default:
		err = fmt.Errorf("send: deposit at unknown stage %q: written by a newer version?", d.Stage)
	}
	if err != nil && wait == 0 {
		d.Tries++
		wait = waitAfter(err, d.Tries)
	}
	return d, wait, err
}

func (d *Deposit) enter(s Stage) {
	d.Stage, d.Tries = s, 0
}

// hashStep validates the notification, then takes the digests. Both are local:
// a deposit that gets past this stage has a chance.
func (c *Client) hashStep(ctx context.Context, d *Deposit, files Source) error {
	if d.Version != depositVersion {
		return fmt.Errorf("send: deposit of version %d, want %d", d.Version, depositVersion)
	}
	var findings []pa.Finding
	for _, f := range c.Validate(d.Notification) {
		if f.Rule != ruleReference { // references come with the upload
			findings = append(findings, f)
		}
	}
	for i := range d.Files {
		f := &d.Files[i]
		content, err := files.File(ctx, f.Name)
		if err == nil {
			f.Prepared, err = Prepare(ctx, f.At+" ("+f.Name+")", content, f.ContentType)
		}
		var invalid *pa.ValidationError
		switch {
		case errors.As(err, &invalid):
			findings = append(findings, invalid.Findings...)
		case err != nil:
			return fmt.Errorf("send: %s: %w", f.At, err)
		}
	}
	if err := pa.NewValidationError("send.Notification", findings); err != nil {
		return err
	}
	d.enter(StageUpload)
	return nil
}

// uploadStep announces and sends one batch. Slots are not kept in the state,
// where they would be a credential at rest: a repeat asks for new ones.
func (c *Client) uploadStep(ctx context.Context, d *Deposit, files Source) error {
	var batch []*DepositFile
	for i := range d.Files {
		if d.Files[i].Ref == nil && len(batch) < preloadBatch {
			batch = append(batch, &d.Files[i])
		}
	}
	if len(batch) == 0 {
		d.enter(StageSubmit)
		return nil
	}
	prepared := make([]Prepared, len(batch))
	for i, f := range batch {
		prepared[i] = f.Prepared
	}
	slots, err := c.Preload(ctx, prepared)
	if err != nil {
		return err
	}
	for i, f := range batch {
		content, err := files.File(ctx, f.Name)
		if err != nil {
			return fmt.Errorf("send: %s: %w", f.At, err)
		}
		ref, err := c.uploadRenewing(ctx, slots[i], f.Prepared, content)
		if err != nil {
			return fmt.Errorf("send: %s: %w", f.At, err)
		}
		f.Ref = &ref
	}
	if !slices.ContainsFunc(d.Files, func(f DepositFile) bool { return f.Ref == nil }) {
		d.enter(StageSubmit)
	}
	return nil
}

// request is the notification as it is sent.
func (d *Deposit) request() Notification {
	n := d.Notification.clone()
	byPath := make(map[string]*DepositFile, len(d.Files))
	for i := range d.Files {
		byPath[d.Files[i].At] = &d.Files[i]
	}
	for path, a := range n.attachments() {
		a.File = "" // ours
		if f, ok := byPath[path]; ok && f.Ref != nil {
			a.Digests.SHA256, a.Ref = f.SHA256, *f.Ref
		}
	}
	return n
}

// lookups is how often a look-up may find nothing before a conflict is taken
// to be about a notice: what was just written can take a moment to be seen.
const lookups = 3

// submitStep sends the request. A conflict or a lost reply is settled by
// looking up what the platform has under our protocol number and token.
func (c *Client) submitStep(ctx context.Context, d *Deposit) (time.Duration, error) {
	n := d.request()
	reply, err := c.submit(ctx, &n)
	conflict := errors.Is(err, pa.ErrConflict)
	switch {
	case err == nil:
		d.NotificationRequestID, d.SubmittedAt = reply.NotificationRequestID, time.Now().UTC()
		d.enter(StageAwait)
		return 0, nil
	case !conflict && !errors.Is(err, pa.ErrOutcomeUnknown):
		return 0, err
	}
	found, lookErr := c.RequestStatusByProtocol(ctx, n.PaProtocolNumber, n.IdempotenceToken)
	switch {
	case lookErr == nil:
		return c.adopt(d, &n, found)
	case !isNotFound(lookErr):
		return 0, lookErr
	case !conflict:
		// Not there, or not yet. The next step sends it again: the platform
		// keeps one per protocol number and token.
		return 0, err
	}
	if d.Tries++; d.Tries < lookups {
		return backoff(d.Tries), nil
	}
	return 0, c.noticeInUse(ctx, &n, err)
}

// adopt takes what was found under our protocol number and token for ours
// only where it is.
func (c *Client) adopt(d *Deposit, n *Notification, found *RequestStatus) (time.Duration, error) {
	if !sameRequest(n, &found.Notification) {
		return 0, fmt.Errorf("send.Submit: %w", ErrProtocolReused)
	}
	d.NotificationRequestID, d.SubmittedAt = found.NotificationRequestID, time.Now().UTC()
	d.enter(StageAwait)
	return c.settle(d, found), nil
}

// sameRequest compares what makes a notification: to whom, what, and the
// payments.
func sameRequest(a, b *Notification) bool { return slices.Equal(identity(a), identity(b)) }

func identity(n *Notification) []string {
	var id []string
	for _, r := range n.Recipients {
		id = append(id, "recipient", string(r.RecipientType), r.TaxID.Value())
		for _, p := range r.Payments {
			if p.PagoPA != nil {
				id = append(id, "pagoPa", p.PagoPA.CreditorTaxID, p.PagoPA.NoticeCode)
			}
			if p.F24 != nil {
				id = append(id, "f24", p.F24.Title)
			}
		}
	}
	for path, a := range n.attachments() {
		id = append(id, path, a.Digests.SHA256)
	}
	return id
}

// noticeInUse finds out which of the payments is taken. The platform may name
// it; where it does not, the price of a notice tells which notification has it.
func (c *Client) noticeInUse(ctx context.Context, n *Notification, conflict error) error {
	type place struct{ recipient, payment int }
	var all []place
	for i, r := range n.Recipients {
		for j, p := range r.Payments {
			if p.PagoPA != nil {
				all = append(all, place{i, j})
			}
		}
	}
	if len(all) == 0 {
		return conflict // not about a notice
	}
	taken := &NoticeInUseError{Recipient: -1, Payment: -1}
	var problem string
	if e, ok := errors.AsType[*pa.Error](conflict); ok {
		problem = string(e.Raw())
	}
	for _, p := range all {
		pagopa := n.Recipients[p.recipient].Payments[p.payment].PagoPA
		named := strings.Contains(problem, pagopa.NoticeCode)
		price, err := c.Price(ctx, pagopa.CreditorTaxID, pagopa.NoticeCode)
		if named || err == nil || len(all) == 1 {
			taken.Recipient, taken.Payment = p.recipient, p.payment
			if err == nil {
				taken.IUN = price.IUN
			}
			break
		}
	}
	return fmt.Errorf("send.Submit: %w", taken)
}

// awaitStep asks for the outcome.
func (c *Client) awaitStep(ctx context.Context, d *Deposit) (time.Duration, error) {
	status, err := c.RequestStatus(ctx, d.NotificationRequestID)
	if isNotFound(err) && d.Tries < lookups {
		d.Tries++
		return backoff(d.Tries), nil // just written
	}
	if err != nil {
		return 0, err
	}
	return c.settle(d, status), nil
}

// settle moves on with the outcome of the platform's validation, or returns
// how long to wait for it.
func (c *Client) settle(d *Deposit, s *RequestStatus) time.Duration {
	switch s.NotificationRequestStatus {
	case RequestAccepted:
		d.IUN = s.IUN
		d.enter(StageAccepted)
	case RequestRefused:
		d.Refusals = s.Errors
		d.enter(StageRefused)
	default:
		d.Tries++
		return max(s.Wait(), pollWait(s.Wait(), d.Tries))
	}
	return 0
}

// pollWait grows from what the platform asks for to thirty times that: the
// outcome comes within minutes or, rarely, within a day.
func pollWait(asked time.Duration, tries int) time.Duration {
	if asked == 0 {
		asked = time.Second
	}
	if tries <= 6 {
		return asked
	}
	return asked * time.Duration(min(1<<min(tries-6, 5), 30))
}

func backoff(tries int) time.Duration {
	d := time.Second << min(tries-1, 6)
	return d/2 + rand.N(d/2+1)
}

func waitAfter(err error, tries int) time.Duration {
	if e, ok := errors.AsType[*pa.Error](err); ok && e.RetryAfter > 0 {
		return e.RetryAfter
	}
	return backoff(tries)
}

// Complete drives a deposit to its end. It calls save after every step, also a
// failed one, and stops where save fails; nil saves nothing. Temporary failures
// are waited out until ctx ends; any other ends it, with the state so far. A
// refused request is a [*RefusedError].
func (c *Client) Complete(ctx context.Context, d Deposit, files Source, save func(Deposit) error) (Deposit, error) {
	return c.drive(ctx, d, files, save, Stage.Done)
}

// Submit deposits a notification and returns once the platform has taken the
// request; [Client.Await] waits for its outcome. Both are for programs that
// need not survive a crash: others keep a [Deposit].
func (c *Client) Submit(ctx context.Context, n Notification, files Source) (Deposit, error) {
	d, err := NewDeposit(n)
	if err != nil {
		return d, err
	}
	return c.drive(ctx, d, files, nil, func(s Stage) bool { return s.Done() || s == StageAwait })
}

// Await waits until a submitted request is accepted; a refused one is a
// [*RefusedError]. It asks as often as the platform wants, less often as time
// passes; bound it with ctx and go on later with the deposit it returns.
func (c *Client) Await(ctx context.Context, d Deposit) (Deposit, error) {
	return c.drive(ctx, d, Files(nil), nil, Stage.Done)
}

func (c *Client) drive(ctx context.Context, d Deposit, files Source, save func(Deposit) error, until func(Stage) bool) (Deposit, error) {
	for !until(d.Stage) {
		next, wait, err := c.Step(ctx, d, files)
		d = next
		if save != nil {
			if saveErr := save(d); saveErr != nil {
				return d, errors.Join(saveErr, err)
			}
		}
		if err != nil && (!pa.Temporary(err) || ctx.Err() != nil) {
			return d, err
		}
		if until(d.Stage) {
			break
		}
		if sleepErr := sleep(ctx, wait); sleepErr != nil {
			return d, errors.Join(sleepErr, err)
		}
	}
	return d, d.Err()
}

// sleep waits, or returns the cause of the end of the context.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
