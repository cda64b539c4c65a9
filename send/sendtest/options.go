package sendtest

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/pa-italia/sdk-go/pa/patest"
)

// The sender of a simulator that is given no other. Key and tax id are
// invented; the tax id has a valid check digit.
const (
	APIKey             = "00000000-aaaa-4000-8000-5e4d00000001"
	SenderTaxID        = "01234567897"
	SenderDenomination = "Comune di Esempio"
)

// Sender is an API key and the public administration behind it. Several keys
// may belong to one administration.
type Sender struct {
	APIKey       string
	TaxID        string // 11 digits; senderTaxId of a notification must be equal
	Denomination string

	// VoucherRequired is the flag pdnd of the key: calls without a PDND voucher
	// are denied, and without the flag calls with one are.
	VoucherRequired bool

	// Groups restrict the key to notifications and streams of these groups.
	Groups []string
	// ActiveGroups are the groups of the administration that a key without
	// groups may name, besides those of its other keys.
	ActiveGroups []string
	// SuspendedGroups are known to the administration and cannot be used.
	SuspendedGroups []string

	Over20Grams   bool // enabled for envelopes of more than 20 grams
	AddressLookup bool // enabled to leave the physical address out

	// StreamLimit is how many active streams the administration may have, and
	// StreamRetry the wait that an empty page of events tells, in life-cycle
	// time, where they are not those of all senders.
	StreamLimit int
	StreamRetry time.Duration
}

// Limits are the sizes that the platform sets by configuration; the defaults
// are those of its development and test environments.
type Limits struct {
	Attachments       int   // documents and attachments of a notification; 0: any number
	Recipients        int   // 0: any number
	DenominationChars int   // of a recipient
	PDFBytes          int64 // accepted; larger files are refused as FILE_PDF_TOOBIG_ERROR
	UploadBytes       int64 // received at all
	StreamPage        int   // events of a page
}

// Terms are the waits of the life cycle, in life-cycle time.
type Terms struct {
	Acceptance      time.Duration // from the request to its acceptance or refusal
	RequestRetry    time.Duration // retryAfter of a request that is still WAITING
	AfterCourtesy   time.Duration // from a courtesy message to paper
	SecondDigital   time.Duration // between the two digital attempts
	DigitalSuccess  time.Duration // refinement
	DigitalFailure  time.Duration
	Analog          time.Duration
	LegalFact       time.Duration // making a legal fact
	StreamRetry     time.Duration // retry-after of an empty page
	PaperSecond     time.Duration // what a second of a paper sequence stands for
	Storage         time.Duration // life of a file that no notification uses
	StreamEvents    time.Duration // retention
	DisabledStreams time.Duration // until a disabled stream is removed
	Documents       time.Duration // availability of documents after perfection
	DowntimeFact    time.Duration // from the end of a downtime to its legal fact
}

// Tariffs are analog costs, in euro cents. The real ones depend on weight,
// place and tender.
type Tariffs struct {
	AR, L890, RIR int64 // registered letters: AR, 890 (judicial), abroad
	RS, RIS       int64 // simple registered letters, abroad
}

// ColdStorage makes the first requests for a kind of file answer with
// retryAfter instead of an URL.
type ColdStorage struct {
	Answers    int           // how many times per file; 0: never
	RetryAfter time.Duration // told to the client, in life-cycle time
}

// Option configures a simulator.
type Option func(*settings) error

type settings struct {
	clock          *patest.Clock
	addr           string
	remote         bool
	baseURL        string
	seed           uint64
	senders        []Sender
	checkVoucher   func(string) error
	authorizer     time.Duration // wire time
	limits         Limits
	terms          Terms
	tariff         func(Letter) int64
	streamLimit    int
	enforceRetry   bool
	preOutcomes    bool
	cold           ColdStorage
	unknownTaxIDs  map[string]bool
	courtesy       map[string]digitalAddress
	domiciles      map[string][]domicile
	residences     map[string]physicalAddress
	gpd            func(FeeUpdate) int
	incidents      []Incident
	normaliser     func(Address) bool
	failingTaxIDs  map[string]bool
	duplicateRate  float64
	disorderedRate float64
}

