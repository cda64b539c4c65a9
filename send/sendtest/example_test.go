package sendtest_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/pa-italia/sdk-go/pa/patest"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

// A program starts the simulator on the loopback interface; a day of the life
// cycle lasts a minute, as in the UAT environment.
func Example() {
	ctx := context.Background()
	srv, err := sendtest.Start(ctx, sendtest.WithClock(patest.Day(time.Minute)))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() {
		if err := srv.Close(); err != nil {
			fmt.Println(err)
		}
	}()

	call := func(key string) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL()+"/delivery-progresses/v2.9/streams", nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		req.Header.Set("x-api-key", key)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			fmt.Println(err)
			return
		}
		defer res.Body.Close()
		fmt.Println(res.Status)
	}
	call(sendtest.APIKey)
	call("another")

	// The next call is done, and its reply is lost in the gateway.
	if err := srv.Inject("ListStreams", patest.Fault{Status: http.StatusGatewayTimeout, Done: true}); err != nil {
		fmt.Println(err)
	}
	call(sendtest.APIKey)
	fmt.Println(srv.Count("ListStreams"), "calls seen")
	// Output:
	// 200 OK
	// 403 Forbidden
	// 504 Gateway Timeout
	// 3 calls seen
}
