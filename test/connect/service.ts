/** A small service, described without a code generator. */
import { create, toBinary, type Message } from '@bufbuild/protobuf';
import { fileDesc, messageDesc, serviceDesc, type GenMessage, type GenService } from '@bufbuild/protobuf/codegenv2';
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
  MethodOptions_IdempotencyLevel,
} from '@bufbuild/protobuf/wkt';

export type Note = Message<'notes.Note'> & { text: string; number: number };

const string = FieldDescriptorProto_Type.STRING;
const int32 = FieldDescriptorProto_Type.INT32;
const label = FieldDescriptorProto_Label.OPTIONAL;
const both = { inputType: '.notes.Note', outputType: '.notes.Note' };

const proto = create(FileDescriptorProtoSchema, {
  name: 'notes.proto',
  package: 'notes',
  syntax: 'proto3',
  messageType: [
    {
      name: 'Note',
      field: [
        { name: 'text', number: 1, type: string, label, jsonName: 'text' },
        { name: 'number', number: 2, type: int32, label, jsonName: 'number' },
      ],
    },
  ],
  service: [
    {
      name: 'Notes',
      method: [
        { name: 'Echo', ...both, options: { idempotencyLevel: MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS } },
        { name: 'Count', ...both, serverStreaming: true },
        { name: 'Sum', ...both, clientStreaming: true },
        { name: 'Chat', ...both, clientStreaming: true, serverStreaming: true },
      ],
    },
  ],
});

const file = fileDesc(Buffer.from(toBinary(FileDescriptorProtoSchema, proto)).toString('base64'));

export const NoteSchema: GenMessage<Note> = messageDesc(file, 0);

/**
 * - `Echo`: the same note. Its text may ask for something else: `fail`, `hang`, `headers`.
 * - `Count`: notes 1 to `number`; with text `fail`, an error after them; with `hang`, nothing after them.
 * - `Sum`: one note with the sum of the numbers.
 * - `Chat`: each note as it comes.
 */
export const Notes: GenService<{
  echo: { methodKind: 'unary'; input: typeof NoteSchema; output: typeof NoteSchema };
  count: { methodKind: 'server_streaming'; input: typeof NoteSchema; output: typeof NoteSchema };
  sum: { methodKind: 'client_streaming'; input: typeof NoteSchema; output: typeof NoteSchema };
  chat: { methodKind: 'bidi_streaming'; input: typeof NoteSchema; output: typeof NoteSchema };
}> = serviceDesc(file, 0);
