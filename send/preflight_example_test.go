package send_test

import (
	"context"
	"fmt"

	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/send"
)

func ExamplePreflight() {
	// An act of one page in the format of North America, neither signed nor
	// marked as PDF/A.
	act := send.FromBytes([]byte("%PDF-1.7\n" +
		"1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n" +
		"2 0 obj << /Type /Pages /Kids [3 0 R] /Count 1 >> endobj\n" +
		"3 0 obj << /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] >> endobj\n" +
		"xref\n0 4\n0000000000 65535 f \n0000000009 00000 n \n0000000058 00000 n \n0000000115 00000 n \n" +
		"trailer << /Size 4 /Root 1 0 R >>\nstartxref\n186\n%%EOF\n"))

	findings, err := send.Preflight(context.Background(), send.PreflightFile{Path: "atto.pdf", File: act})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range findings {
		fmt.Println(f.Severity, f.Rule, f.Text.In(pa.Italian))
	}
	// Output:
	// warning SEND_PDF_UNSIGNED Il documento non contiene alcuna firma: SEND non lo richiede, ma un atto va firmato in formato PAdES prima del deposito.
	// warning SEND_PDF_A4 Alcune pagine non sono in formato A4 (1 in tutto, la prima è la 1): stampate, possono risultare tagliate o ridotte.
	// warning SEND_PDF_A Il PDF non si dichiara PDF/A: per la conservazione è il formato richiesto.
}
