import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frameLog } from '../../dist/diagnostics/index.js';
import { palette } from '../../dist/cli/terminal.js';
import { Flag, FrameType } from '../../dist/wire/constants.js';
import type { ConnectionEvent, FrameEvent } from '../../dist/index.js';

function log(showSecrets = false): {
  frame: (event: Partial<FrameEvent>) => void;
  lines: string[];
  event: (event: Partial<ConnectionEvent>) => void;
} {
  const lines: string[] = [];
  const observer = frameLog({
    write: (text) => lines.push(...text.split('\n').slice(0, -1)),
    palette: palette(false),
    showSecrets,
  });
  const frame = { connection: 1, direction: 'sent', type: 0, flags: 0, streamId: 0, length: 0, time: 1000 } as const;
  return {
    lines,
    frame: (event) => observer.frame?.({ ...frame, ...event }),
    event: (event) =>
      observer.connection?.({ connection: 1, origin: 'https://a', type: 'closed', time: 1000, ...event }),
  };
}

test('a frame is a line: direction, seconds since the first event, connection, type, stream, length, flags', () => {
  const { frame, lines } = log();
  frame({ type: FrameType.Settings, length: 6, detail: 'MAX_FRAME_SIZE=16384' });
  frame({ direction: 'received', type: FrameType.Data, flags: Flag.EndStream, streamId: 3, length: 10, time: 1250 });
  assert.deepEqual(lines, [
    '> 0.000 #1 SETTINGS stream=0 length=6 MAX_FRAME_SIZE=16384',
    '< 0.250 #1 DATA stream=3 length=10 END_STREAM',
  ]);
});

test('the fields of a header block follow it, one a line', () => {
  const { frame, lines } = log();
  frame({
    type: FrameType.Headers,
    flags: Flag.EndHeaders,
    streamId: 1,
    length: 9,
    fields: [':method', 'GET', 'x', ''],
  });
  assert.deepEqual(lines.slice(1), ['>     :method: GET', '>     x: ']);
});

test('the values of credentials are hidden unless they are asked for', () => {
  const fields = ['authorization', 'a', 'cookie', 'b', 'proxy-authorization', 'c', 'set-cookie', 'd', 'x', 'e'];
  const hidden = log();
  hidden.frame({ type: FrameType.Headers, fields });
  for (const line of hidden.lines.slice(1, 5)) assert.match(line, /: \[hidden; --show-secrets shows it\]$/);
  assert.equal(hidden.lines[5], '>     x: e');
  const shown = log(true);
  shown.frame({ type: FrameType.Headers, fields });
  assert.deepEqual(
    shown.lines.slice(1).map((line) => line.slice(-1)),
    ['a', 'b', 'c', 'd', 'e'],
  );
});

test('what the peer sends cannot steer the terminal', () => {
  const { frame, lines } = log();
  frame({ type: FrameType.Headers, fields: ['x', '\x1b[2Jgone\r\x9b', 'y\x07', 'z'] });
  assert.deepEqual(lines.slice(1), ['>     x: \\x1b[2Jgone\\x0d\\x9b', '>     y\\x07: z']);
});

test('a frame of an unknown type is shown all the same', () => {
  const { frame, lines } = log();
  frame({ direction: 'received', type: 0x99, flags: 0x10, length: 4 });
  assert.equal(lines[0], '< 0.000 #1 UNKNOWN_FRAME_TYPE_153 stream=0 length=4 0x10');
});

test('what happens to a connection is a line of its own', () => {
  const { event, lines } = log();
  event({ type: 'dialling', connection: 0 });
  event({
    type: 'connected',
    remoteAddress: '::1',
    alpnProtocol: 'h2',
    tls: { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256' },
  });
  event({ type: 'connected' });
  event({ type: 'stalled' });
  event({ type: 'closed', error: new Error('gone\n') });
  assert.deepEqual(lines, [
    '* 0.000 dialling https://a',
    '* 0.000 #1 connected to https://a at ::1 (h2, TLSv1.3 TLS_AES_128_GCM_SHA256)',
    '* 0.000 #1 connected to https://a',
    '* 0.000 #1 stalled: the peer takes no bytes, new requests go elsewhere',
    '* 0.000 #1 closed: gone\\x0a',
  ]);
});
