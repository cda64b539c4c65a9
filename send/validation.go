package send

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pa-italia/sdk-go/fiscal"
	"github.com/pa-italia/sdk-go/pa"
)

// Validation adjusts the local rules. Rules that follow from the contract, the
// law or a check digit are errors and cannot be changed; the others, known
// from settings that can differ per sender, are warnings whose limits are here.
type Validation struct {
	MaxRecipients   int // default 15, negative for none
	MaxAttachments  int // documents and payment documents together; default 15, negative for none
	MaxDenomination int // default 44
	MaxAddressRow   int // characters of a printed row; default 44
	// AddressLookup says that the sender may leave addresses out, to be
	// looked up by the platform.
	AddressLookup bool
	// SkipPreflight leaves the inside of the documents unread: see [Preflight].
	SkipPreflight bool
	// Promote makes errors of the warnings with these codes; "*" of all.
	Promote []string
}

func (v Validation) complete() Validation {
	set := func(field *int, def int) {
		if *field == 0 {
			*field = def
		}
	}
	set(&v.MaxRecipients, 15)
	set(&v.MaxAttachments, 15)
	set(&v.MaxDenomination, 44)
	set(&v.MaxAddressRow, 44)
	return v
}

// Validate checks a notification against the rules that can be checked without
// the platform and returns all that it breaks, warnings included. A deposit
// does the same, and goes no further where one is an error.
func (c *Client) Validate(n Notification) []pa.Finding {
	c.fill(&n)
	return validate(&n, c.cfg)
}

// fill puts in what follows from the credentials.
func (c *Client) fill(n *Notification) {
	if n.SenderTaxID == "" {
		n.SenderTaxID = c.cfg.Sender
	}
	if n.Group == "" {
		n.Group = c.cfg.Group
	}
}

func validate(n *Notification, cfg Config) []pa.Finding {
	k := &checker{n: n, v: cfg.Validation.complete(), env: cfg.Environment, sender: cfg.Sender, version: cfg.Versions.Requests}
	for i := range n.Recipients {
		k.recipients = append(k.recipients, at("recipients", i))
	}
	for path, p := range n.payments() {
		k.payments = append(k.payments, payment{path, p})
	}
	for path, a := range n.attachments() {
		k.attachments = append(k.attachments, attached{path, a})
	}
	for _, r := range rules() {
		k.rule = r
		r.check(k)
	}
	return k.findings
}

// rule is a local rule: what the platform would say, before it costs anything.
type rule struct {
	code     string
	severity pa.Severity
	text     pa.Text
	check    func(k *checker)
}

// checker walks a notification for one rule at a time.
type checker struct {
	n        *Notification
	v        Validation
	env      pa.Environment
	sender   string
	version  Version
	rule     rule
	findings []pa.Finding

	// The parts of the notification with their paths, found once.
	recipients  []string
	payments    []payment
	attachments []attached
}

type payment struct {
	path string
	*Payment
}

type attached struct {
	path string
	*Attachment
}

// broken reports the present rule at a path, given in pieces.
func (k *checker) broken(path ...string) {
	severity := k.rule.severity
	if slices.Contains(k.v.Promote, "*") || slices.Contains(k.v.Promote, k.rule.code) {
		severity = pa.Invalid
	}
	k.findings = append(k.findings, pa.Finding{Path: strings.Join(path, ""), Rule: k.rule.code, Severity: severity, Text: k.rule.text})
}

func (k *checker) brokenIf(bad bool, path ...string) {
	if bad {
		k.broken(path...)
	}
}

// eachRecipient walks with the path of what it passes.
func (k *checker) eachRecipient(f func(path string, r *Recipient)) {
	for i := range k.n.Recipients {
		f(k.recipients[i], &k.n.Recipients[i])
	}
}

func (k *checker) eachPayment(f func(path string, p *Payment)) {
	for _, p := range k.payments {
		f(p.path, p.Payment)
	}
}

// text is a field that people write, with its bounds in the contract.
type text struct {
	path, name        string
	value             string
	shortest, longest int
}

