// Command clients calls a running service as clients written in Go do, each time on one HTTP/2 connection, and prints
// what became of the calls as one line of JSON.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// outcome counts the calls of a scenario and says why some of them failed.
type outcome struct {
	Calls    int            `json:"calls"`
	Failures map[string]int `json:"failures"`
	// Others counts the calls that the scenario expects to fail, by how they did.
	Others map[string]int `json:"others"`
}

var scenarios = map[string]func(address, concertID string) (outcome, error){
	"grpc-oversized":     grpcOversized,
	"net-http-oversized": netHTTPOversized,
	"grpc-deadlines":     grpcDeadlines,
	"net-http-deadlines": netHTTPDeadlines,
}

func main() {
	if len(os.Args) != 4 || scenarios[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: clients SCENARIO HOST:PORT CONCERT_ID")
		os.Exit(2)
	}
	result, err := scenarios[os.Args[1]](os.Args[2], os.Args[3])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
