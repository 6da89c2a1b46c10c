package main

import (
	"context"
	"encoding/binary"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

const (
	getConcert  = "/frontrow.v1.ConcertService/GetConcert"
	bookTickets = "/frontrow.v1.BookingService/BookTickets"
)

func grpcOversized(address, concertID string) (outcome, error) {
	connection, err := dialGrpc(address)
	if err != nil {
		return outcome{}, err
	}
	defer connection.Close()
	request, err := getConcertMessage(concertID)
	if err != nil {
		return outcome{}, err
	}
	oversized := grpcCall(connection, getConcert, make([]byte, oversizedBytes), time.Minute)
	return oversizedThenPlain(oversized, grpcCall(connection, getConcert, request, time.Minute)), nil
}

func grpcDeadlines(address, concertID string) (outcome, error) {
	connection, err := dialGrpc(address)
	if err != nil {
		return outcome{}, err
	}
	defer connection.Close()
	booking, err := bookTicketsMessage(concertID)
	if err != nil {
		return outcome{}, err
	}
	reading, err := getConcertMessage(concertID)
	if err != nil {
		return outcome{}, err
	}
	impatient := grpcCall(connection, bookTickets, booking, impatience)
	return patientBesideImpatient(impatient, grpcCall(connection, getConcert, reading, time.Minute)), nil
}

// dialGrpc makes a client that shows every failure instead of repeating the call.
func dialGrpc(address string) (*grpc.ClientConn, error) {
	return grpc.NewClient(address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(bytesCodec{})),
		grpc.WithDisableRetry())
}

func grpcCall(connection *grpc.ClientConn, method string, request []byte, timeout time.Duration) call {
	return func() string {
		context, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		var answer []byte
		if err := connection.Invoke(context, method, request, &answer); err != nil {
			return status.Code(err).String() + ": " + status.Convert(err).Message()
		}
		return ""
	}
}

// getConcertMessage encodes GetConcertRequest{id}.
func getConcertMessage(concertID string) ([]byte, error) {
	return int64Field(1, concertID)
}

// bookTicketsMessage encodes BookTicketsRequest{concert_id, user_id: "guest", ticket_count: 1}.
func bookTicketsMessage(concertID string) ([]byte, error) {
	message, err := int64Field(2, concertID)
	message = append(message, 3<<3|2, 5)
	message = append(message, "guest"...)
	return append(message, 4<<3, 1), err
}

func int64Field(number byte, text string) ([]byte, error) {
	value, err := strconv.ParseUint(text, 10, 63)
	return binary.AppendUvarint([]byte{number << 3}, value), err
}
