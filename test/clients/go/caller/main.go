// Command caller makes the calls that it reads from its standard input with one client library, and writes their
// responses and ends to its standard output. Both are lines of JSON. It ends with its input.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// command starts a call, or cancels the one that Cancel names.
type command struct {
	Call      int64             `json:"call"`
	Cancel    int64             `json:"cancel"`
	Method    string            `json:"method"`
	Request   json.RawMessage   `json:"request"`
	Metadata  map[string]string `json:"metadata"`
	TimeoutMs int64             `json:"timeoutMs"`
	Gzip      bool              `json:"gzip"`
}

// event is a response of a call or its end.
type event struct {
	Call     int64           `json:"call"`
	Response json.RawMessage `json:"response,omitempty"`
	End      *end            `json:"end,omitempty"`
}

// end is a call's status. Metadata has the headers and the trailers.
type end struct {
	Code     string            `json:"code"`
	Message  string            `json:"message"`
	Details  []json.RawMessage `json:"details"`
	Metadata map[string]string `json:"metadata"`
}

// method makes a call: it passes on each response and returns the end.
type method func(ctx context.Context, call command, respond func(proto.Message)) end

// clients makes the methods of each client library, by their full names.
var clients = map[string]func(address string) (map[string]method, error){
	"grpc-go":             grpcMethods,
	"connect-go Connect":  connectMethods,
	"connect-go gRPC":     connectGrpcMethods,
	"connect-go gRPC-Web": connectGrpcWebMethods,
}

func main() {
	if len(os.Args) != 3 || clients[os.Args[1]] == nil {
		fail("usage: caller CLIENT HOST:PORT")
	}
	methods, err := clients[os.Args[1]](os.Args[2])
	if err != nil {
		fail(err)
	}
	var output sync.Mutex
	write := func(each event) {
		output.Lock()
		defer output.Unlock()
		if err := json.NewEncoder(os.Stdout).Encode(each); err != nil {
			fail(err)
		}
	}
	cancels := map[int64]context.CancelFunc{}
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 1<<20)
	for input.Scan() {
		var next command
		if err := json.Unmarshal(input.Bytes(), &next); err != nil {
			fail(err)
		}
		if next.Cancel != 0 {
			cancels[next.Cancel]()
			continue
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancels[next.Call] = cancel
		go makeCall(ctx, methods[next.Method], next, write)
	}
}

func makeCall(ctx context.Context, call method, next command, write func(event)) {
	if call == nil {
		fail("there is no method " + next.Method)
	}
	if next.TimeoutMs > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(next.TimeoutMs)*time.Millisecond)
		defer cancel()
	}
	finished := call(ctx, next, func(response proto.Message) {
		write(event{Call: next.Call, Response: encode(response)})
	})
	write(event{Call: next.Call, End: &finished})
}

func decode(text json.RawMessage, request any) {
	if err := protojson.Unmarshal(text, request.(proto.Message)); err != nil {
		fail(err)
	}
}

func encode(message proto.Message) json.RawMessage {
	text, err := protojson.Marshal(message)
	if err != nil {
		fail(err)
	}
	return text
}

func fail(reason any) {
	fmt.Fprintln(os.Stderr, reason)
	os.Exit(1)
}