func (k *checker) eachText(f func(t text)) {
	n := k.n
	f(text{"", "paProtocolNumber", n.PaProtocolNumber, 1, 256})
	f(text{"", "subject", n.Subject, 1, 134})
	f(text{"", "abstract", n.Abstract, 0, 1024})
	f(text{"", "senderDenomination", n.SenderDenomination, 1, 88})
	for i, d := range n.Documents { // the first of the attachments
		f(text{k.attachments[i].path, ".title", d.Title, 0, 512})
	}
	for i, r := range n.Recipients {
		path := k.recipients[i]
		f(text{path, ".denomination", r.Denomination, 1, 88})
		a := r.PhysicalAddress
		if a == nil {
			continue
		}
		f(text{path, ".physicalAddress.at", a.At, 0, 44})
		f(text{path, ".physicalAddress.address", a.Address, 2, 1024})
		f(text{path, ".physicalAddress.addressDetails", a.AddressDetails, 0, 1024})
		f(text{path, ".physicalAddress.municipality", a.Municipality, 2, 256})
		f(text{path, ".physicalAddress.municipalityDetails", a.MunicipalityDetails, 0, 256})
		f(text{path, ".physicalAddress.province", a.Province, 0, 256})
		f(text{path, ".physicalAddress.foreignState", a.ForeignState, 0, 256})
	}
}

var (
	asciiPattern    = regexp.MustCompile(`^[ -~]*$`)
	taxonomyPattern = regexp.MustCompile(`^[0-9]{6}[A-Z]$`)
	noticePattern   = regexp.MustCompile(`^[0-9]{18}$`)
	bodyPattern     = regexp.MustCompile(`^[0-9]{11}$`)
	iunPattern      = regexp.MustCompile(`^[A-Z]{4}-[A-Z]{4}-[A-Z]{4}-[0-9]{6}-[A-Z]-[0-9]$`)
	zipPattern      = regexp.MustCompile(`^[\w -]{0,15}$`)
	keyPattern      = regexp.MustCompile(`^(safestorage://)?[A-Za-z0-9._-]{1,512}$`)
	digestPattern   = regexp.MustCompile(`^[A-Za-z0-9+/]{43}=$`)
	// pecPattern is the part of the contract's pattern that addresses in use have.
	pecPattern = regexp.MustCompile("^[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+)*@([a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?\\.)+[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?$")
	// addressPattern is what the platform prints; test environments also let
	// their triggers through.
	addressPattern     = regexp.MustCompile(`^[0-9A-Za-z./ '\-]*$`)
	testAddressPattern = regexp.MustCompile(`^[0-9A-Za-z./ '\-@_;:\[\]]*$`)
	latinPattern       = regexp.MustCompile(`^[ -~¡-ÿ]*$`)
	addressTrigger     = regexp.MustCompile(`(?i)@(ok|fail|sequence)`)
	domicileTrigger    = regexp.MustCompile(`(?i)@(fail\.|sequence\.)`)
)

// senderMismatch is a notification of another sender than the credentials.
var senderMismatch = pa.Finding{Path: "senderTaxId", Rule: "SEND_SENDER_MISMATCH", Severity: pa.Invalid, Text: pa.Text{
	IT: "Le credenziali sono di un altro ente.", EN: "the credentials belong to another sender"}}

// testTaxIDs are the recipients and the creditor that exist in the test
// environments only (UAT test cases of the official documentation).
var testTaxIDs = []string{"BNRMHL75C06G702B", "MNDLCU98T68C933T", "FLPCPT69A65Z336P", "GLLGLL64B15G702I", "77777777777"}

