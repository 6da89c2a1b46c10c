package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	frontrowv1connect "frontrow/test/clients/gen/frontrow/v1/frontrowv1connect"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/code"
	_ "google.golang.org/genproto/googleapis/rpc/errdetails"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// connectMethods speaks HTTP/1.1, as connect-go does with the default client.
func connectMethods(address string) (map[string]method, error) {
	return connectWith(http.DefaultClient, address), nil
}

func connectGrpcMethods(address string) (map[string]method, error) {
	return connectWith(newHTTP2Client(), address, connect.WithGRPC()), nil
}

func connectGrpcWebMethods(address string) (map[string]method, error) {
	return connectWith(newHTTP2Client(), address, connect.WithGRPCWeb()), nil
}

// newHTTP2Client speaks HTTP/2 without TLS, and pings where nothing has come for a second.
func newHTTP2Client() *http.Client {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: &http.Transport{
		Protocols: protocols,
		HTTP2:     &http.HTTP2Config{SendPingTimeout: time.Second},
	}}
}

func connectWith(client *http.Client, address string, options ...connect.ClientOption) map[string]method {
	plain := connectTable(client, "http://"+address, options...)
	zipping := connectTable(client, "http://"+address, append(options, connect.WithSendGzip())...)
	methods := map[string]method{}
	for name := range plain {
		methods[name] = func(ctx context.Context, call command, respond func(proto.Message)) end {
			if call.Gzip {
				return zipping[name](ctx, call, respond)
			}
			return plain[name](ctx, call, respond)
		}
	}
	return methods
}

func connectTable(client *http.Client, url string, options ...connect.ClientOption) map[string]method {
	bookings := frontrowv1connect.NewBookingServiceClient(client, url, options...)
	concerts := frontrowv1connect.NewConcertServiceClient(client, url, options...)
	health := func(method string) *connect.Client[healthv1.HealthCheckRequest, healthv1.HealthCheckResponse] {
		return connect.NewClient[healthv1.HealthCheckRequest, healthv1.HealthCheckResponse](
			client, url+"/grpc.health.v1.Health/"+method, options...)
	}
	return map[string]method{
		"frontrow.v1.BookingService/BookTickets":     connectUnary(bookings.BookTickets),
		"frontrow.v1.BookingService/CancelBooking":   connectUnary(bookings.CancelBooking),
		"frontrow.v1.BookingService/GetUserBookings": connectUnary(bookings.GetUserBookings),
		"frontrow.v1.ConcertService/GetConcert":      connectUnary(concerts.GetConcert),
		"grpc.health.v1.Health/Check":                connectUnary(health("Check").CallUnary),
		"grpc.health.v1.Health/Watch":                connectStream(health("Watch").CallServerStream),
	}
}

func connectUnary[Request, Response any](
	invoke func(context.Context, *connect.Request[Request]) (*connect.Response[Response], error),
) method {
	return func(ctx context.Context, call command, respond func(proto.Message)) end {
		response, err := invoke(ctx, connectRequest[Request](call))
		if err != nil {
			return connectEnd(err)
		}
		respond(any(response.Msg).(proto.Message))
		return connectEnd(nil, response.Header(), response.Trailer())
	}
}

func connectStream[Request, Response any](
	open func(context.Context, *connect.Request[Request]) (*connect.ServerStreamForClient[Response], error),
) method {
	return func(ctx context.Context, call command, respond func(proto.Message)) end {
		stream, err := open(ctx, connectRequest[Request](call))
		if err != nil {
			return connectEnd(err)
		}
		defer stream.Close()
		for stream.Receive() {
			respond(any(stream.Msg()).(proto.Message))
		}
		return connectEnd(stream.Err(), stream.ResponseHeader(), stream.ResponseTrailer())
	}
}

func connectRequest[Request any](call command) *connect.Request[Request] {
	message := new(Request)
	decode(call.Request, message)
	request := connect.NewRequest(message)
	for name, value := range call.Metadata {
		request.Header().Set(name, value)
	}
	return request
}

func connectEnd(err error, metadata ...http.Header) end {
	ended := end{Code: code.Code_OK.String(), Metadata: map[string]string{}}
	if err != nil {
		ended.Code = code.Code(connect.CodeOf(err)).String()
		ended.Message = err.Error()
	}
	if failure := new(connect.Error); errors.As(err, &failure) {
		ended.Message = failure.Message()
		for _, detail := range failure.Details() {
			packed := &anypb.Any{TypeUrl: "type.googleapis.com/" + detail.Type(), Value: detail.Bytes()}
			ended.Details = append(ended.Details, encode(packed))
		}
		metadata = append(metadata, failure.Meta())
	}
	for _, fields := range metadata {
		for name, values := range fields {
			ended.Metadata[strings.ToLower(name)] = strings.Join(values, ", ")
		}
	}
	return ended
}
