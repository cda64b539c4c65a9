package main

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"strconv"

	"github.com/pa-italia/sdk-go/send/sendtest"
)

//go:embed page.html
var pageText string

// pageTemplate is the first page.
var pageTemplate = template.Must(template.New("page").Parse(pageText))

// pageData is what the page shows.
type pageData struct {
	Base, SEND, PDND, Control string
	Sender, SenderTaxID       string
	PlainKey                  string
	Day                       string
	Variables                 []variable
	Routes                    []route
}

// page serves the first page. It loads nothing, not even from here.
func (s *sandbox) page(w http.ResponseWriter) {
	var b bytes.Buffer
	err := pageTemplate.Execute(&b, pageData{
		Base: s.base, SEND: s.base + sendPath, PDND: s.base + pdndPath, Control: s.base + controlPath,
		Sender: sendtest.SenderDenomination, SenderTaxID: sendtest.SenderTaxID, PlainKey: keyWithoutVoucher,
		Day: short(day(s.present())), Variables: s.variables(), Routes: routes,
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	if _, err := w.Write(b.Bytes()); err != nil {
		panic(http.ErrAbortHandler) // the client is gone
	}
}
