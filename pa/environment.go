package pa

import "strings"

// Environment names one of the environments of a platform. It is a name only:
// each package knows the hosts of its platform. The zero value is no
// environment: nobody reaches production by default.
type Environment string

const (
	// Production is the real thing: what is sent has legal effect and costs money.
	Production Environment = "production"
	// UAT is the integration environment (collaudo).
	UAT Environment = "uat"
	// Attestation is the third environment of PDND (attestazione).
	Attestation Environment = "attestation"
	// Simulator is a server of one of this module's simulators; it has no
	// address of its own, so a base URL must be given with it.
	Simulator Environment = "simulator"
)

var environmentNames = map[string]Environment{
	"production": Production, "produzione": Production, "prod": Production,
	"uat": UAT, "collaudo": UAT,
	"attestation": Attestation, "attestazione": Attestation, "att": Attestation,
	"simulator": Simulator, "simulatore": Simulator,
}

// ParseEnvironment reads the English or Italian name of an environment, in any case.
func ParseEnvironment(name string) (Environment, error) {
	if e, ok := environmentNames[strings.ToLower(strings.TrimSpace(name))]; ok {
		return e, nil
	}
	return "", &ValidationError{Subject: "pa.Environment", Findings: []Finding{{Rule: "PA_ENVIRONMENT", Severity: Invalid, Text: Text{
		IT: "Ambiente sconosciuto: si può scrivere produzione, uat (collaudo), attestazione o simulatore.",
		EN: "unknown environment: write production, uat, attestation or simulator"}}}}
}

// Real reports whether what is done there has legal effect.
func (e Environment) Real() bool { return e == Production }
