package send

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
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
	SubmittedAt           time.Time      `json:"submittedAt,omitzero"` // when the request was known to be taken
	IUN                   string         `json:"iun,omitempty"`        // at StageAccepted
	Refusals              []RefusalError `json:"refusals,omitempty"`   // at StageRefused

	Tries   int `json:"tries,omitempty"`   // failures and polls of the present stage, for growing waits
	Lost    int `json:"lost,omitempty"`    // requests sent whose reply was lost
	Lookups int `json:"lookups,omitempty"` // look-ups after a conflict that found nothing
}

// DepositFile is an attachment of a deposit.
type DepositFile struct {
	At   string `json:"at"`   // path in the notification
	Name string `json:"name"` // for the Source
	Prepared
	Ref        *Ref      `json:"ref,omitempty"` // once uploaded
	UploadedAt time.Time `json:"uploadedAt,omitzero"`
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
		sum := sha256.Sum256([]byte(n.PaProtocolNumber)) // the platform knows the sender by the key
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

// clone copies what steps change: never the notification itself.
func (d Deposit) clone() Deposit {
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
	if d.Version != depositVersion {
		return d, 0, fmt.Errorf("send: deposit of version %d, want %d: written by a newer version?", d.Version, depositVersion)
	}
	if sender := d.Notification.SenderTaxID; c.cfg.Sender != "" && sender != "" && sender != c.cfg.Sender {
		return d, 0, &pa.ValidationError{Subject: "send.Deposit", Findings: []pa.Finding{senderMismatch}}
	}
	if files == nil {
		files = Files(nil)
	}
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
	d.Stage, d.Tries, d.Lost, d.Lookups = s, 0, 0, 0
}

// warn tells the log of what the platform may refuse.
func (c *Client) warn(ctx context.Context, f pa.Finding) {
	if log := c.cfg.Transport.Logger; log != nil {
		log.LogAttrs(ctx, slog.LevelWarn, "notification", slog.String("path", f.Path), slog.String("rule", f.Rule))
	}
}

// hashStep validates the notification, then takes the digests. Both are local:
// a deposit that gets past this stage has a chance.
func (c *Client) hashStep(ctx context.Context, d *Deposit, files Source) error {
	findings := c.Validate(d.Notification)
	c.fill(&d.Notification)
	opened := make(map[string]File, len(d.Files))
	for i := range d.Files {
		f := &d.Files[i]
		content, err := files.File(ctx, f.Name)
		if err == nil {
			opened[f.At] = content
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
	if !c.cfg.Validation.SkipPreflight {
		inside, err := preflightNotification(ctx, &d.Notification, c.cfg.Validation, opened)
		if err != nil {
			return err
		}
		findings = append(findings, inside...)
	}
	for _, f := range findings {
		if f.Severity != pa.Invalid {
			c.warn(ctx, f)
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
		f.Ref, f.UploadedAt = &ref, time.Now().UTC()
	}
	if !slices.ContainsFunc(d.Files, func(f DepositFile) bool { return f.Ref == nil }) {
		d.enter(StageSubmit)
	}
	return nil
}

// Request returns the notification as it is sent: with the digests and the
// references of the files uploaded so far, and without their names.
func (d *Deposit) Request() Notification {
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

// What was just written can take a moment to be seen: how many look-ups that
// find nothing it takes to believe a conflict to be about a notice. Where one
// of our requests may have arrived it takes minutes.
const (
	lookupsIfNew  = 5
	lookupsIfLost = 9
)

// staleAfter is the age at which an upload that is in no notification may be
// gone: the platform keeps it for seven days.
const staleAfter = 6 * 24 * time.Hour

// submitStep sends the request. A conflict or a lost reply is settled by
// looking up what the platform has under our protocol number and token.
func (c *Client) submitStep(ctx context.Context, d *Deposit) (time.Duration, error) {
	n := d.Request()
	if d.stale() {
		return c.renewStep(ctx, d, &n)
	}
	reply, err := c.submit(ctx, &n)
	conflict := errors.Is(err, pa.ErrConflict)
	switch {
	case reply.NotificationRequestID != "":
		d.NotificationRequestID, d.SubmittedAt = reply.NotificationRequestID, time.Now().UTC()
		d.enter(StageAwait)
		return 0, err // of the evidence, if any
	case !conflict && !errors.Is(err, pa.ErrOutcomeUnknown):
		return 0, err
	case !conflict:
		d.Lost++
	}
	found, lookErr := c.RequestStatusByProtocol(ctx, n.PaProtocolNumber, n.IdempotenceToken)
	switch {
	case found != nil:
		wait, err := c.adopt(d, &n, found)
		return wait, errors.Join(err, lookErr)
	case !isNotFound(lookErr):
		return 0, lookErr
	case !conflict:
		// Not there, or not yet. The next step sends it again: the platform
		// keeps one per protocol number and token.
		return 0, err
	}
	d.Lookups++
	enough := lookupsIfNew
	if d.Lost > 0 {
		enough = lookupsIfLost
	}
	if d.Lookups < enough {
		return min(backoff(d.Lookups), 30*time.Second), nil
	}
	return 0, c.noticeInUse(ctx, &n, err)
}

// stale reports whether an upload is too old to be sure of.
func (d *Deposit) stale() bool {
	return slices.ContainsFunc(d.Files, func(f DepositFile) bool { return !f.UploadedAt.IsZero() && time.Since(f.UploadedAt) > staleAfter })
}

// renewStep has stale files uploaded again, unless the request was sent in time.
func (c *Client) renewStep(ctx context.Context, d *Deposit, n *Notification) (time.Duration, error) {
	found, err := c.RequestStatusByProtocol(ctx, n.PaProtocolNumber, n.IdempotenceToken)
	switch {
	case found != nil:
		wait, adoptErr := c.adopt(d, n, found)
		return wait, errors.Join(adoptErr, err)
	case !isNotFound(err):
		return 0, err
	}
	for i := range d.Files {
		d.Files[i].Ref, d.Files[i].UploadedAt = nil, time.Time{}
	}
	d.enter(StageUpload)
	return 0, nil
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

// sameRequest compares what makes a notification, to whom, what, and the
// payments, and whatever else of the request the platform gives back: a
// correction under the same number is not the same request.
func sameRequest(ours, found *Notification) bool {
	return slices.Equal(identity(ours), identity(found)) && sameManner(ours, found)
}

func identity(n *Notification) []string {
	var id []string
	for _, r := range n.Recipients {
		id = append(id, "recipient", string(r.RecipientType), r.TaxID.Value())
		for _, p := range r.Payments {
			if p.PagoPA != nil {
				id = append(id, "pagoPa", p.PagoPA.CreditorTaxID, p.PagoPA.NoticeCode, strconv.FormatBool(p.PagoPA.ApplyCost))
			}
			if p.F24 != nil {
				id = append(id, "f24", p.F24.Title, strconv.FormatBool(p.F24.ApplyCost))
			}
		}
	}
	for path, a := range n.attachments() {
		id = append(id, path, a.Digests.SHA256)
	}
	return id
}

// sameManner compares how it is to be notified. What the platform does not
// give back is not compared. The recipients are known to be the same.
func sameManner(ours, found *Notification) bool {
	same := func(a, b string) bool {
		return b == "" || strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
	}
	if !same(ours.Subject, found.Subject) || !same(ours.Group, found.Group) ||
		!same(string(ours.PhysicalCommunicationType), string(found.PhysicalCommunicationType)) ||
		!same(string(ours.NotificationFeePolicy), string(found.NotificationFeePolicy)) {
		return false
	}
	for i := range ours.Recipients {
		a, b := &ours.Recipients[i], &found.Recipients[i]
		if !same(a.Denomination, b.Denomination) {
			return false
		}
		if b.DigitalDomicile != nil && (a.DigitalDomicile == nil || !same(a.DigitalDomicile.Address, b.DigitalDomicile.Address)) {
			return false
		}
		if b.PhysicalAddress == nil {
			continue
		}
		if a.PhysicalAddress == nil {
			continue // looked up by the platform
		}
		mine, theirs := a.PhysicalAddress.fields(), b.PhysicalAddress.fields()
		for j := range mine {
			if !same(mine[j].value, theirs[j].value) {
				return false
			}
		}
		if !same(a.PhysicalAddress.Zip, b.PhysicalAddress.Zip) {
			return false
		}
	}
	return true
}

// noticeInUse says which of the payments is taken: the one that the platform
// names, or the only one. Where it names none of several, a price tells which
// is in a notification.
func (c *Client) noticeInUse(ctx context.Context, n *Notification, conflict error) error {
	type place struct {
		recipient, payment int
		*PagoPAPayment
	}
	var all []place
	for i, r := range n.Recipients {
		for j, p := range r.Payments {
			if p.PagoPA != nil {
				all = append(all, place{i, j, p.PagoPA})
			}
		}
	}
	if len(all) == 0 {
		return conflict // not about a notice
	}
	var problem string
	if e, ok := errors.AsType[*pa.Error](conflict); ok {
		problem = string(e.Raw())
	}
	i := slices.IndexFunc(all, func(p place) bool { return strings.Contains(problem, p.NoticeCode) })
	if i < 0 && len(all) == 1 {
		i = 0
	}
	if i < 0 {
		i = slices.IndexFunc(all, func(p place) bool {
			_, err := c.Price(ctx, p.CreditorTaxID, p.NoticeCode)
			return err == nil
		})
	}
	taken := &NoticeInUseError{Recipient: -1, Payment: -1}
	if i >= 0 {
		taken.Recipient, taken.Payment = all[i].recipient, all[i].payment
	}
	return fmt.Errorf("send.Submit: %w", taken)
}

// awaitStep asks for the outcome.
func (c *Client) awaitStep(ctx context.Context, d *Deposit) (time.Duration, error) {
	status, err := c.RequestStatus(ctx, d.NotificationRequestID)
	if isNotFound(err) && d.Tries < lookupsIfLost {
		d.Tries++
		return backoff(d.Tries), nil // just written
	}
	if status == nil {
		return 0, err
	}
	return c.settle(d, status), err
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
		return pollWait(s.Wait(), d.Tries)
	}
	return 0
}

// pollWait grows from what the platform asks for to thirty times that: the
// outcome comes within minutes or, rarely, within a day.
func pollWait(asked time.Duration, tries int) time.Duration {
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
