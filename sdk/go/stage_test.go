package frontrow_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// stage is the control server that FRONTROW_STAGE names. The requests and their JSON are those of the SDKs'
// stage.
type stage struct {
	*recorder
	address string
}

type addresses struct {
	Plain, Tokens, Strict, Closed, Silent, Foreign string
}

type concerts struct {
	Count             int    `json:"count,omitempty"`
	TotalTickets      int32  `json:"total_tickets,omitempty"`
	Window            string `json:"window,omitempty"`
	MaxTicketsPerUser int32  `json:"max_tickets_per_user,omitempty"`
}

type listedScenario struct {
	Name    string
	Figures json.RawMessage
}

// figures are the numbers and names of a scenario. A missing one is 0 or empty, which no scenario expects.
type figures struct {
	AtLeastSeconds    float64 `json:"at_least_seconds"`
	AtMostSeconds     float64 `json:"at_most_seconds"`
	AtOnceSeconds     float64 `json:"at_once_seconds"`
	Bookings          int     `json:"bookings"`
	BookingsPageSize  int32   `json:"bookings_page_size"`
	Calls             int     `json:"calls"`
	Concerts          int     `json:"concerts"`
	First             int32   `json:"first"`
	ID                int64   `json:"id"`
	Left              int32   `json:"left"`
	LongerThanSeconds float64 `json:"longer_than_seconds"`
	MaxAttempts       int     `json:"max_attempts"`
	MaxTicketsPerUser int32   `json:"max_tickets_per_user"`
	PageSize          int32   `json:"page_size"`
	Requests          int     `json:"requests"`
	RestartAfter      int     `json:"restart_after"`
	Second            int32   `json:"second"`
	SourceCalls       int     `json:"source_calls"`
	Tickets           int32   `json:"tickets"`
	TimeoutSeconds    float64 `json:"timeout_seconds"`
	TotalPrice        float64 `json:"total_price"`
	TotalTickets      int32   `json:"total_tickets"`
	TTLSeconds        float64 `json:"ttl_seconds"`
	BookingReason     string  `json:"booking_error"`
	ConcertReason     string  `json:"concert_error"`
	Malformed         string  `json:"malformed"`
	PaymentReference  string  `json:"payment_reference"`
	Reason            string  `json:"error"`
	SilentReason      string  `json:"silent_error"`
	Status            string  `json:"status"`
	Token             string  `json:"token"`
	Metadata          struct {
		Available, Limit, Booked, Held *int32
		ClosesAt                       time.Time `json:"closes_at"`
	} `json:"metadata"`
}

func (s stage) addresses() (found addresses) {
	s.send(http.MethodGet, "/", nil, &found)
	return found
}

func (s stage) scenarios() []listedScenario {
	var listed struct{ Scenarios []listedScenario }
	s.send(http.MethodGet, "/scenarios", nil, &listed)
	return listed.Scenarios
}

// concerts creates concerts, and returns their ids and their artist.
func (s stage) concerts(body concerts) (ids []int64, artist string) {
	s.Helper()
	var created struct {
		IDs    []string
		Artist string
	}
	s.send(http.MethodPost, "/concerts", body, &created)
	for _, text := range created.IDs {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			s.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids, created.Artist
}

func (s stage) concert(body concerts) int64 {
	s.Helper()
	ids, _ := s.concerts(body)
	return ids[0]
}

// token returns a token that expires so long from now, which may be in the past.
func (s stage) token(user string, lifetime time.Duration) string {
	s.Helper()
	var created struct{ Token string }
	body := map[string]any{"user": user, "expires_in_seconds": int(lifetime.Seconds())}
	s.send(http.MethodPost, "/tokens", body, &created)
	return created.Token
}

func (s stage) cuts() int {
	s.Helper()
	var answer struct{ Count int }
	s.send(http.MethodGet, "/cuts", nil, &answer)
	return answer.Count
}

// requests returns how many requests the services have got from this player.
func (s stage) requests() (sent struct{ Plain, Tokens, Strict int }) {
	s.Helper()
	s.send(http.MethodGet, "/requests", nil, &sent)
	return sent
}

func (s stage) startService() string {
	s.Helper()
	var started struct{ Address string }
	s.send(http.MethodPost, "/service", nil, &started)
	return started.Address
}

// do sends a request without an answer: "/cut" or "/restart".
func (s stage) do(path string) {
	s.Helper()
	s.send(http.MethodPost, path, nil, &struct{}{})
}

// about sends a request about a concert's lock: "/lock", "/blocked", "/cancelled" or "/unlock".
func (s stage) about(path string, concertID int64) {
	s.Helper()
	body := map[string]string{"concert_id": strconv.FormatInt(concertID, 10)}
	s.send(http.MethodPost, path, body, &struct{}{})
}

func (s stage) send(method, path string, body, answer any) {
	s.Helper()
	if err := s.trySend(method, path, body, answer); err != nil {
		s.Fatal(err)
	}
}

func (s stage) trySend(method, path string, body, answer any) error {
	if body == nil {
		body = struct{}{}
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(s.Context(), method, s.address+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	client := http.Client{Timeout: time.Minute}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	received, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the stage answered %s with %s: %s", path, response.Status, received)
	}
	return json.Unmarshal(received, answer)
}
