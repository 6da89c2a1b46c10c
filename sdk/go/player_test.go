package frontrow_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"
	"testing"
	"time"

	frontrow "frontrow.example/sdk/go"
)

// clients are the clients that play. Results name them.
var clients = []struct {
	name      string
	transport frontrow.Option
}{
	{"Go", frontrow.WithGRPC()},
	{"Go Connect", frontrow.WithConnect(nil)},
}

// scene is what a scenario has.
type scene struct {
	stage
	addresses addresses
	// client is one of the service without tokens.
	client    *frontrow.Client
	transport frontrow.Option
	figures   figures
}

// recorder keeps the message of a failure for the results.
type recorder struct {
	*testing.T
	message string
}

func (r *recorder) Fatalf(format string, values ...any) {
	r.Helper()
	r.message = fmt.Sprintf(format, values...)
	r.T.Fatal(r.message)
}

func (r *recorder) Fatal(values ...any) {
	r.Helper()
	r.Fatalf("%s", fmt.Sprint(values...))
}

// result is a line of the results file.
type result struct {
	Language string  `json:"language"`
	Scenario string  `json:"scenario"`
	Outcome  string  `json:"outcome"`
	Seconds  float64 `json:"seconds"`
	Message  string  `json:"message"`
}

// TestScenarios plays all scenarios of the stage that have a function, by each client.
func TestScenarios(t *testing.T) {
	address := os.Getenv("FRONTROW_STAGE")
	if address == "" {
		t.Skip("FRONTROW_STAGE is not set: `npm run test:sdks -- go` sets it")
	}
	for _, scenario := range (stage{&recorder{T: t}, address}).scenarios() {
		play, hasFunction := scenarios[scenario.Name]
		if !hasFunction {
			t.Errorf("there is no function for the scenario %q", scenario.Name)
			continue
		}
		for _, client := range clients {
			t.Run(client.name+"/"+scenario.Name, func(t *testing.T) {
				s := &scene{stage: stage{&recorder{T: t}, address}, transport: client.transport}
				report(s, client.name, scenario.Name)
				if err := json.Unmarshal(scenario.Figures, &s.figures); err != nil {
					s.Fatal(err)
				}
				s.addresses = s.stage.addresses()
				s.client = s.connect(s.addresses.Plain)
				play(s)
			})
		}
	}
}

// report writes the result when the scenario has ended.
func report(s *scene, language, scenario string) {
	started := time.Now()
	s.Cleanup(func() {
		line := result{language, scenario, "passed", time.Since(started).Seconds(), s.message}
		if s.Failed() {
			line.Outcome = "failed"
		}
		if err := appendLine(os.Getenv("FRONTROW_RESULTS"), line); err != nil {
			s.Error(err)
		}
	})
}

func appendLine(path string, line result) error {
	if path == "" {
		return nil
	}
	text, err := json.Marshal(line)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(append(text, '\n'))
	return errors.Join(err, file.Close())
}

// connect makes another client, with the transport under test.
func (s *scene) connect(address string, options ...frontrow.Option) *frontrow.Client {
	s.Helper()
	client, err := frontrow.NewClient(address, append([]frontrow.Option{s.transport}, options...)...)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() {
		if err := client.Close(); err != nil {
			s.Error(err)
		}
	})
	return client
}

// equal fails the scenario if a value is another one than it must be.
func equal[Value comparable](s *scene, subject string, found, expected Value) {
	s.Helper()
	if found != expected {
		s.Fatalf("%s: found %v, expected %v", subject, found, expected)
	}
}

// succeeded fails the scenario if a call has failed.
func (s *scene) succeeded(err error) {
	s.Helper()
	if err != nil {
		s.Fatalf("the call failed: %v", err)
	}
}

// failed returns the error of a call that must fail with one of this type and this reason.
func failed[Expected error](s *scene, reason string, err error) Expected {
	s.Helper()
	expected, is := errors.AsType[Expected](err)
	if !is {
		s.Fatalf("the call must fail with %T, but its error is %T: %v", expected, err, err)
	}
	base, _ := errors.AsType[*frontrow.Error](err)
	equal(s, "the reason", base.Reason, reason)
	return expected
}

// within fails the scenario if more seconds have passed.
func within(s *scene, started time.Time, seconds float64) {
	s.Helper()
	if passed := time.Since(started).Seconds(); passed > seconds {
		s.Fatalf("it took %.1f s, more than %.1f s", passed, seconds)
	}
}

// newUser returns a user without bookings.
func newUser() string { return "user " + frontrow.NewRequestID() }

func (s *scene) bookingsOf(userID string) []int64 {
	s.Helper()
	bookings := s.client.UserBookings(s.Context(), frontrow.UserBookingFilter{UserID: userID})
	return idsOf(s, bookings)
}

// idsOf returns the ids of all items of an iterator.
func idsOf[Item interface{ GetId() int64 }](s *scene, items iter.Seq2[Item, error]) (ids []int64) {
	s.Helper()
	for item, err := range items {
		if err != nil {
			s.Fatalf("the list failed: %v", err)
		}
		ids = append(ids, item.GetId())
	}
	return ids
}

func equalIDs(s *scene, subject string, found, expected []int64) {
	s.Helper()
	if !slices.Equal(found, expected) {
		s.Fatalf("%s: found %v, expected %v", subject, found, expected)
	}
}

func seconds(number float64) time.Duration { return time.Duration(number * float64(time.Second)) }