func defaults() settings {
	return settings{
		clock:      patest.RealTime(),
		baseURL:    "https://send.simulator.invalid",
		seed:       1,
		authorizer: time.Minute,
		limits:     Limits{Attachments: 15, Recipients: 15, DenominationChars: 44, PDFBytes: 200 << 20, UploadBytes: 210 << 20, StreamPage: 50},
		terms: Terms{
			Acceptance:      time.Minute,
			RequestRetry:    10 * time.Second,
			AfterCourtesy:   5 * day,
			SecondDigital:   7 * day,
			DigitalSuccess:  7 * day,
			DigitalFailure:  15 * day,
			Analog:          10 * day,
			LegalFact:       10 * time.Second,
			StreamRetry:     time.Minute,
			PaperSecond:     4 * time.Hour,
			Storage:         7 * day,
			StreamEvents:    7 * day,
			DisabledStreams: 14 * day,
			Documents:       120 * day,
			DowntimeFact:    day,
		},
		tariff:      Tariffs{AR: 400, L890: 900, RIR: 700, RS: 194, RIS: 500}.cost,
		streamLimit: 10,
		// The tax id that the official test-suite uses for one that is well
		// formed and unknown to Agenzia delle Entrate, and its accounts with a
		// domicile on the platform.
		unknownTaxIDs: map[string]bool{"LNALNI80A01H501T": true},
		failingTaxIDs: map[string]bool{},
		courtesy:      map[string]digitalAddress{},
		residences:    map[string]physicalAddress{},
		domiciles: map[string][]domicile{
			"GLLGLL64B15G702I": {{source: sourcePlatform, kind: "SERCQ", address: "x-pagopa-pn-sercq:send-self:notification-already-delivered"}},
			"FLPCPT69A65Z336P": {{source: sourcePlatform, kind: "PEC", address: "pectest@pec.pagopa.it"}},
		},
	}
}

const day = 24 * time.Hour

// WithClock sets the life-cycle time. The default is real time.
func WithClock(c *patest.Clock) Option {
	return func(s *settings) error {
		if c == nil {
			return errors.New("sendtest: WithClock needs a clock")
		}
		s.clock = c
		return nil
	}
}

// WithAddr listens on a loopback address, such as 127.0.0.1:8080.
func WithAddr(addr string) Option {
	return func(s *settings) error { s.addr = addr; return nil }
}

// WithRemoteAddr listens on an address that other machines can reach.
func WithRemoteAddr(addr string) Option {
	return func(s *settings) error { s.addr, s.remote = addr, true; return nil }
}

// WithBaseURL says where a simulator that is mounted in another server is
// reached. Presigned URLs lie under it.
func WithBaseURL(base string) Option {
	return func(s *settings) error {
		if u, err := url.Parse(base); err != nil || u.Host == "" {
			return fmt.Errorf("sendtest: the base URL is not absolute: %q", base)
		}
		s.baseURL = base
		return nil
	}
}

// WithSeed sets the seed of identifiers and of faults given by rate.
func WithSeed(seed uint64) Option {
	return func(s *settings) error { s.seed = seed; return nil }
}

// WithSender adds an API key. The default sender exists only while there is no
// other.
func WithSender(sender Sender) Option {
	return func(s *settings) error {
		if sender.APIKey == "" || !taxIDSchema.Pattern.MatchString(sender.TaxID) || len(sender.TaxID) != 11 {
			return errors.New("sendtest: a sender needs an API key and a tax id of 11 digits")
		}
		for _, other := range s.senders {
			if other.APIKey == sender.APIKey {
				return errors.New("sendtest: the same API key is given twice")
			}
		}
		s.senders = append(s.senders, sender)
		return nil
	}
}

// WithVoucherCheck sets the check of PDND vouchers. It is asked when the cached
// answer of the authorizer has expired, with the state locked: it must not
// call the simulator.
func WithVoucherCheck(check func(voucher string) error) Option {
	return func(s *settings) error { s.checkVoucher = check; return nil }
}

// WithAuthorizerCache sets how long (wire time) an answer about an API key
// holds, whatever voucher comes with it. The platform, and the default, is 60
// seconds; 0 asks at every call.
func WithAuthorizerCache(d time.Duration) Option {
	return func(s *settings) error { s.authorizer = d; return nil }
}

// WithLimits changes the limits: change is given the defaults.
func WithLimits(change func(*Limits)) Option {
	return func(s *settings) error { change(&s.limits); return nil }
}

// WithTerms changes the waits of the life cycle: change is given the defaults.
func WithTerms(change func(*Terms)) Option {
	return func(s *settings) error { change(&s.terms); return nil }
}

// Letter is what the cost of an envelope depends on.
type Letter struct {
	Product           string // AR, 890, RIR, RS or RIS
	Zip, ForeignState string
	Attempt           int // 0 or 1
	Pages, Grams      int // the notice included
}

// WithTariffs sets analog costs that depend on the product alone.
func WithTariffs(t Tariffs) Option { return WithTariff(t.cost) }

// WithTariff sets the analog cost, in euro cents, of each letter. It is called
// with the state locked.
func WithTariff(cost func(Letter) int64) Option {
	return func(s *settings) error {
		if cost == nil {
			return errors.New("sendtest: WithTariff needs a function")
		}
		s.tariff = cost
		return nil
	}
}

// WithStreamLimit sets how many active streams a sender may have; 10 if not
// given.
func WithStreamLimit(n int) Option {
	return func(s *settings) error { s.streamLimit = n; return nil }
}

// WithRetryAfter sets the wait that an empty page of events tells, in
// life-cycle time, and whether an earlier call is refused with 429.
func WithRetryAfter(d time.Duration, enforced bool) Option {
	return func(s *settings) error { s.terms.StreamRetry, s.enforceRetry = d, enforced; return nil }
}

