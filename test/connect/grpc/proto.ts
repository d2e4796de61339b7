/** `grpc.testing.TestService`, the service of gRPC's interop tests, described without a code generator. */
import { create, toBinary, type Message } from '@bufbuild/protobuf';
import { fileDesc, messageDesc, serviceDesc, type GenMessage, type GenService } from '@bufbuild/protobuf/codegenv2';
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt';

const { BOOL, BYTES, INT32, MESSAGE, STRING } = FieldDescriptorProto_Type;

/** A field by its name, number and type: a scalar one, or a message by its name. */
function field(name: string, number: number, type: FieldDescriptorProto_Type | string, repeated = false): object {
  const label = repeated ? FieldDescriptorProto_Label.REPEATED : FieldDescriptorProto_Label.OPTIONAL;
  const kind = typeof type === 'string' ? { type: MESSAGE, typeName: `.grpc.testing.${type}` } : { type };
  return { name, number, label, ...kind };
}

function method(name: string, input: string, output: string, clientStreaming = false, serverStreaming = false): object {
  const types = { inputType: `.grpc.testing.${input}`, outputType: `.grpc.testing.${output}` };
  return { name, ...types, clientStreaming, serverStreaming };
}

const file = fileDesc(
  Buffer.from(
    toBinary(
      FileDescriptorProtoSchema,
      create(FileDescriptorProtoSchema, {
        name: 'grpc/testing/test.proto',
        package: 'grpc.testing',
        syntax: 'proto3',
        messageType: [
          { name: 'Empty' },
          { name: 'BoolValue', field: [field('value', 1, BOOL)] },
          { name: 'Payload', field: [field('body', 2, BYTES)] },
          { name: 'EchoStatus', field: [field('code', 1, INT32), field('message', 2, STRING)] },
          {
            name: 'SimpleRequest',
            field: [
              field('response_size', 2, INT32),
              field('payload', 3, 'Payload'),
              field('response_compressed', 6, 'BoolValue'),
              field('response_status', 7, 'EchoStatus'),
              field('expect_compressed', 8, 'BoolValue'),
            ],
          },
          { name: 'SimpleResponse', field: [field('payload', 1, 'Payload')] },
          {
            name: 'StreamingInputCallRequest',
            field: [field('payload', 1, 'Payload'), field('expect_compressed', 2, 'BoolValue')],
          },
          { name: 'StreamingInputCallResponse', field: [field('aggregated_payload_size', 1, INT32)] },
          { name: 'ResponseParameters', field: [field('size', 1, INT32), field('compressed', 3, 'BoolValue')] },
          {
            name: 'StreamingOutputCallRequest',
            field: [
              field('response_parameters', 2, 'ResponseParameters', true),
              field('payload', 3, 'Payload'),
              field('response_status', 7, 'EchoStatus'),
            ],
          },
          { name: 'StreamingOutputCallResponse', field: [field('payload', 1, 'Payload')] },
        ],
        service: [
          {
            name: 'TestService',
            method: [
              method('EmptyCall', 'Empty', 'Empty'),
              method('UnaryCall', 'SimpleRequest', 'SimpleResponse'),
              method('StreamingInputCall', 'StreamingInputCallRequest', 'StreamingInputCallResponse', true),
              method('StreamingOutputCall', 'StreamingOutputCallRequest', 'StreamingOutputCallResponse', false, true),
              method('FullDuplexCall', 'StreamingOutputCallRequest', 'StreamingOutputCallResponse', true, true),
              method('UnimplementedCall', 'Empty', 'Empty'),
            ],
          },
          { name: 'UnimplementedService', method: [method('UnimplementedCall', 'Empty', 'Empty')] },
        ],
      }),
    ),
  ).toString('base64'),
);

interface Payload {
  body: Uint8Array;
}
interface Flag {
  value: boolean;
}
interface Status {
  code: number;
  message: string;
}

export type Empty = Message<'grpc.testing.Empty'>;
export type SimpleRequest = Message<'grpc.testing.SimpleRequest'> & {
  responseSize: number;
  payload?: Payload;
  responseCompressed?: Flag;
  responseStatus?: Status;
  expectCompressed?: Flag;
};
export type SimpleResponse = Message<'grpc.testing.SimpleResponse'> & { payload?: Payload };
export type InputRequest = Message<'grpc.testing.StreamingInputCallRequest'> & {
  payload?: Payload;
  expectCompressed?: Flag;
};
export type InputResponse = Message<'grpc.testing.StreamingInputCallResponse'> & { aggregatedPayloadSize: number };
export type OutputRequest = Message<'grpc.testing.StreamingOutputCallRequest'> & {
  responseParameters: { size: number; compressed?: Flag }[];
  payload?: Payload;
  responseStatus?: Status;
};
export type OutputResponse = Message<'grpc.testing.StreamingOutputCallResponse'> & { payload?: Payload };

export const EmptySchema: GenMessage<Empty> = messageDesc(file, 0);
export const SimpleRequestSchema: GenMessage<SimpleRequest> = messageDesc(file, 4);
export const SimpleResponseSchema: GenMessage<SimpleResponse> = messageDesc(file, 5);
export const InputRequestSchema: GenMessage<InputRequest> = messageDesc(file, 6);
export const InputResponseSchema: GenMessage<InputResponse> = messageDesc(file, 7);
export const OutputRequestSchema: GenMessage<OutputRequest> = messageDesc(file, 9);
export const OutputResponseSchema: GenMessage<OutputResponse> = messageDesc(file, 10);

interface EmptyMethod {
  methodKind: 'unary';
  input: typeof EmptySchema;
  output: typeof EmptySchema;
}

export const TestService: GenService<{
  emptyCall: EmptyMethod;
  unaryCall: { methodKind: 'unary'; input: typeof SimpleRequestSchema; output: typeof SimpleResponseSchema };
  streamingInputCall: {
    methodKind: 'client_streaming';
    input: typeof InputRequestSchema;
    output: typeof InputResponseSchema;
  };
  streamingOutputCall: {
    methodKind: 'server_streaming';
    input: typeof OutputRequestSchema;
    output: typeof OutputResponseSchema;
  };
  fullDuplexCall: {
    methodKind: 'bidi_streaming';
    input: typeof OutputRequestSchema;
    output: typeof OutputResponseSchema;
  };
  unimplementedCall: EmptyMethod;
}> = serviceDesc(file, 0);

export const UnimplementedService: GenService<{ unimplementedCall: EmptyMethod }> = serviceDesc(file, 1);
