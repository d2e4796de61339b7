import { ErrorCode } from '../wire/constants.js';
import { ProtocolViolation } from '../wire/violation.js';

/** The states of RFC 9113 section 5.1. "Local" is this endpoint, client or server. */
export const StreamState = {
  Idle: 0,
  ReservedLocal: 1,
  ReservedRemote: 2,
  Open: 3,
  HalfClosedLocal: 4,
  HalfClosedRemote: 5,
  Closed: 6,
} as const;

export type StreamState = (typeof StreamState)[keyof typeof StreamState];

/**
 * What can happen to a stream. A frame with END_STREAM is two inputs: first the frame, then EndStream.
 * SendPushPromise and RecvPushPromise concern the stream that the frame travels on, ReserveLocal and ReserveRemote the
 * one that it promises; a connection steps none of these four, since a client that has said ENABLE_PUSH=0 neither
 * promises nor is promised a stream (section 8.4), and so no stream of its is ever reserved. PRIORITY is missing since it
 * may come in every state and changes none (section 6.3).
 */
export const StreamInput = {
  SendHeaders: 0,
  SendData: 1,
  SendEndStream: 2,
  SendReset: 3,
  SendWindowUpdate: 4,
  SendPushPromise: 5,
  ReserveLocal: 6,
  RecvHeaders: 7,
  RecvData: 8,
  RecvEndStream: 9,
  RecvReset: 10,
  RecvWindowUpdate: 11,
  RecvPushPromise: 12,
  ReserveRemote: 13,
} as const;

export type StreamInput = (typeof StreamInput)[keyof typeof StreamInput];

/** Names of the states as section 5.1 writes them, indexed by number. */
export const states = [
  'idle',
  'reserved (local)',
  'reserved (remote)',
  'open',
  'half-closed (local)',
  'half-closed (remote)',
  'closed',
] as const;

/** Names of the inputs, indexed by number. */
export const inputs = [
  'send HEADERS',
  'send DATA',
  'send END_STREAM',
  'send RST_STREAM',
  'send WINDOW_UPDATE',
  'send PUSH_PROMISE',
  'be promised by a PUSH_PROMISE sent',
  'receive HEADERS',
  'receive DATA',
  'receive END_STREAM',
  'receive RST_STREAM',
  'receive WINDOW_UPDATE',
  'receive PUSH_PROMISE',
  'be promised by a PUSH_PROMISE received',
] as const;

// An outcome below zero is a violation: the error code negated, less `wholeConnection` when it ends the connection.
const wholeConnection = 32;

const own = -ErrorCode.InternalError; // our own fault: a frame that section 5.1 forbids us to send
const PROT = -ErrorCode.ProtocolError - wholeConnection;
// "MUST respond with a stream error of type STREAM_CLOSED" (half-closed (remote)). Go answers PROTOCOL_ERROR there
//; the code that the RFC asks for tells the peer more.
const CLSD = -ErrorCode.StreamClosed;

const resL = StreamState.ReservedLocal;
const resR = StreamState.ReservedRemote;
const open = StreamState.Open;
const hcL = StreamState.HalfClosedLocal;
const hcR = StreamState.HalfClosedRemote;
const done = StreamState.Closed;

/*
 * RFC 9113 section 5.1: a row an input, a column a state. Three cells are not plain from its diagram:
 * - HEADERS received on an idle stream open it here; that the identifier is the peer's and rises is the caller's check,
 *   since only a role knows it (section 5.1.1).
 * - On a closed stream everything received is dropped: after our RST_STREAM that is required, and in the other cases
 *   the connection error STREAM_CLOSED is a MAY that would punish a peer for what cannot hurt us.
 * - PUSH_PROMISE on a stream that is neither open nor half-closed (local) is a connection error (section 6.6).
 */
// prettier-ignore
const rows: Readonly<Record<StreamInput, readonly number[]>> = {
  //                                idle  resL  resR  open  hcL   hcR   closed
  [StreamInput.SendHeaders]:      [ open, hcR,  own,  open, own,  hcR,  own  ],
  [StreamInput.SendData]:         [ own,  own,  own,  open, own,  hcR,  own  ],
  [StreamInput.SendEndStream]:    [ own,  own,  own,  hcL,  own,  done, own  ],
  [StreamInput.SendReset]:        [ own,  done, done, done, done, done, own  ],
  [StreamInput.SendWindowUpdate]: [ own,  own,  resR, open, hcL,  hcR,  own  ],
  [StreamInput.SendPushPromise]:  [ own,  own,  own,  open, own,  hcR,  own  ],
  [StreamInput.ReserveLocal]:     [ resL, own,  own,  own,  own,  own,  own  ],
  [StreamInput.RecvHeaders]:      [ open, PROT, hcL,  open, hcL,  CLSD, done ],
  [StreamInput.RecvData]:         [ PROT, PROT, PROT, open, hcL,  CLSD, done ],
  [StreamInput.RecvEndStream]:    [ PROT, PROT, PROT, hcR,  done, CLSD, done ],
  [StreamInput.RecvReset]:        [ PROT, done, done, done, done, done, done ],
  [StreamInput.RecvWindowUpdate]: [ PROT, resL, PROT, open, hcL,  hcR,  done ],
  [StreamInput.RecvPushPromise]:  [ PROT, PROT, PROT, open, hcL,  PROT, done ],
  [StreamInput.ReserveRemote]:    [ resR, PROT, PROT, PROT, PROT, PROT, PROT ],
};

const stateCount = states.length;
const table = Int8Array.from(Object.values(StreamInput).flatMap((input) => rows[input]));

/** The next state, or a number below zero: a violation, which {@link violationOf} names. */
export function step(state: StreamState, input: StreamInput): number {
  return table[input * stateCount + state]!;
}

/**
 * The error for a {@link step} whose outcome was below zero. `streamId` of the result is 0 when it concerns the
 * connection; INTERNAL_ERROR means that this endpoint was about to send what it must not.
 */
export function violationOf(state: StreamState, input: StreamInput, streamId: number): ProtocolViolation {
  const outcome = -step(state, input);
  const message = `cannot ${inputs[input]} on stream ${streamId}, which is ${states[state]}`;
  if (outcome > wholeConnection) return new ProtocolViolation(outcome - wholeConnection, message);
  return new ProtocolViolation(outcome, message, streamId);
}

/** Takes a stream to its next state. Throws what {@link violationOf} makes of a step that section 5.1 forbids. */
export function advance(stream: { readonly id: number; state: StreamState }, input: StreamInput): void {
  const next = step(stream.state, input);
  if (next < 0) throw violationOf(stream.state, input, stream.id);
  stream.state = next as StreamState;
}

/** One arrow of the diagram: indices into {@link states} and {@link inputs}. */
export interface Transition {
  readonly from: StreamState;
  readonly input: StreamInput;
  readonly to: StreamState;
}

/** Every allowed transition, those that change nothing included, by state and then by input. */
export function transitions(): Transition[] {
  const list: Transition[] = [];
  for (const from of Object.values(StreamState)) {
    for (const input of Object.values(StreamInput)) {
      const to = step(from, input);
      if (to >= 0) list.push({ from, input, to: to as StreamState });
    }
  }
  return list;
}
