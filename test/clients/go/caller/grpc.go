package main

import (
	"context"
	"io"
	"strings"
	"time"

	frontrowv1 "frontrow/test/clients/gen/frontrow/v1"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

func grpcMethods(address string) (map[string]method, error) {
	connection, err := grpc.NewClient(address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		// Ten seconds are the shortest time that the library takes.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, PermitWithoutStream: true}))
	if err != nil {
		return nil, err
	}
	bookings := frontrowv1.NewBookingServiceClient(connection)
	concerts := frontrowv1.NewConcertServiceClient(connection)
	health := healthv1.NewHealthClient(connection)
	return map[string]method{
		"frontrow.v1.BookingService/BookTickets":     grpcUnary(bookings.BookTickets),
		"frontrow.v1.BookingService/CancelBooking":   grpcUnary(bookings.CancelBooking),
		"frontrow.v1.BookingService/GetUserBookings": grpcUnary(bookings.GetUserBookings),
		"frontrow.v1.ConcertService/GetConcert":      grpcUnary(concerts.GetConcert),
		"grpc.health.v1.Health/Check":                grpcUnary(health.Check),
		"grpc.health.v1.Health/Watch":                grpcStream(health.Watch),
	}, nil
}

func grpcUnary[Request, Response any](
	invoke func(context.Context, *Request, ...grpc.CallOption) (*Response, error),
) method {
	return func(ctx context.Context, call command, respond func(proto.Message)) end {
		request := new(Request)
		decode(call.Request, request)
		var header, trailer metadata.MD
		options := append(grpcOptions(call), grpc.Header(&header), grpc.Trailer(&trailer))
		response, err := invoke(withMetadata(ctx, call), request, options...)
		if err == nil {
			respond(any(response).(proto.Message))
		}
		return grpcEnd(err, header, trailer)
	}
}

func grpcStream[Request, Response any](
	open func(context.Context, *Request, ...grpc.CallOption) (grpc.ServerStreamingClient[Response], error),
) method {
	return func(ctx context.Context, call command, respond func(proto.Message)) end {
		request := new(Request)
		decode(call.Request, request)
		stream, err := open(withMetadata(ctx, call), request, grpcOptions(call)...)
		if err != nil {
			return grpcEnd(err)
		}
		for {
			response, err := stream.Recv()
			if err != nil {
				header, _ := stream.Header()
				if err == io.EOF {
					err = nil
				}
				return grpcEnd(err, header, stream.Trailer())
			}
			respond(any(response).(proto.Message))
		}
	}
}

func withMetadata(ctx context.Context, call command) context.Context {
	return metadata.NewOutgoingContext(ctx, metadata.New(call.Metadata))
}

func grpcOptions(call command) []grpc.CallOption {
	if call.Gzip {
		return []grpc.CallOption{grpc.UseCompressor(gzip.Name)}
	}
	return nil
}

func grpcEnd(err error, metadata ...metadata.MD) end {
	status := status.Convert(err)
	ended := end{Code: code.Code(status.Code()).String(), Message: status.Message(), Metadata: map[string]string{}}
	for _, detail := range status.Proto().GetDetails() {
		ended.Details = append(ended.Details, encode(detail))
	}
	for _, fields := range metadata {
		for name, values := range fields {
			ended.Metadata[name] = strings.Join(values, ", ")
		}
	}
	return ended
}
