package patest_test

import (
	"fmt"
	"time"

	"github.com/pa-italia/sdk-go/pa/patest"
)

// A life-cycle day lasts a minute, as in the UAT environment of SEND.
func ExampleDay() {
	clock := patest.Day(time.Minute)
	fmt.Println("a term of seven days:", clock.Wait(7*24*time.Hour))
	fmt.Println("in a quarter of a minute pass:", clock.Life(15*time.Second))

	before := clock.Now()
	clock.Advance(10 * 24 * time.Hour)
	fmt.Println("ten days later:", clock.Now().Sub(before) >= 10*24*time.Hour)
	// Output:
	// a term of seven days: 7m0s
	// in a quarter of a minute pass: 6h0m0s
	// ten days later: true
}
