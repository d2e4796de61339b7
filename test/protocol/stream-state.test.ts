import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  inputs,
  states,
  step,
  StreamInput,
  StreamState,
  transitions,
  violationOf,
} from '../../dist/protocol/stream-state.js';
import { ErrorCode } from '../../dist/wire/constants.js';

// RFC 9113 section 5.1 once more, written from its prose: by state, where the table in the source goes by input.
// A state, or: C = connection error PROTOCOL_ERROR, S = stream error STREAM_CLOSED, x = not ours to send.
const expected: Record<keyof typeof StreamState, Record<keyof typeof StreamInput, string>> = {
  Idle: {
    SendHeaders: 'Open',
    SendData: 'x',
    SendEndStream: 'x',
    SendReset: 'x',
    SendWindowUpdate: 'x',
    SendPushPromise: 'x',
    ReserveLocal: 'ReservedLocal',
    RecvHeaders: 'Open',
    RecvData: 'C',
    RecvEndStream: 'C',
    RecvReset: 'C',
    RecvWindowUpdate: 'C',
    RecvPushPromise: 'C',
    ReserveRemote: 'ReservedRemote',
  },
  ReservedLocal: {
    SendHeaders: 'HalfClosedRemote',
    SendData: 'x',
    SendEndStream: 'x',
    SendReset: 'Closed',
    SendWindowUpdate: 'x',
    SendPushPromise: 'x',
    ReserveLocal: 'x',
    RecvHeaders: 'C',
    RecvData: 'C',
    RecvEndStream: 'C',
    RecvReset: 'Closed',
    RecvWindowUpdate: 'ReservedLocal',
    RecvPushPromise: 'C',
    ReserveRemote: 'C',
  },
  ReservedRemote: {
    SendHeaders: 'x',
    SendData: 'x',
    SendEndStream: 'x',
    SendReset: 'Closed',
    SendWindowUpdate: 'ReservedRemote',
    SendPushPromise: 'x',
    ReserveLocal: 'x',
    RecvHeaders: 'HalfClosedLocal',
    RecvData: 'C',
    RecvEndStream: 'C',
    RecvReset: 'Closed',
    RecvWindowUpdate: 'C',
    RecvPushPromise: 'C',
    ReserveRemote: 'C',
  },
  Open: {
    SendHeaders: 'Open',
    SendData: 'Open',
    SendEndStream: 'HalfClosedLocal',
    SendReset: 'Closed',
    SendWindowUpdate: 'Open',
    SendPushPromise: 'Open',
    ReserveLocal: 'x',
    RecvHeaders: 'Open',
    RecvData: 'Open',
    RecvEndStream: 'HalfClosedRemote',
    RecvReset: 'Closed',
    RecvWindowUpdate: 'Open',
    RecvPushPromise: 'Open',
    ReserveRemote: 'C',
  },
  HalfClosedLocal: {
    SendHeaders: 'x',
    SendData: 'x',
    SendEndStream: 'x',
    SendReset: 'Closed',
    SendWindowUpdate: 'HalfClosedLocal',
    SendPushPromise: 'x',
    ReserveLocal: 'x',
    RecvHeaders: 'HalfClosedLocal',
    RecvData: 'HalfClosedLocal',
    RecvEndStream: 'Closed',
    RecvReset: 'Closed',
    RecvWindowUpdate: 'HalfClosedLocal',
    RecvPushPromise: 'HalfClosedLocal',
    ReserveRemote: 'C',
  },
  HalfClosedRemote: {
    SendHeaders: 'HalfClosedRemote',
    SendData: 'HalfClosedRemote',
    SendEndStream: 'Closed',
    SendReset: 'Closed',
    SendWindowUpdate: 'HalfClosedRemote',
    SendPushPromise: 'HalfClosedRemote',
    ReserveLocal: 'x',
    RecvHeaders: 'S',
    RecvData: 'S',
    RecvEndStream: 'S',
    RecvReset: 'Closed',
    RecvWindowUpdate: 'HalfClosedRemote',
    RecvPushPromise: 'C',
    ReserveRemote: 'C',
  },
  Closed: {
    SendHeaders: 'x',
    SendData: 'x',
    SendEndStream: 'x',
    SendReset: 'x',
    SendWindowUpdate: 'x',
    SendPushPromise: 'x',
    ReserveLocal: 'x',
    RecvHeaders: 'Closed',
    RecvData: 'Closed',
    RecvEndStream: 'Closed',
    RecvReset: 'Closed',
    RecvWindowUpdate: 'Closed',
    RecvPushPromise: 'Closed',
    ReserveRemote: 'C',
  },
};

const violations: Record<string, { errorCode: number; streamId: number }> = {
  C: { errorCode: ErrorCode.ProtocolError, streamId: 0 },
  S: { errorCode: ErrorCode.StreamClosed, streamId: 7 },
  x: { errorCode: ErrorCode.InternalError, streamId: 7 },
};

for (const state of Object.keys(StreamState) as (keyof typeof StreamState)[]) {
  test(`a stream that is ${states[StreamState[state]]} does what section 5.1 says for every input`, () => {
    for (const input of Object.keys(StreamInput) as (keyof typeof StreamInput)[]) {
      const wanted = expected[state][input];
      const outcome = step(StreamState[state], StreamInput[input]);
      const label = `${state} x ${input}`;
      const violation = violations[wanted];
      if (violation === undefined) {
        assert.equal(outcome, StreamState[wanted as keyof typeof StreamState], label);
      } else {
        assert.ok(outcome < 0, label);
        const { errorCode, streamId } = violationOf(StreamState[state], StreamInput[input], 7);
        assert.deepEqual({ errorCode, streamId }, violation, label);
      }
    }
  });
}

test('a violation says what happened, on which stream, in which state', () => {
  const error = violationOf(StreamState.HalfClosedRemote, StreamInput.RecvData, 7);
  assert.equal(error.message, 'cannot receive DATA on stream 7, which is half-closed (remote)');
});

test('every state and every input has a name', () => {
  assert.deepEqual(Object.values(StreamState), [...states.keys()]);
  assert.deepEqual(Object.values(StreamInput), [...inputs.keys()]);
});

test('the list of transitions is what step does, without the violations', () => {
  const listed = transitions();
  for (const { from, input, to } of listed) assert.equal(step(from, input), to);
  const allowed = Object.values(expected)
    .flatMap((row) => Object.values(row))
    .filter((to) => !(to in violations));
  assert.equal(listed.length, allowed.length);
});

test('nothing leaves the closed state', () => {
  for (const { from, to } of transitions()) if (from === StreamState.Closed) assert.equal(to, StreamState.Closed);
});
