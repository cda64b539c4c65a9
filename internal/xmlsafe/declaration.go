package xmlsafe

import "strings"

const blanks = " \t\r\n"

// declaration checks what stands between "<?xml" and "?>". encoding/xml
// searches there for names anywhere and overlooks those followed by blanks.
func (r *Reader) declaration(text string) error {
	var names []string
	values := make(map[string]string)
	for text = strings.Trim(text, blanks); text != ""; {
		name, value, rest, ok := cutPseudoAttribute(text)
		if !ok {
			return r.fault(CodeDeclaration, "the XML declaration is malformed", nil)
		}
		names = append(names, name)
		values[name] = value
		text = rest
	}
	switch strings.Join(names, " ") {
	case "version", "version encoding", "version standalone", "version encoding standalone":
	default:
		return r.fault(CodeDeclaration, "the XML declaration is malformed", nil)
	}
	if values["version"] != "1.0" {
		return r.fault(CodeDeclaration, "the XML version is not 1.0", nil)
	}
	if encoding, ok := values["encoding"]; ok && !strings.EqualFold(encoding, "UTF-8") {
		return r.fault(CodeEncoding, "the declared encoding is not UTF-8", nil)
	}
	if standalone, ok := values["standalone"]; ok && standalone != "yes" && standalone != "no" {
		return r.fault(CodeDeclaration, "standalone is neither yes nor no", nil)
	}
	return nil
}

// cutPseudoAttribute reads name="value" or name='value', and the blanks that
// must separate it from a following one.
func cutPseudoAttribute(text string) (name, value, rest string, ok bool) {
	name, text, ok = strings.Cut(text, "=")
	name, text = strings.TrimRight(name, blanks), strings.TrimLeft(text, blanks)
	if !ok || text == "" || (text[0] != '"' && text[0] != '\'') {
		return "", "", "", false
	}
	value, text, ok = strings.Cut(text[1:], text[:1])
	rest = strings.TrimLeft(text, blanks)
	if !ok || (rest != "" && rest == text) {
		return "", "", "", false
	}
	return name, value, rest, true
}
