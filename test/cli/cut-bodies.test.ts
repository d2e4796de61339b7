/** Bodies that end before their end: the exit number is that of the curl on this machine, where there is one. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttp2, type ServerHttp2Stream } from 'node:http2';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { test } from 'node:test';
import { passinglane } from './command.js';

/** What cuts the answer that is under way, once the client has said on its stdout that it has a part of the body. */
let cut = (): void => undefined;

/** Answers with these bytes, then ends the connection, or resets it: at once, where they have no part of a body. */
function raw(bytes: string, reset = false): Server {
  return createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      cut = () => (reset ? socket.resetAndDestroy() : socket.end());
      socket.write(bytes, () => {
        if (!bytes.includes('abc')) cut();
      });
    });
  });
}

function http2(answer: (stream: ServerHttp2Stream) => void): Server {
  const server = createHttp2();
  server.on('sessionError', () => undefined);
  server.on('stream', (stream) => {
    stream.on('error', () => undefined);
    answer(stream);
  });
  return server;
}

/** The head and a piece of the body, and then what ends it. */
function begun(end: (stream: ServerHttp2Stream) => void): Server {
  return http2((stream) => {
    stream.respond({ ':status': 200 });
    cut = () => end(stream);
    stream.write('abc');
  });
}

const length = 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc';
const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc';
const cases: Readonly<Record<string, readonly [server: Server, exitCode: number, ...flags: string[]]>> = {
  'a content-length that is not reached': [raw(length), 18],
  'a reset within a content-length': [raw(length, true), 56],
  'chunks without a last one': [raw(`${chunked}\r\n`), 18],
  'a reset between chunks': [raw(`${chunked}\r\n`, true), 56],
  'a malformed chunk': [raw(`${chunked}XX\r\n`), 56],
  'no answer at all': [raw(''), 52],
  'a reset in place of an answer': [raw('', true), 56],
  'no HTTP': [raw('SSH-2.0-x\r\n'), 1],
  'a stream that is reset': [begun((stream) => stream.destroy(new Error('cut'))), 92, '--http2-prior-knowledge'],
  'a stream whose connection ends': [begun((stream) => stream.session?.destroy()), 18, '--http2-prior-knowledge'],
  'a stream whose connection ends with GOAWAY': [
    begun((stream) => {
      stream.session?.goaway(2);
      stream.session?.ping(() => stream.session?.destroy()); // which has answered what came before it
    }),
    18,
    '--http2-prior-knowledge',
  ],
};

/** Its exit number; undefined where there is no curl. */
function curl(args: readonly string[]): Promise<number | undefined> {
  return new Promise((resolve) => {
    const child = execFile('curl', ['--no-buffer', '--noproxy', '*', ...args], { timeout: 60_000 }, (error) => {
      const code = error?.code as string | number | undefined;
      resolve(error === null ? 0 : typeof code === 'number' ? code : undefined);
    });
    child.stdout?.once('data', () => cut());
  });
}

for (const [what, [server, exitCode, ...flags]] of Object.entries(cases)) {
  test(`${what} gives ${exitCode}, as with curl`, async (t) => {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    t.after(() => server.close());
    const args = ['-s', ...flags, `http://127.0.0.1:${(server.address() as AddressInfo).port}/`];
    assert.equal((await passinglane(args, '', undefined, () => cut())).exitCode, exitCode);
    const theirs = await curl(args);
    if (theirs === undefined) t.diagnostic('there is no curl to compare with');
    else assert.equal(theirs, exitCode, 'curl');
  });
}
