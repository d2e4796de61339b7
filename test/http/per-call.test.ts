import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { checkServerIdentity, createSecureContext, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { after, before, describe, test } from 'node:test';
import { selfSignedCertificate } from '../../dist/cli/certificate.js';
import { get } from '../../dist/http/index.js';
import { startOrigin, type TestOrigin } from '../support/origin.js';

const alice = selfSignedCertificate({ names: ['alice.test'], ips: [] });
const bob = selfSignedCertificate({ names: ['bob.test'], ips: [] });
const names = new Map(
  [alice, bob].map(({ cert }, i) => [new X509Certificate(cert).fingerprint256, ['alice', 'bob'][i]]),
);

describe('calls that say who they are', () => {
  let origin: TestOrigin;

  before(async () => {
    origin = await startOrigin({
      tls: true,
      server: { requestCert: true, rejectUnauthorized: false },
      handler: (request, response) => {
        const socket = request.stream.session!.socket as TLSSocket;
        const { fingerprint256 } = socket.getPeerCertificate();
        response.end(names.get(fingerprint256 ?? '') ?? 'nobody');
      },
    });
  });

  after(() => origin.close());

  /** Whom the server took the call for. */
  const seen = async (options: ConnectionOptions): Promise<string> => {
    const [response] = (await once(get(origin.origin, { ca: origin.ca, ...options }), 'response')) as [IncomingMessage];
    return text(response);
  };

  test('no user-agent is sent that the call does not name, as by node:http', async (t) => {
    const agents = await startOrigin({
      tls: true,
      handler: (request, response) => void response.end(request.headers['user-agent'] ?? 'none'),
    });
    t.after(() => agents.close());
    for (const [headers, sent] of [
      [{}, 'none'],
      [{ 'user-agent': 'mine' }, 'mine'],
    ] as const) {
      const asked = get(agents.origin, { ca: agents.ca, headers });
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      assert.equal(await text(response), sent);
    }
  });

  test('each secure context has connections of its own, and keeps them', async () => {
    const [one, other] = [alice, bob].map(({ cert, key }) => createSecureContext({ cert, key, ca: origin.ca }));
    assert.equal(await seen({ secureContext: one }), 'alice');
    assert.equal(await seen({ secureContext: other }), 'bob');
    const { sessionCount } = origin;
    assert.equal(await seen({ secureContext: one }), 'alice');
    assert.equal(origin.sessionCount, sessionCount, 'by the connection that was there');
  });

  test('keys that are written over or replaced in their list change nothing that went before', async () => {
    const cert = Buffer.from(alice.cert);
    const certs = [cert];
    const keys = [{ pem: Buffer.from(alice.key) }];
    const options = { cert: certs, key: keys };
    assert.equal(await seen(options), 'alice');
    certs[0] = Buffer.from(bob.cert);
    keys[0]!.pem = Buffer.from(bob.key);
    assert.equal(await seen(options), 'bob', 'the same lists hold what is another client');
    assert.equal(await seen({ cert: [cert], key: [{ pem: Buffer.from(alice.key) }] }), 'alice');
  });

  test('equal bytes, text and lists share a connection', async () => {
    const options = (): ConnectionOptions => ({
      cert: [Buffer.from(bob.cert)],
      key: [{ pem: Buffer.from(bob.key) }],
      ciphers: 'TLS_AES_128_GCM_SHA256',
    });
    assert.equal(await seen(options()), 'bob');
    const { sessionCount } = origin;
    assert.equal(await seen(options()), 'bob');
    assert.equal(origin.sessionCount, sessionCount);
  });

  test('each function that checks the server is asked', async () => {
    const asked: string[] = [];
    const checks = ['first', 'second'].map((name): typeof checkServerIdentity => (...args) => {
      asked.push(name);
      return checkServerIdentity(...args);
    });
    for (const check of checks) await seen({ checkServerIdentity: check });
    assert.deepEqual(asked, ['first', 'second']);
  });

  test("an error of the caller's own check of the server is no fault of the network", async () => {
    const failure = async (found: Error): Promise<NodeJS.ErrnoException> => {
      const sent = get(origin.origin, { ca: origin.ca, checkServerIdentity: () => found });
      const [error] = (await once(sent, 'error')) as [NodeJS.ErrnoException];
      return error;
    };
    const found = new Error('not the one');
    const error = await failure(found);
    assert.equal(error.code, 'ERR_PASSINGLANE_CONNECT_FAILED');
    assert.match(error.message, /not the one/);
    assert.equal((error.cause as Error).cause, found);
    assert.equal((await failure(Object.assign(new Error(), { code: 'PIN_MISMATCH' }))).code, 'PIN_MISMATCH');
  });

  test('a pre-shared key is part of who calls', async () => {
    const { sessionCount } = origin;
    const pskCallback = (): null => null;
    await seen({ pskCallback });
    await seen({ pskCallback: () => pskCallback() });
    assert.equal(origin.sessionCount, sessionCount + 2);
  });
});
