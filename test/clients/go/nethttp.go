package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

func netHTTPOversized(address, concertID string) (outcome, error) {
	client := newHTTPClient()
	defer client.CloseIdleConnections()
	oversized := httpCall(client, address, getConcert, strings.Repeat(" ", oversizedBytes), time.Minute)
	return oversizedThenPlain(oversized, httpCall(client, address, getConcert, idJSON(concertID), time.Minute)), nil
}

func netHTTPDeadlines(address, concertID string) (outcome, error) {
	client := newHTTPClient()
	defer client.CloseIdleConnections()
	booking := fmt.Sprintf(`{"concertId":%q,"userId":"guest","ticketCount":1}`, concertID)
	impatient := httpCall(client, address, bookTickets, booking, impatience)
	return patientBesideImpatient(impatient, httpCall(client, address, getConcert, idJSON(concertID), time.Minute)), nil
}

func idJSON(id string) string { return fmt.Sprintf(`{"id":%q}`, id) }

// newHTTPClient makes a client that speaks HTTP/2 without TLS and never opens a second connection.
func newHTTPClient() *http.Client {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: &http.Transport{
		Protocols: protocols,
		HTTP2:     &http.HTTP2Config{StrictMaxConcurrentRequests: true},
	}}
}

func httpCall(client *http.Client, address, path, body string, timeout time.Duration) call {
	return func() string {
		context, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		// A reader of unknown length: the server learns that it is too long only by reading.
		reader := struct{ io.Reader }{bytes.NewReader([]byte(body))}
		request, err := http.NewRequestWithContext(context, "POST", "http://"+address+path, reader)
		if err != nil {
			return err.Error()
		}
		request.Header.Set("Content-Type", "application/json")
		response, err := client.Do(request)
		if err != nil {
			return err.Error()
		}
		defer response.Body.Close()
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			return err.Error()
		}
		if response.StatusCode != http.StatusOK {
			return response.Status
		}
		return ""
	}
}
