package frontrow_test

import (
	"encoding/binary"
	"io"
	"net"
	"sync/atomic"
	"testing"

	frontrow "frontrow.example/sdk/go"
)

// Frames of HTTP/2 by their types, and the flags of a response's headers.
const (
	headersFrame  = 1
	settingsFrame = 4
	goAwayFrame   = 7
	acknowledged  = 1
	endStream     = 1
	endHeaders    = 4
)

func TestAnswerThatAGoAwayEndsIsRepeated(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var requests atomic.Int32
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go serveGoAway(connection, func() bool { return requests.Add(1) == 1 })
		}
	}()
	client := newClient(t, "http://"+listener.Addr().String(), frontrow.WithConnect(newHTTP2Client()))
	if err := getConcert(t.Context(), client); err != nil || requests.Load() != 2 {
		t.Errorf("%d requests: %v", requests.Load(), err)
	}
}

// serveGoAway answers each request with an empty message, or with the headers of one and a GOAWAY.
func serveGoAway(connection net.Conn, isAway func() bool) {
	defer connection.Close()
	const preface = 24
	if _, err := io.CopyN(io.Discard, connection, preface); err != nil {
		return
	}
	writeFrame(connection, settingsFrame, 0, 0, nil)
	// In HPACK: 0x88 is ":status: 200", and 0x5f begins a "content-type", whose length follows.
	headers := []byte("\x88\x5f\x11application/proto")
	for {
		var header [9]byte
		if _, err := io.ReadFull(connection, header[:]); err != nil {
			return
		}
		length := int64(binary.BigEndian.Uint32(header[:]) >> 8)
		if _, err := io.CopyN(io.Discard, connection, length); err != nil {
			return
		}
		stream := binary.BigEndian.Uint32(header[5:])
		switch {
		case header[3] == settingsFrame && header[4] != acknowledged:
			writeFrame(connection, settingsFrame, acknowledged, 0, nil)
		case header[3] == headersFrame && isAway():
			writeFrame(connection, headersFrame, endHeaders, stream, headers)
			writeFrame(connection, goAwayFrame, 0, 0, binary.BigEndian.AppendUint64(nil, uint64(stream)<<32))
			return
		case header[3] == headersFrame:
			writeFrame(connection, headersFrame, endHeaders|endStream, stream, headers)
		}
	}
}

func writeFrame(connection net.Conn, kind, flags byte, stream uint32, payload []byte) {
	frame := binary.BigEndian.AppendUint32(nil, uint32(len(payload))<<8|uint32(kind))
	frame = binary.BigEndian.AppendUint32(append(frame, flags), stream)
	_, _ = connection.Write(append(frame, payload...))
}