// rules are the local rules, those of the whole first. Where a rule is an
// error its source is the contract (SEND B2B 2.24.2) or a check that the
// service makes without any setting.
func rules() []rule {
	return []rule{
		{"SEND_REQUIRED", pa.Invalid, pa.Text{IT: "Il campo è obbligatorio.", EN: "the field is required"}, func(k *checker) {
			n := k.n
			k.brokenIf(len(n.Recipients) == 0, "recipients")
			k.brokenIf(len(n.Documents) == 0, "documents")
			k.eachText(func(t text) { k.brokenIf(t.shortest > 0 && strings.TrimSpace(t.value) == "", t.path, t.name) })
			k.eachRecipient(func(path string, r *Recipient) { k.brokenIf(r.TaxID.IsZero(), path, ".taxId") })
		}},
		{"SEND_LENGTH", pa.Invalid, pa.Text{IT: "Il testo è più corto o più lungo di quanto ammesso.", EN: "the text is shorter or longer than allowed"}, func(k *checker) {
			k.eachText(func(t text) {
				size := utf8.RuneCountInString(t.value)
				k.brokenIf(size > t.longest || size > 0 && size < t.shortest, t.path, t.name)
			})
		}},
		{"SEND_ONE_LINE", pa.Invalid, pa.Text{IT: "Il testo non può andare a capo.", EN: "the text cannot have line breaks"}, func(k *checker) {
			k.eachText(func(t text) { k.brokenIf(strings.ContainsAny(t.value, "\n\r\u0085\u2028\u2029"), t.path, t.name) })
		}},
		{"SEND_TOKEN", pa.Invalid, pa.Text{IT: "Sono ammessi fino a 256 caratteri ASCII stampabili.", EN: "up to 256 printable ASCII characters are allowed"}, func(k *checker) {
			k.brokenIf(len(k.n.IdempotenceToken) > 256 || !asciiPattern.MatchString(k.n.IdempotenceToken), "idempotenceToken")
		}},
		{"SEND_GROUP", pa.Invalid, pa.Text{IT: "Il gruppo è un identificativo di caratteri ASCII.", EN: "the group is an identifier of ASCII characters"}, func(k *checker) {
			k.brokenIf(len(k.n.Group) > 1024 || !asciiPattern.MatchString(k.n.Group), "group")
		}},
		{"SEND_SENDER_TAXID", pa.Invalid, pa.Text{IT: "Serve il codice fiscale dell'ente: 11 cifre.", EN: "the tax code of the sender is needed: 11 digits"}, func(k *checker) {
			k.brokenIf(!bodyPattern.MatchString(k.n.SenderTaxID), "senderTaxId")
		}},
		{senderMismatch.Rule, pa.Invalid, senderMismatch.Text, func(k *checker) {
			k.brokenIf(k.sender != "" && k.n.SenderTaxID != k.sender, "senderTaxId")
		}},
		{"SEND_VERSION", pa.Invalid, pa.Text{
			IT: "Questa versione delle API non ha il campo: scegliere una versione più recente delle richieste.",
			EN: "this version of the API does not have the field: choose a newer version of the requests"}, func(k *checker) {
			k.brokenIf(k.n.PhysicalCommunicationPriority != nil && k.version.before("v2.6"), "physicalCommunicationPriority")
			k.brokenIf(len(k.n.AdditionalLanguages) > 0 && k.version.before("v2.4"), "additionalLanguages")
		}},
		{"SEND_PRIORITY", pa.Invalid, pa.Text{IT: "La priorità va da 0 a 100.", EN: "the priority goes from 0 to 100"}, func(k *checker) {
			p := k.n.PhysicalCommunicationPriority
			k.brokenIf(p != nil && (*p < 0 || *p > 100), "physicalCommunicationPriority")
		}},
		{"SEND_TAXONOMY", pa.Invalid, pa.Text{IT: "Il codice tassonomico ha la forma 010101P: sei cifre e una lettera.", EN: "a taxonomy code has the form 010101P: six digits and a letter"}, func(k *checker) {
			k.brokenIf(!taxonomyPattern.MatchString(k.n.TaxonomyCode), "taxonomyCode")
		}},
		{"SEND_IUN", pa.Invalid, pa.Text{IT: "Non è un IUN.", EN: "this is not an IUN"}, func(k *checker) {
			k.brokenIf(k.n.CancelledIUN != "" && !iunPattern.MatchString(k.n.CancelledIUN), "cancelledIun")
		}},
		{"SEND_ENUM", pa.Invalid, pa.Text{IT: "Il valore non è tra quelli ammessi.", EN: "the value is not one of those allowed"}, func(k *checker) {
			n := k.n
			k.brokenIf(n.NotificationFeePolicy != FlatRate && n.NotificationFeePolicy != DeliveryMode, "notificationFeePolicy")
			k.brokenIf(n.PhysicalCommunicationType != RegisteredLetterAR && n.PhysicalCommunicationType != RegisteredLetter890, "physicalCommunicationType")
			k.brokenIf(!slices.Contains([]IntMode{"", IntModeNone, IntModeSync, IntModeAsync}, n.PagoPaIntMode), "pagoPaIntMode")
			k.eachRecipient(func(path string, r *Recipient) {
				k.brokenIf(r.RecipientType != NaturalPerson && r.RecipientType != LegalPerson, path, ".recipientType")
			})
		}},
		{"SEND_TAXID", pa.Invalid, pa.Text{
			IT: "Il codice fiscale non è valido: per una persona fisica 16 caratteri con il carattere di controllo giusto, per una giuridica 11 cifre.",
			EN: "the tax code is not valid: 16 characters with the right check character for a natural person, 11 digits for a legal one"}, func(k *checker) {
			k.eachRecipient(func(path string, r *Recipient) { k.brokenIf(!r.TaxID.IsZero() && !taxIDFits(r), path, ".taxId") })
		}},
		{"SEND_TAXID_TEMPORARY", pa.Warning, pa.Text{
			IT: "Un codice fiscale numerico per una persona fisica può essere rifiutato.",
			EN: "a numeric tax code of a natural person may be refused"}, func(k *checker) {
			k.eachRecipient(func(path string, r *Recipient) {
				k.brokenIf(r.RecipientType == NaturalPerson && bodyPattern.MatchString(r.TaxID.Value()), path, ".taxId")
			})
		}},
		{"SEND_TAXID_TWICE", pa.Invalid, pa.Text{IT: "Lo stesso destinatario compare due volte.", EN: "the same recipient is there twice"}, func(k *checker) {
			seen := map[string]bool{}
			k.eachRecipient(func(path string, r *Recipient) {
				k.brokenIf(!r.TaxID.IsZero() && seen[r.TaxID.Value()], path, ".taxId")
				seen[r.TaxID.Value()] = true
			})
		}},
		{"SEND_TEST_DATA", pa.Invalid, pa.Text{
			IT: "È un dato di prova (codice fiscale, indirizzo o domicilio dei casi di test): in produzione non è ammesso.",
			EN: "this is test data (tax code, address or domicile of the test cases): not allowed in production"}, func(k *checker) {
			if !k.env.Real() {
				return
			}
			k.eachRecipient(func(path string, r *Recipient) {
				k.brokenIf(slices.Contains(testTaxIDs, r.TaxID.Value()), path, ".taxId")
				k.brokenIf(r.DigitalDomicile != nil && domicileTrigger.MatchString(r.DigitalDomicile.Address), path, ".digitalDomicile.address")
				k.brokenIf(r.PhysicalAddress != nil && addressTrigger.MatchString(r.PhysicalAddress.Address), path, ".physicalAddress.address")
			})
			k.eachPayment(func(path string, p *Payment) {
				k.brokenIf(p.PagoPA != nil && slices.Contains(testTaxIDs, p.PagoPA.CreditorTaxID), path, ".pagoPa.creditorTaxId")
			})
		}},
		{"SEND_DOMICILE", pa.Invalid, pa.Text{IT: "Il domicilio digitale è un indirizzo PEC, fino a 320 caratteri.", EN: "a digital domicile is a PEC address, up to 320 characters"}, func(k *checker) {
			k.eachRecipient(func(path string, r *Recipient) {
				d := r.DigitalDomicile
				if d == nil {
					return
				}
				k.brokenIf(d.Type != "PEC", path, ".digitalDomicile.type")
				k.brokenIf(len(d.Address) > 320 || !pecPattern.MatchString(d.Address), path, ".digitalDomicile.address")
			})
		}},
		{"SEND_ADDRESS_MISSING", pa.Invalid, pa.Text{
			IT: "L'indirizzo fisico è obbligatorio con questa versione delle API.",
			EN: "the physical address is required under this version of the API"}, func(k *checker) {
			if k.version.before("v2.5") {
				k.eachRecipient(func(path string, r *Recipient) { k.brokenIf(r.PhysicalAddress == nil, path, ".physicalAddress") })
			}
		}},
		{"SEND_ADDRESS_LOOKUP", pa.Warning, pa.Text{
			IT: "L'indirizzo fisico può mancare solo se l'ente è abilitato alla ricerca degli indirizzi.",
			EN: "the physical address may be left out only where the sender is enabled for address look-up"}, func(k *checker) {
			if !k.v.AddressLookup && !k.version.before("v2.5") {
				k.eachRecipient(func(path string, r *Recipient) { k.brokenIf(r.PhysicalAddress == nil, path, ".physicalAddress") })
			}
		}},
		{"SEND_ADDRESS_ITALY", pa.Invalid, pa.Text{IT: "In Italia servono CAP e provincia.", EN: "in Italy zip and province are needed"}, func(k *checker) {
			k.eachRecipient(func(path string, r *Recipient) {
				if a := r.PhysicalAddress; a != nil && a.inItaly() {
					k.brokenIf(a.Zip == "", path, ".physicalAddress.zip")
					k.brokenIf(a.Province == "", path, ".physicalAddress.province")
				}
			})
		}},
		{"SEND_ZIP", pa.Invalid, pa.Text{IT: "Il CAP ha fino a 15 caratteri tra lettere, cifre, spazi e trattini.", EN: "a zip has up to 15 letters, digits, blanks and hyphens"}, func(k *checker) {
			k.eachRecipient(func(path string, r *Recipient) {
				k.brokenIf(r.PhysicalAddress != nil && !zipPattern.MatchString(r.PhysicalAddress.Zip), path, ".physicalAddress.zip")
			})
		}},
		{"SEND_ADDRESS_CHARS", pa.Warning, pa.Text{
			IT: "L'indirizzo ha caratteri che SEND può rifiutare: restano sicuri lettere, cifre, spazi, punto, barra, apostrofo e trattino.",
			EN: "the address has characters that SEND may refuse: letters, digits, blanks, dot, slash, apostrophe and hyphen are safe"}, func(k *checker) {
			allowed := testAddressPattern
			if k.env.Real() {
				allowed = addressPattern
			}
			k.eachRecipient(func(path string, r *Recipient) {
				for _, f := range r.PhysicalAddress.fields() {
					k.brokenIf(!allowed.MatchString(f.value), path, ".physicalAddress.", f.name)
				}
			})
		}},
		{"SEND_ADDRESS_ROW", pa.Warning, pa.Text{
			IT: "Una riga dell'indirizzo stampato è troppo lunga: si contano insieme presso e frazione, e CAP, comune e provincia.",
			EN: "a row of the printed address is too long: at and municipalityDetails count together, as do zip, municipality and province"}, func(k *checker) {
			k.eachRecipient(func(path string, r *Recipient) {
				for _, row := range r.PhysicalAddress.rows() {
					k.brokenIf(k.v.MaxAddressRow > 0 && utf8.RuneCountInString(row.value) > k.v.MaxAddressRow, path, ".physicalAddress.", row.name)
				}
			})
		}},
		{"SEND_DENOMINATION", pa.Warning, pa.Text{
			IT: "La denominazione è più lunga di quanto SEND stampi, o ha caratteri fuori dall'alfabeto latino.",
			EN: "the denomination is longer than SEND prints, or has characters outside the Latin alphabet"}, func(k *checker) {
			k.eachRecipient(func(path string, r *Recipient) {
				long := k.v.MaxDenomination > 0 && utf8.RuneCountInString(r.Denomination) > k.v.MaxDenomination
				k.brokenIf(long || !latinPattern.MatchString(r.Denomination), path, ".denomination")
			})
		}},
		{"SEND_MAX_RECIPIENTS", pa.Warning, pa.Text{IT: "Più destinatari di quanti SEND ne accetti di norma.", EN: "more recipients than SEND usually takes"}, func(k *checker) {
			k.brokenIf(k.v.MaxRecipients > 0 && len(k.n.Recipients) > k.v.MaxRecipients, "recipients")
		}},
		{"SEND_MAX_ATTACHMENTS", pa.Warning, pa.Text{IT: "Più documenti e allegati di pagamento di quanti SEND ne accetti di norma.", EN: "more documents and payment attachments than SEND usually takes"}, func(k *checker) {
			k.eachRecipient(func(path string, r *Recipient) {
				total := len(k.n.Documents)
				for _, a := range k.attachments {
					if strings.HasPrefix(a.path, path+".") {
						total++
					}
				}
				k.brokenIf(k.v.MaxAttachments > 0 && total > k.v.MaxAttachments, path, ".payments")
			})
		}},
		{"SEND_FEE", pa.Invalid, pa.Text{
			IT: "paFee e vat vanno da 0 a 100 e con DELIVERY_MODE sono obbligatori.",
			EN: "paFee and vat go from 0 to 100 and are required with DELIVERY_MODE"}, func(k *checker) {
			n, needed := k.n, k.n.NotificationFeePolicy == DeliveryMode
			k.brokenIf(n.PaFee == nil && needed || n.PaFee != nil && (*n.PaFee < 0 || *n.PaFee > 100), "paFee")
			k.brokenIf(n.VAT == nil && needed || n.VAT != nil && (*n.VAT < 0 || *n.VAT > 100), "vat")
		}},
		{"SEND_AMOUNT", pa.Invalid, pa.Text{IT: "L'importo in centesimi non sta in 32 bit, o è negativo.", EN: "the amount in cents does not fit 32 bits, or is negative"}, func(k *checker) {
			k.brokenIf(k.n.Amount != nil && (*k.n.Amount < 0 || *k.n.Amount > 1<<31-1), "amount")
		}},
		{"SEND_LANGUAGE", pa.Invalid, pa.Text{IT: "È ammessa al più una lingua aggiuntiva.", EN: "at most one additional language is allowed"}, func(k *checker) {
			k.brokenIf(len(k.n.AdditionalLanguages) > 1, "additionalLanguages")
		}},
		{"SEND_LANGUAGE_UNKNOWN", pa.Warning, pa.Text{IT: "Le lingue aggiuntive note sono DE, FR e SL.", EN: "the additional languages known are DE, FR and SL"}, func(k *checker) {
			for i, lang := range k.n.AdditionalLanguages {
				k.brokenIf(!slices.Contains([]string{"DE", "FR", "SL"}, lang), at("additionalLanguages", i))
			}
		}},
		{"SEND_PAYMENT_EMPTY", pa.Invalid, pa.Text{IT: "Il pagamento non ha né avviso pagoPA né F24.", EN: "the payment has neither a pagoPA notice nor an F24"}, func(k *checker) {
			k.eachPayment(func(path string, p *Payment) { k.brokenIf(p.PagoPA == nil && p.F24 == nil, path) })
		}},
		{"SEND_NOTICE", pa.Invalid, pa.Text{IT: "Il codice avviso ha 18 cifre.", EN: "a notice code has 18 digits"}, func(k *checker) {
			k.eachPayment(func(path string, p *Payment) {
				k.brokenIf(p.PagoPA != nil && !noticePattern.MatchString(p.PagoPA.NoticeCode), path, ".pagoPa.noticeCode")
			})
		}},
		{"SEND_CREDITOR", pa.Invalid, pa.Text{IT: "Il codice fiscale dell'ente creditore ha 11 cifre.", EN: "the tax code of the creditor has 11 digits"}, func(k *checker) {
			k.eachPayment(func(path string, p *Payment) {
				k.brokenIf(p.PagoPA != nil && !bodyPattern.MatchString(p.PagoPA.CreditorTaxID), path, ".pagoPa.creditorTaxId")
			})
		}},
		{"SEND_NOTICE_TWICE", pa.Invalid, pa.Text{IT: "Lo stesso avviso compare due volte.", EN: "the same notice is there twice"}, func(k *checker) {
			seen := map[[2]string]bool{}
			k.eachPayment(func(path string, p *Payment) {
				if p.PagoPA == nil {
					return
				}
				key := [2]string{p.PagoPA.CreditorTaxID, p.PagoPA.NoticeCode}
				k.brokenIf(seen[key], path, ".pagoPa.noticeCode")
				seen[key] = true
			})
		}},
		{"SEND_F24_TITLE", pa.Invalid, pa.Text{IT: "L'F24 deve avere un titolo.", EN: "an F24 must have a title"}, func(k *checker) {
			k.eachPayment(func(path string, p *Payment) {
				k.brokenIf(p.F24 != nil && strings.TrimSpace(p.F24.Title) == "", path, ".f24.title")
			})
		}},
		{"SEND_APPLY_COST", pa.Invalid, pa.Text{
			IT: "Con DELIVERY_MODE ogni destinatario che ha avvisi (o F24) deve averne almeno uno con applyCost; con FLAT_RATE nessuno.",
			EN: "with DELIVERY_MODE each recipient that has notices (or F24) needs applyCost on at least one of them; with FLAT_RATE on none"}, func(k *checker) {
			k.eachRecipient(func(path string, r *Recipient) {
				for kind, flags := range r.applyCost() {
					if len(flags) == 0 {
						continue
					}
					applied := slices.Contains(flags, true)
					k.brokenIf(applied != (k.n.NotificationFeePolicy == DeliveryMode), path, ".payments(", kind, ")")
				}
			})
		}},
		{"SEND_ASYNC_PAYMENTS", pa.Invalid, pa.Text{
			IT: "Con ASYNC e DELIVERY_MODE ogni destinatario deve avere un pagamento.",
			EN: "with ASYNC and DELIVERY_MODE each recipient needs a payment"}, func(k *checker) {
			if k.n.PagoPaIntMode == IntModeAsync && k.n.NotificationFeePolicy == DeliveryMode {
				k.eachRecipient(func(path string, r *Recipient) { k.brokenIf(len(r.Payments) == 0, path, ".payments") })
			}
		}},
		{"SEND_CONTENT_TYPE", pa.Invalid, pa.Text{
			IT: "I documenti e gli avvisi sono application/pdf, i metadati F24 application/json.",
			EN: "documents and notices are application/pdf, F24 metadata application/json"}, func(k *checker) {
			for _, a := range k.attachments {
				k.brokenIf(a.ContentType != contentTypeAt(a.path), a.path, ".contentType")
			}
		}},
		{"SEND_REFERENCE", pa.Invalid, pa.Text{
			IT: "Il riferimento al file caricato è incompleto, o non è di un file di quel tipo.",
			EN: "the reference to the uploaded file is incomplete, or not of a file of that type"}, func(k *checker) {
			for _, a := range k.attachments {
				if a.File != "" && a.Ref == (Ref{}) {
					continue // to be uploaded
				}
				whole := keyPattern.MatchString(a.Ref.Key) && a.Ref.VersionToken != "" && len(a.Ref.VersionToken) <= 256 && digestPattern.MatchString(a.Digests.SHA256)
				k.brokenIf(!whole || !strings.Contains(a.Ref.Key, keyPrefix(a.ContentType)), a.path)
			}
		}},
		{"SEND_ATTACHMENT_TWICE", pa.Invalid, pa.Text{IT: "Lo stesso allegato compare due volte.", EN: "the same attachment is there twice"}, func(k *checker) {
			seen := map[string]bool{}
			for _, a := range k.attachments {
				if a.Ref.Key == "" {
					continue
				}
				owner, _, _ := strings.Cut(a.path, ".") // recipients may share one
				id := owner + a.Ref.Key + a.Digests.SHA256
				if strings.HasPrefix(owner, "documents") {
					id = a.Ref.Key + a.Digests.SHA256
				}
				k.brokenIf(seen[id] || seen[a.Ref.Key+a.Digests.SHA256], a.path)
				seen[id] = true
			}
		}},
	}
}