// WithPreOutcomes shows the provisional paper codes (ending in A or D, CON018,
// RECAG012A), which the platform hides by default.
func WithPreOutcomes(shown bool) Option {
	return func(s *settings) error { s.preOutcomes = shown; return nil }
}

// WithColdStorage makes files wait before they can be downloaded.
func WithColdStorage(c ColdStorage) Option {
	return func(s *settings) error { s.cold = c; return nil }
}

// WithUnknownTaxIDs adds tax ids that are well formed and that Agenzia delle
// Entrate does not know: TAXID_NOT_VALID.
func WithUnknownTaxIDs(taxIDs ...string) Option {
	return func(s *settings) error {
		for _, id := range taxIDs {
			s.unknownTaxIDs[id] = true
		}
		return nil
	}
}

// WithCourtesy gives a recipient a contact for courtesy messages, which make
// paper wait: kind is APPIO, EMAIL or SMS.
func WithCourtesy(taxID, kind, address string) Option {
	return func(s *settings) error {
		if kind != "APPIO" && kind != "EMAIL" && kind != "SMS" {
			return fmt.Errorf("sendtest: a courtesy contact is APPIO, EMAIL or SMS, not %q", kind)
		}
		s.courtesy[taxID] = digitalAddress{Type: kind, Address: address}
		return nil
	}
}

// WithPlatformDomicile gives a recipient a digital domicile on the platform,
// which wins over the one of the notification: kind is PEC or SERCQ. A second
// address takes the place of the first when a message to it has failed.
func WithPlatformDomicile(taxID, kind, address string, changed ...string) Option {
	return withDomicile(taxID, domicile{source: sourcePlatform, kind: kind, address: address}, changed)
}

// WithGeneralDomicile gives a recipient a PEC in the national registries (INAD
// or INI-PEC), which is tried after the others. A second address takes the
// place of the first when a message to it has failed.
func WithGeneralDomicile(taxID, address string, changed ...string) Option {
	return withDomicile(taxID, domicile{source: sourceGeneral, kind: "PEC", address: address}, changed)
}

func withDomicile(taxID string, d domicile, changed []string) Option {
	return func(s *settings) error {
		switch {
		case len(changed) > 1:
			return errors.New("sendtest: a domicile changes once at most")
		case len(changed) == 1 && changed[0] != d.address:
			d.next = changed[0]
		}
		if d.kind != "PEC" && d.kind != "SERCQ" {
			return fmt.Errorf("sendtest: a domicile is PEC or SERCQ, not %q", d.kind)
		}
		others := slices.DeleteFunc(slices.Clone(s.domiciles[taxID]), func(o domicile) bool { return o.source == d.source })
		s.domiciles[taxID] = append(others, d)
		return nil
	}
}

// Address is a physical address of the national registries.
type Address struct {
	Street, Zip, Municipality, Province, ForeignState string
}

// WithRegistryAddress gives a recipient an address in the national registries:
// it serves a second paper attempt and notifications without an address.
func WithRegistryAddress(taxID string, a Address) Option {
	return func(s *settings) error {
		s.residences[taxID] = physicalAddress{
			Address: a.Street, Zip: a.Zip, Municipality: a.Municipality, Province: a.Province, ForeignState: a.ForeignState,
		}
		return nil
	}
}

// WithGPD is the archive of debt positions, which the platform keeps up to date
// for notifications with pagoPaIntMode ASYNC and notificationFeePolicy
// DELIVERY_MODE. It returns a status of GPD: 200; 209 for a position under
// payment, which counts as done; 404 or 422 for one that is not known or cannot
// be changed, which refuses a request in its validation; any other is asked
// again later. Without it every position answers 200. It is called with the
// state locked: it must not call the simulator.
func WithGPD(update func(FeeUpdate) (status int)) Option {
	return func(s *settings) error { s.gpd = update; return nil }
}

// WithNormaliser sets which Italian and foreign addresses the normaliser takes
// for deliverable, beyond the rule that an Italian one needs a postal code: the
// others are refused as NOT_VALID_ADDRESS. The simulator itself knows no
// places. It is called with the state locked.
func WithNormaliser(deliverable func(Address) bool) Option {
	return func(s *settings) error { s.normaliser = deliverable; return nil }
}

// WithFailingRegistry adds tax ids whose address the national registries cannot
// look up because of an error: ADDRESS_SEARCH_FAILED.
func WithFailingRegistry(taxIDs ...string) Option {
	return func(s *settings) error {
		for _, id := range taxIDs {
			s.failingTaxIDs[id] = true
		}
		return nil
	}
}

// WithStreamDisorder makes streams deliver this share of events twice, and
// this share after the event that follows them.
func WithStreamDisorder(duplicates, swapped float64) Option {
	return func(s *settings) error {
		if min(duplicates, swapped) < 0 || max(duplicates, swapped) > 1 {
			return errors.New("sendtest: a share lies between 0 and 1")
		}
		s.duplicateRate, s.disorderedRate = duplicates, swapped
		return nil
	}
}
