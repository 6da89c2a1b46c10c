package main

import "fmt"

// bytesCodec sends and receives messages as they are, so that no generated code is needed.
type bytesCodec struct{}

func (bytesCodec) Marshal(value any) ([]byte, error) {
	if message, ok := value.([]byte); ok {
		return message, nil
	}
	return nil, fmt.Errorf("cannot send a %T", value)
}

func (bytesCodec) Unmarshal(data []byte, value any) error {
	if message, ok := value.(*[]byte); ok {
		*message = append([]byte(nil), data...)
		return nil
	}
	return fmt.Errorf("cannot receive into a %T", value)
}

// Name is the subtype of the Content-Type: application/grpc+proto.
func (bytesCodec) Name() string { return "proto" }
