package main

import (
	"errors"
	"fmt"
	"testing"

	"github.com/pa-italia/sdk-go/pdnd/pdndtest"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

// newSEND and newPDND make simulators that do not listen: this program does.

func newSEND(opts ...sendtest.Option) (*sendtest.Server, error) {
	return mounted(func(tb testing.TB) *sendtest.Server { return sendtest.New(tb, opts...) })
}

func newPDND(opts ...pdndtest.Option) (*pdndtest.Server, error) {
	return mounted(func(tb testing.TB) *pdndtest.Server { return pdndtest.New(tb, opts...) })
}

// mounted makes a simulator whose test is the life of this process.
func mounted[T any](make func(testing.TB) T) (server T, err error) {
	defer func() {
		if f, ok := recover().(failure); ok {
			err = f.error
		}
	}()
	return make(process{}), nil
}

// process stands in for a test that ends with the process.
type process struct{ testing.TB }

type failure struct{ error }

func (process) Helper()           {}
func (process) Cleanup(func())    {} // without a socket there is nothing to close
func (process) Fatal(args ...any) { panic(failure{errors.New(fmt.Sprint(args...))}) }
