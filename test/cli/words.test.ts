import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inTerminalWords } from '../../dist/cli/words.js';
import { Opening } from '../../dist/protocol/opening.js';
import { passinglane } from './command.js';
import { startOrigin } from '../support/origin.js';

/** Names of options and calls, as no terminal knows them. */
const api = /\b[a-z]+[A-Z]\w*|`|\w+\(\)|ERR_PASSINGLANE|TransportError/;

test('what a failure says on a terminal names nothing of the API', async () => {
  const origin = await startOrigin({
    handler: (request) => {
      request.stream.close(2); // not 7, REFUSED_STREAM, which is tried again for a minute
    },
  });
  const secure = await startOrigin({ tls: true });
  const runs: readonly (readonly string[])[] = [
    ['--http2-prior-knowledge', origin.origin],
    [origin.origin],
    [secure.origin],
    ['ping', secure.origin],
    ['-k', '-H', 'a b: c', secure.origin],
    ['--unix-socket', '/nonexistent', 'http://a/'],
    ['http://127.0.0.1:1/'],
  ];
  for (const args of runs) {
    const { exitCode, stderr } = await passinglane(args);
    assert.notEqual(exitCode, 0, args.join(' '));
    assert.match(stderr, /^passinglane: /);
    assert.doesNotMatch(stderr, api, args.join(' '));
  }
  await origin.close();
  await secure.close();
});

test('where HTTP/2 was asked of a server of HTTP/1.1, the flag to leave out is named', () => {
  const opening = new Opening();
  opening.take(Buffer.from('HTTP/1.1 400 Bad Request'));
  const message = inTerminalWords(opening.foreign('http://a') ?? '');
  assert.match(message, /speaks HTTP\/1\.1.*: leave out --http2-prior-knowledge \(ping and bench/);
  assert.doesNotMatch(message, api);
});