func taxIDFits(r *Recipient) bool {
	value := r.TaxID.Value()
	if slices.Contains(testTaxIDs, value) {
		return true // refused in production by a rule of its own
	}
	if r.RecipientType == LegalPerson {
		_, err := fiscal.ParseVATNumber(value)
		return bodyPattern.MatchString(value) && err == nil
	}
	return r.TaxID.Valid() == nil
}

func contentTypeAt(path string) string {
	if strings.HasSuffix(path, ".f24.metadataAttachment") {
		return ContentJSON
	}
	return ContentPDF
}

func keyPrefix(contentType string) string {
	if contentType == ContentJSON {
		return "PN_F24_META"
	}
	return "PN_NOTIFICATION_ATTACHMENTS"
}

// applyCost returns the flags of the notices and of the F24 of a recipient.
func (r *Recipient) applyCost() map[string][]bool {
	flags := make(map[string][]bool, 2)
	for _, p := range r.Payments {
		if p.PagoPA != nil {
			flags["pagoPa"] = append(flags["pagoPa"], p.PagoPA.ApplyCost)
		}
		if p.F24 != nil {
			flags["f24"] = append(flags["f24"], p.F24.ApplyCost)
		}
	}
	return flags
}

func (a *PhysicalAddress) inItaly() bool {
	state := strings.ToUpper(strings.TrimSpace(a.ForeignState))
	return state == "" || strings.HasPrefix(state, "ITAL")
}

type namedText struct{ name, value string }

func (a *PhysicalAddress) fields() []namedText {
	if a == nil {
		return nil
	}
	return []namedText{
		{"at", a.At}, {"address", a.Address}, {"addressDetails", a.AddressDetails}, {"municipality", a.Municipality},
		{"municipalityDetails", a.MunicipalityDetails}, {"province", a.Province}, {"foreignState", a.ForeignState},
	}
}

// rows are the rows of the printed address.
func (a *PhysicalAddress) rows() []namedText {
	if a == nil {
		return nil
	}
	return []namedText{
		{"at", strings.TrimSpace(a.At + " " + a.MunicipalityDetails)},
		{"addressDetails", a.AddressDetails},
		{"address", a.Address},
		{"municipality", strings.TrimSpace(fmt.Sprintf("%s %s %s", a.Zip, a.Municipality, a.Province))},
		{"foreignState", a.ForeignState},
	}
}
