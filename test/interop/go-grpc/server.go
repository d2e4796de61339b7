// A gRPC server of TestService by google.golang.org/grpc, on two free ports of the loopback interface: in the clear, and
// with TLS. The ports are printed on the first line. Arguments: the files of the certificate and of its key.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"os"

	"github.com/golang/protobuf/proto"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	pb "google.golang.org/grpc/test/grpc_testing"
)

type server struct {
	pb.UnimplementedTestServiceServer
}

// withStatus is what the packaged description of the messages does not have yet: the field response_status.
type withStatus struct {
	ResponseStatus *echoStatus `protobuf:"bytes,7,opt,name=response_status,proto3"`
}

type echoStatus struct {
	Code    int32  `protobuf:"varint,1,opt,name=code,proto3"`
	Message string `protobuf:"bytes,2,opt,name=message,proto3"`
}

func (m *withStatus) Reset()         { *m = withStatus{} }
func (m *withStatus) String() string { return proto.CompactTextString(m) }
func (*withStatus) ProtoMessage()    {}
func (m *echoStatus) Reset()         { *m = echoStatus{} }
func (m *echoStatus) String() string { return proto.CompactTextString(m) }
func (*echoStatus) ProtoMessage()    {}

// asked is the status that a request wants to be ended with, out of its fields that are not in the description.
func asked(unrecognized []byte) error {
	var with withStatus
	if err := proto.Unmarshal(unrecognized, &with); err != nil {
		return err
	}
	if with.ResponseStatus == nil {
		return nil
	}
	return status.Error(codes.Code(with.ResponseStatus.Code), with.ResponseStatus.Message)
}

const initial, trailing = "x-grpc-test-echo-initial", "x-grpc-test-echo-trailing-bin"

// echoed is the metadata to be sent back: initial, and trailing.
func echoed(ctx context.Context) (metadata.MD, metadata.MD) {
	header, trailer := metadata.MD{}, metadata.MD{}
	if given, ok := metadata.FromIncomingContext(ctx); ok {
		if values := given.Get(initial); len(values) > 0 {
			header.Set(initial, values...)
		}
		if values := given.Get(trailing); len(values) > 0 {
			trailer.Set(trailing, values...)
		}
	}
	return header, trailer
}

func payload(size int32) *pb.Payload {
	return &pb.Payload{Body: make([]byte, size)}
}

func (server) EmptyCall(context.Context, *pb.Empty) (*pb.Empty, error) {
	return &pb.Empty{}, nil
}

func (server) UnaryCall(ctx context.Context, request *pb.SimpleRequest) (*pb.SimpleResponse, error) {
	if err := asked(request.XXX_unrecognized); err != nil {
		return nil, err
	}
	header, trailer := echoed(ctx)
	grpc.SetHeader(ctx, header)
	grpc.SetTrailer(ctx, trailer)
	return &pb.SimpleResponse{Payload: payload(request.ResponseSize)}, nil
}

func (server) StreamingInputCall(stream pb.TestService_StreamingInputCallServer) error {
	sum := 0
	for {
		request, err := stream.Recv()
		if err == io.EOF {
			return stream.SendAndClose(&pb.StreamingInputCallResponse{AggregatedPayloadSize: int32(sum)})
		}
		if err != nil {
			return err
		}
		sum += len(request.GetPayload().GetBody())
	}
}

type sender interface {
	Send(*pb.StreamingOutputCallResponse) error
}

func reply(request *pb.StreamingOutputCallRequest, stream sender) error {
	for _, parameters := range request.ResponseParameters {
		if err := stream.Send(&pb.StreamingOutputCallResponse{Payload: payload(parameters.Size)}); err != nil {
			return err
		}
	}
	return nil
}

func (server) StreamingOutputCall(request *pb.StreamingOutputCallRequest, stream pb.TestService_StreamingOutputCallServer) error {
	return reply(request, stream)
}

func (server) FullDuplexCall(stream pb.TestService_FullDuplexCallServer) error {
	header, trailer := echoed(stream.Context())
	stream.SetHeader(header)
	stream.SetTrailer(trailer)
	for {
		request, err := stream.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := asked(request.XXX_unrecognized); err != nil {
			return err
		}
		if err := reply(request, stream); err != nil {
			return err
		}
	}
}

func listen(options ...grpc.ServerOption) int {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	service := grpc.NewServer(options...)
	pb.RegisterTestServiceServer(service, server{})
	go func() { log.Fatal(service.Serve(listener)) }()
	return listener.Addr().(*net.TCPAddr).Port
}

func main() {
	secure, err := credentials.NewServerTLSFromFile(os.Args[1], os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listen(), listen(grpc.Creds(secure)))
	select {}
}
