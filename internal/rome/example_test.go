package rome_test

import (
	"fmt"
	"time"

	"github.com/pa-italia/sdk-go/internal/rome"
)

// A term of ten days that ends on a holiday is moved to the next working day.
func ExampleSameOrNextWorkingDay() {
	received := time.Date(2026, time.March, 27, 15, 0, 0, 0, time.UTC)
	ends := rome.AddDays(received, 10) // Easter Monday
	fmt.Println(rome.EndOfDay(rome.SameOrNextWorkingDay(ends, rome.SaturdaysRest)).Format(time.RFC1123Z))
	// Output: Tue, 07 Apr 2026 23:59:59 +0200
}
