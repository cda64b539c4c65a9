package pa

import "encoding/json"

// Nullable is a member that tells "set to null" from "not mentioned", for the
// few updates where a platform does. Declare it with omitzero.
type Nullable[T any] struct {
	state nullState
	value T
}

type nullState uint8

const (
	absent nullState = iota
	null
	present
)

// Null is a member set to null.
func Null[T any]() Nullable[T] { return Nullable[T]{state: null} }

// Value is a member set to v.
func Value[T any](v T) Nullable[T] { return Nullable[T]{state: present, value: v} }

// Get returns the value and whether there is one.
func (n Nullable[T]) Get() (T, bool) { return n.value, n.state == present }

// IsNull reports whether the member is set to null.
func (n Nullable[T]) IsNull() bool { return n.state == null }

// IsZero reports whether the member is not mentioned.
func (n Nullable[T]) IsZero() bool { return n.state == absent }

// MarshalJSON writes the value or null.
func (n Nullable[T]) MarshalJSON() ([]byte, error) {
	if n.state != present {
		return []byte("null"), nil
	}
	return json.Marshal(n.value)
}

// UnmarshalJSON reads a value or null.
func (n *Nullable[T]) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*n = Null[T]()
		return nil
	}
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	*n = Value(v)
	return nil
}
