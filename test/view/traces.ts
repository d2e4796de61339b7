/** Traces made by hand, for tests of the page. Times in microseconds. */

export type TraceEvent = Readonly<Record<string, unknown>>;

/** The start of a connection. */
export function connection(pid: number, name = `connection ${pid} https://a`): TraceEvent[] {
  return [
    { ph: 'M', name: 'process_name', pid, tid: 0, ts: 0, args: { name } },
    { ph: 'X', name: 'tcp', cat: 'connection', pid, tid: 0, ts: 0, dur: 400, args: {} },
  ];
}

/** A request of five milliseconds that waits for four of them, with its HEADERS and their `fields`. */
export function request(
  pid: number,
  stream: number,
  ts: number,
  { path = `/${stream}`, result = '200', fields = {} }: Partial<RequestShape> = {},
): TraceEvent[] {
  const at = { pid, tid: stream };
  const args = { request: pid * 100_000 + stream, attempt: 1, url: `https://a${path}`, result };
  const frame = { ph: 'i', s: 't', cat: 'frame', ...at };
  return [
    { ph: 'X', name: `GET ${path} ${result}`, cat: 'request', ...at, ts, dur: 5_000, args },
    { ph: 'X', name: 'wait', cat: 'request', ...at, ts, dur: 4_000, args: {} },
    { ph: 'X', name: 'body', cat: 'request', ...at, ts: ts + 4_000, dur: 1_000, args: {} },
    { ...frame, name: 'HEADERS', ts, args: { direction: 'sent', length: 40, flags: 'END_STREAM', fields } },
    { ...frame, name: 'DATA', ts: ts + 4_500, args: { direction: 'received', length: 1_000 } },
  ];
}

interface RequestShape {
  readonly path: string;
  readonly result: string;
  readonly fields: Readonly<Record<string, string>>;
}

export function slice(pid: number, name: 'stalled' | 'silent' | 'slow', ts: number, dur: number): TraceEvent {
  return { ph: 'X', name, cat: 'connection', pid, tid: 0, ts, dur, args: {} };
}

export function counter(pid: number, name: string, ts: number, bytes: number): TraceEvent {
  return { ph: 'C', name, pid, tid: 0, ts, args: { bytes } };
}

/** A step in the life of an address of https://a. */
export function address(
  name: string,
  type: string,
  ts: number,
  more: Readonly<Record<string, unknown>> = {},
): TraceEvent {
  return {
    ph: 'i',
    s: 't',
    name: type,
    cat: 'address',
    pid: 0,
    tid: 0,
    ts,
    args: { origin: 'https://a', address: name, ...more },
  };
}

/** The connection leads there, until it is closed. */
export function leads(pid: number, remoteAddress: string, closed?: number): TraceEvent[] {
  const at = { ph: 'i', s: 't', cat: 'connection', pid, tid: 0 };
  return [
    { ...at, name: 'connected', ts: 400, args: { origin: 'https://a', remoteAddress } },
    ...(closed === undefined ? [] : [{ ...at, name: 'closed', ts: closed, args: {} }]),
  ];
}

/** Three requests on two connections, of which one stalls and one falls silent. */
export const twoConnections: readonly TraceEvent[] = [
  ...connection(1),
  ...request(1, 1, 1_000, { fields: { 'x-colour': 'green' } }),
  ...request(1, 3, 2_000, { result: 'ERR_PASSINGLANE_STREAM_RESET' }),
  ...connection(2),
  ...request(2, 1, 3_000, { path: '/other' }),
  slice(1, 'stalled', 2_500, 2_000),
  slice(2, 'silent', 3_500, 1_000),
];
