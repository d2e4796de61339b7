import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CliError, describeFailure, usageError } from '../../dist/cli/exit-codes.js';
import { TransportError, type TransportErrorCode, type TransportErrorInit } from '../../dist/errors.js';

const url = new URL('https://origin.test:8443/');

function system(code: string, message = code): Error {
  return Object.assign(new Error(message), { code, errno: -1 });
}

function failure(
  code: TransportErrorCode,
  init: Partial<TransportErrorInit> = {},
  context: { responseBegun?: boolean; url?: URL; priorKnowledge?: boolean } = {},
): ReturnType<typeof describeFailure> {
  const error = new TransportError(code, `what ${code} says`, { scope: 'stream', initiator: 'remote', ...init });
  return describeFailure(error, { url, responseBegun: false, ...context });
}

test('a failure to connect has the number of its cause', () => {
  const numbers: Readonly<Record<string, number>> = {
    ENOTFOUND: 6,
    EAI_AGAIN: 6,
    ECONNREFUSED: 7,
    EHOSTUNREACH: 7,
    ENETUNREACH: 7,
    ENOENT: 7,
    ETIMEDOUT: 28,
    EPROTO: 35,
    ECONNRESET: 35,
    ERR_SSL_WRONG_VERSION_NUMBER: 35,
    DEPTH_ZERO_SELF_SIGNED_CERT: 60,
    CERT_HAS_EXPIRED: 60,
    ERR_TLS_CERT_ALTNAME_INVALID: 60,
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: 60,
    ESOMETHING: 7,
  };
  for (const [code, number] of Object.entries(numbers)) {
    assert.equal(failure('ERR_PASSINGLANE_CONNECT_FAILED', { cause: system(code) }).exitCode, number, code);
  }
  assert.equal(failure('ERR_PASSINGLANE_CONNECT_FAILED').exitCode, 7, 'without a cause');
});

test('the cause may lie deeper, or among the attempts on several addresses', () => {
  const deep = new Error('outer', { cause: new AggregateError([new Error('first'), system('ECONNREFUSED')], 'all') });
  assert.equal(failure('ERR_PASSINGLANE_CONNECT_FAILED', { cause: deep }).exitCode, 7);
  const circle = new Error('circle');
  circle.cause = circle;
  assert.equal(failure('ERR_PASSINGLANE_CONNECT_FAILED', { cause: circle }).exitCode, 7, 'and a circle ends');
});

test('every code of the transport has the number that curl gives for it', () => {
  const numbers: Readonly<Partial<Record<TransportErrorCode, number>>> = {
    ERR_PASSINGLANE_UNSUPPORTED_SCHEME: 1,
    ERR_PASSINGLANE_PROTOCOL: 92,
    ERR_PASSINGLANE_GOAWAY: 16,
    ERR_PASSINGLANE_RESPONSE_LENGTH: 92,
    ERR_PASSINGLANE_REQUEST_BODY: 26,
    ERR_PASSINGLANE_TIMEOUT: 28,
    ERR_PASSINGLANE_CONNECT_TIMEOUT: 28,
    ERR_PASSINGLANE_ALPN: 35,
    ERR_PASSINGLANE_CONTENT_CODING: 61,
    ERR_PASSINGLANE_RESPONSE_TOO_LARGE: 63,
    ERR_PASSINGLANE_STREAM_RESET: 92,
    ERR_PASSINGLANE_HEADERS_TOO_LARGE: 100,
  };
  for (const [code, number] of Object.entries(numbers)) {
    assert.equal(failure(code as TransportErrorCode).exitCode, number, code);
  }
  assert.equal(failure('ERR_PASSINGLANE_PROTOCOL', { scope: 'connection' }).exitCode, 16);
  assert.equal(failure('ERR_PASSINGLANE_INVALID_HEADER', { initiator: 'user' }).exitCode, 2);
});

test('a connection that is lost is an empty reply before the response, and a part of one after it', () => {
  assert.equal(failure('ERR_PASSINGLANE_CONNECTION_LOST').exitCode, 52);
  assert.equal(failure('ERR_PASSINGLANE_CONNECTION_LOST', { cause: system('ECONNRESET') }).exitCode, 56);
  assert.equal(failure('ERR_PASSINGLANE_CONNECTION_LOST', { cause: system('EPIPE') }).exitCode, 55);
  const begun = { responseBegun: true };
  assert.equal(failure('ERR_PASSINGLANE_CONNECTION_LOST', {}, begun).exitCode, 18);
  assert.equal(failure('ERR_PASSINGLANE_CONNECTION_LOST', { cause: system('ECONNRESET') }, begun).exitCode, 56);
});

test('a certificate that is not accepted comes with what to do about it', () => {
  const cause = system('DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate');
  const { message, hint } = failure('ERR_PASSINGLANE_CONNECT_FAILED', { cause });
  assert.equal(message, 'cannot verify the certificate of origin.test:8443: self-signed certificate');
  assert.match(hint ?? '', /--cacert FILE.*-k/);
  const otherName = failure('ERR_PASSINGLANE_CONNECT_FAILED', { cause: system('ERR_TLS_CERT_ALTNAME_INVALID') });
  assert.match(otherName.hint ?? '', /--resolve/);
});

test('an http: URL whose server speaks no HTTP/2 is advised to say so, or to use TLS', () => {
  const { exitCode, hint } = failure('ERR_PASSINGLANE_ALPN', {}, { url: new URL('http://origin.test/') });
  assert.equal(exitCode, 1);
  assert.match(hint ?? '', /--http2-prior-knowledge/);
});

test('a mistake on the command line points to the help that lists options', () => {
  assert.match(usageError('-H needs more').hint ?? '', /'passinglane get --help'/);
  assert.match(usageError('-c needs more', 'ping').hint ?? '', /'passinglane ping --help'/);
});

test("the command's own failures keep their number, message and advice", () => {
  const error = new CliError(47, 'gave up', 'advice');
  assert.deepEqual(describeFailure(error, { url, responseBegun: true }), {
    exitCode: 47,
    message: 'gave up',
    hint: 'advice',
  });
});

test('an option that the transport refuses is a matter of usage', () => {
  const error = Object.assign(new TypeError('Invalid x'), { code: 'ERR_INVALID_ARG_VALUE' });
  assert.equal(describeFailure(error, { url, responseBegun: false }).exitCode, 2);
});

test('what nobody foresaw still has a number and its message', () => {
  assert.deepEqual(describeFailure('odd', { url, responseBegun: false }), {
    exitCode: 56,
    message: 'odd',
    hint: undefined,
  });
});

test('an http: server that does not understand HTTP/1.1 brings up prior knowledge, unless that was given', () => {
  const lost = (context: { url?: URL; responseBegun?: boolean; priorKnowledge?: boolean }): string | undefined =>
    failure('ERR_PASSINGLANE_CONNECTION_LOST', { cause: system('ECONNRESET') }, context).hint;
  const clear = new URL('http://origin.test/');
  assert.match(lost({ url: clear }) ?? '', /--http2-prior-knowledge/);
  assert.doesNotMatch(lost({ url: clear, priorKnowledge: true }) ?? '', /prior-knowledge/);
  assert.doesNotMatch(lost({ url: clear, responseBegun: true }) ?? '', /prior-knowledge/);
  assert.doesNotMatch(lost({}) ?? '', /prior-knowledge/, 'https: has ALPN');
});
