package pdnd

import (
	"regexp"

	"github.com/pa-italia/sdk-go/pa"
)

// Codes of the rules that a [Config] and its key are held against.
const (
	ruleEnvironmentMissing = "PDND_ENVIRONMENT_MISSING"
	ruleEnvironment        = "PDND_ENVIRONMENT"
	ruleAddressMissing     = "PDND_ADDRESS_MISSING"
	ruleTokenURL           = "PDND_TOKEN_URL"
	ruleMixed              = "PDND_MIXED_ENVIRONMENTS"
	ruleAudienceScheme     = "PDND_AUDIENCE_SCHEME"
	ruleUUID               = "PDND_UUID"
	ruleLifetime           = "PDND_ASSERTION_LIFETIME"
	ruleBackdate           = "PDND_ASSERTION_BACKDATE"
	ruleKeyTwice           = "PDND_KEY_TWICE"
	ruleKeyMissing         = "PDND_KEY_MISSING"
	ruleKeyUnreadable      = "PDND_KEY_UNREADABLE"
	ruleKeyNotPEM          = "PDND_KEY_NOT_PEM"
	ruleKeySeveral         = "PDND_KEY_SEVERAL"
	ruleKeyEncrypted       = "PDND_KEY_ENCRYPTED"
	ruleKeyPublic          = "PDND_KEY_PUBLIC"
	ruleKeyCertificate     = "PDND_KEY_CERTIFICATE"
	ruleKeyNotRSA          = "PDND_KEY_NOT_RSA"
	ruleKeyShort           = "PDND_KEY_SHORT"
	ruleKeyMalformed       = "PDND_KEY_MALFORMED"
	ruleKeySigner          = "PDND_KEY_SIGNER"
	ruleKeyID              = "PDND_KEY_ID"
	ruleKeyIDForm          = "PDND_KEY_ID_FORM"
)

var (
	uuid        = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	kid         = regexp.MustCompile(`^[a-zA-Z0-9_-]{43}$`)
	audienceURL = regexp.MustCompile(`^[a-z]+://`)
)

var ruleTexts = map[string]pa.Text{
	ruleEnvironmentMissing: {
		IT: "manca l'ambiente: indicare produzione, collaudo, attestazione o simulatore",
		EN: "the environment is missing: name production, uat, attestation or simulator"},
	ruleEnvironment: {
		IT: "ambiente sconosciuto: indicare produzione, collaudo, attestazione o simulatore",
		EN: "unknown environment: name production, uat, attestation or simulator"},
	ruleAddressMissing: {
		IT: "un simulatore non ha un indirizzo suo: indicare sia l'URL del token sia l'audience",
		EN: "a simulator has no address of its own: give both the token URL and the audience"},
	ruleTokenURL: {
		IT: "l'URL del token deve avere la forma https://host/percorso, senza parametri",
		EN: "the token URL must have the form https://host/path, without parameters"},
	ruleMixed: {
		IT: "questo valore è di un altro ambiente: ambiente, URL del token e audience devono andare insieme",
		EN: "this value is of another environment: environment, token URL and audience must belong together"},
	ruleAudienceScheme: {
		IT: "l'audience della client assertion non è un URL: toglierne lo schema, come la mostra il back office",
		EN: "the audience of the client assertion is not a URL: take off its scheme, as the back office shows it"},
	ruleUUID: {
		IT: "deve essere un UUID in lettere minuscole, come lo mostra il back office",
		EN: "it must be a UUID in lower case, as the back office shows it"},
	ruleLifetime: {
		IT: "la durata della client assertion deve essere tra 10 secondi e un'ora",
		EN: "the lifetime of the client assertion must be between 10 seconds and one hour"},
	ruleBackdate: {
		IT: "la client assertion può essere retrodatata al massimo di 5 minuti",
		EN: "the client assertion can be backdated by 5 minutes at most"},
	ruleKeyTwice: {
		IT: "la chiave è indicata sia per intero sia come file: lasciare una sola variabile",
		EN: "the key is given both in full and as a file: keep one variable"},
	ruleKeyMissing: {
		IT: "manca la chiave privata: indicare quella la cui parte pubblica è caricata sul client",
		EN: "there is no private key: give the one whose public half is registered on the client"},
	ruleKeyUnreadable: {
		IT: "la chiave privata non si può leggere: controllare che il file esista e che il programma abbia il permesso di leggerlo",
		EN: "the private key cannot be read: check that the file exists and that the program may read it"},
	ruleKeyNotPEM: {
		IT: "la chiave non è un testo PEM con BEGIN PRIVATE KEY o BEGIN RSA PRIVATE KEY su una riga propria",
		EN: "the key is not a PEM text with BEGIN PRIVATE KEY or BEGIN RSA PRIVATE KEY on a line of its own"},
	ruleKeySeveral: {
		IT: "il testo PEM contiene più oggetti: lasciare solo la chiave privata",
		EN: "the PEM text holds several objects: keep the private key only"},
	ruleKeyEncrypted: {
		IT: "la chiave privata è protetta da una password: convertirla con «openssl pkey» e proteggere il file con i permessi",
		EN: "the private key is encrypted under a password: convert it with \"openssl pkey\" and protect the file by its permissions"},
	ruleKeyPublic: {
		IT: "questa è una chiave pubblica: serve la chiave privata corrispondente",
		EN: "this is a public key: the private key that belongs to it is needed"},
	ruleKeyCertificate: {
		IT: "questo è un certificato: serve la chiave privata la cui parte pubblica è caricata sul client",
		EN: "this is a certificate: the private key whose public half is registered on the client is needed"},
	ruleKeyNotRSA: {
		IT: "la chiave non è RSA: la PDND accetta solo asserzioni firmate con RS256",
		EN: "the key is not RSA: PDND accepts only assertions signed with RS256"},
	ruleKeyShort: {
		IT: "la chiave RSA ha meno di 2048 bit: generarne una nuova",
		EN: "the RSA key has less than 2048 bits: make a new one"},
	ruleKeyMalformed: {
		IT: "la chiave privata è danneggiata",
		EN: "the private key is damaged"},
	ruleKeySigner: {
		IT: "la firma prodotta non è una RSASSA-PKCS1-v1_5 con SHA-256 di questa chiave: controllare algoritmo e chiave impostati nell'HSM o nel KMS",
		EN: "the signature made is not an RSASSA-PKCS1-v1_5 with SHA-256 of this key: check the algorithm and the key set in the HSM or KMS"},
	ruleKeyID: {
		IT: "il kid indicato non è quello della chiave: la chiave è di un altro client, oppure il kid è stato copiato male",
		EN: "the kid given is not that of the key: the key belongs to another client, or the kid was copied wrongly"},
	ruleKeyIDForm: {
		IT: "un kid della PDND ha 43 caratteri tra lettere, cifre, - e _",
		EN: "a kid of PDND has 43 characters that are letters, digits, - or _"},
}

func finding(path, rule string) pa.Finding {
	return pa.Finding{Path: path, Rule: rule, Severity: pa.Invalid, Text: ruleTexts[rule]}
}
