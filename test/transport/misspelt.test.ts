/** Options that nobody has meant as they stand: each is refused where it is given, with what was meant. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createGrpcTransport, createHttpClient } from '../../dist/connect/index.js';
import { createRequest } from '../../dist/http/index.js';
import { Transport, type TransportOptions } from '../../dist/index.js';
import { otelObserver } from '../../dist/otel/index.js';
import { optionsFrom } from '../../dist/register/environment.js';
import { disableNetwork, MockTransport } from '../../dist/testing/index.js';
import { H2Dispatcher, install } from '../../dist/undici/index.js';
import { loopback } from '../support/certificates.js';

const transport = new Transport();
const url = 'https://127.0.0.1:1/';

/** What is not as the types have it. */
const wrong = (value: unknown): never => value as never;

const refused = (message: RegExp) => (error: Error & { code?: string }) => {
  assert.equal(error.code, 'ERR_INVALID_ARG_VALUE', String(error));
  assert.match(error.message, message);
  assert.doesNotMatch(error.message, /secret/);
  return true;
};

const misspelt: Readonly<Record<string, readonly [give: () => unknown, meant: string]>> = {
  'a Transport': [() => new Transport(wrong({ stalTimeout: 5 })), 'stallTimeout'],
  'its tls': [() => new Transport({ tls: wrong({ rejectUnauthorised: false }) }), 'rejectUnauthorized'],
  'its retry': [() => new Transport({ retry: wrong({ maxAtempts: 1 }) }), 'maxAttempts'],
  'its hedge': [() => new Transport({ hedge: wrong({ budjet: 1 }) }), 'budget'],
  'a request': [() => transport.request(url, wrong({ jason: 1 })), 'json'],
  'the retry of a request': [() => transport.request(url, { retry: wrong({ status: [503] }) }), 'statuses'],
  'the priority of a request': [() => transport.request(url, { priority: wrong({ urgancy: 1 }) }), 'urgency'],
  'a view': [() => transport.with(wrong({ baseUrl: url })), 'baseURL'],
  close: [() => transport.close(wrong({ timeOut: 1 })), 'timeout'],
  'a dispatcher': [() => new H2Dispatcher(wrong({ htttp1: transport })), 'http1'],
  'a dispatcher over a transport': [() => new H2Dispatcher(transport, wrong({ htttp1: transport })), 'http1'],
  install: [() => install(wrong({ idelTimeout: 1 })), 'idleTimeout'],
  'a transport of Connect-ES': [() => createGrpcTransport(wrong({ baseURL: url })), 'baseUrl'],
  'an observer of OpenTelemetry': [() => otelObserver(wrong({ metric: true })), 'metrics'],
  disableNetwork: [() => disableNetwork(wrong({ allows: ['secret'] })), 'allow'],
  'a mock': [() => new MockTransport(wrong({ idletimeout: 1 })), 'idleTimeout'],
  'a reply of a mock': [() => new MockTransport().route('/', wrong({ statuss: 200 })), 'status'],
  'the environment': [() => optionsFrom({ PASSINGLANE_IDEL_TIMEOUT: '1' }), 'PASSINGLANE_IDLE_TIMEOUT'],
};

for (const [where, [give, meant]] of Object.entries(misspelt))
  test(`a misspelt name in the options of ${where} is refused with the one that was meant`, async () => {
    await assert.rejects(async () => give(), refused(new RegExp(`\\(did you mean '?${meant}'?\\?\\)`)));
  });

test('a name that is like none is refused without a guess', () => {
  assert.throws(
    () => new Transport(wrong({ maxSockets: 5 })),
    refused(/^Invalid option 'maxSockets': 5\. Allowed: tls, /),
  );
});

test('what belongs into the option tls is refused with its place there', () => {
  for (const give of [
    () => new Transport(wrong({ rejectUnauthorized: false })),
    () => new H2Dispatcher(wrong({ rejectUnauthorized: false })),
    () => new MockTransport(wrong({ rejectUnauthorized: false })),
  ])
    assert.throws(give, refused(/\(did you mean 'tls\.rejectUnauthorized'\?\)/));
  assert.throws(
    () => createGrpcTransport(wrong({ ca: 'secret' })),
    refused(/give what concerns connections to a Transport/),
  );
});

test('of an unknown option whose name is that of a secret elsewhere no text is shown', async () => {
  const wants: readonly (() => unknown)[] = [
    () => new Transport(wrong({ passphrase: 'secret' })),
    () => new Transport({ retry: wrong({ token: 'secret' }) }),
    () => transport.request(url, wrong({ auth: 'user:secret' })),
    () => transport.with(wrong({ authorization: 'secret' })),
    () => new H2Dispatcher(wrong({ token: 'secret' })),
    () => createGrpcTransport(wrong({ baseUrl: url, token: 'secret' })),
  ];
  for (const give of wants) await assert.rejects(async () => give(), refused(/^Invalid option '[\w.]+': a string\. /));
});

test('a transport of Connect-ES without options, or without a base URL, is refused with what it needs', () => {
  for (const options of [undefined, null, 'secret'])
    assert.throws(() => createGrpcTransport(wrong(options)), refused(/^Invalid options: .*'baseUrl'/));
  assert.throws(() => createGrpcTransport(wrong({})), refused(/^Invalid option 'baseUrl': undefined\./));
});

test('the name of a file in place of PEM is refused by the option tls, and no text of it shown', () => {
  for (const tls of [
    { ca: 'secret.pem' },
    { ca: ['secret'] },
    { cert: 'secret.crt' },
    { key: [{ pem: 'secret.key' }] },
  ])
    assert.throws(
      () => new Transport({ tls }),
      refused(/^Invalid option 'tls\.(ca|cert|key)': a string\. Allowed: .*PEM.*readFileSync/),
    );
  assert.throws(
    () => new Transport({ tls: { crl: Buffer.from('secret') } }),
    refused(/'tls\.crl': an object \(Buffer\)/),
  );
  assert.throws(
    () => new Transport({ tls: wrong({ pasphrase: 'secret' }) }),
    refused(/'tls\.pasphrase': a string\. .*mean 'passphrase'/),
  );
});

test('rejectUnauthorized is true or false, and no text that says so', () => {
  for (const value of ['false', 0, 'no'])
    assert.throws(
      () => new Transport({ tls: { rejectUnauthorized: wrong(value) } }),
      refused(/'tls\.rejectUnauthorized': .* Allowed: true or false/),
    );
});

test('what node:tls takes, the option tls does: PEM as text and as bytes, lists of it, and every name of its types', () => {
  const { cert, key } = loopback;
  for (const tls of [
    { ca: cert, cert, key },
    { ca: [Buffer.from(cert), cert], cert: [cert], key: [{ pem: key }] },
    { ca: undefined, rejectUnauthorized: undefined },
    { secureOptions: 0, ALPNProtocols: ['h2'], session: Buffer.alloc(0), honorCipherOrder: true },
  ] satisfies TransportOptions['tls'][])
    new Transport({ tls }).destroy();
  const types = readFileSync(new URL('../../node_modules/@types/node/tls.d.ts', import.meta.url), 'utf8');
  const members = [
    ...types.matchAll(
      /interface (?:ConnectionOptions|CommonConnectionOptions|SecureContextOptions)[^{]*\{([^]*?)\n {4}\}/g,
    ),
  ];
  const names = members.flatMap(([, body = '']) =>
    [...body.matchAll(/^ {8}(\w+)\??[:(]/gm)].map(([, name = '']) => name),
  );
  assert.ok(names.length > 35, names.join());
  for (const name of names) new Transport({ tls: { [name]: undefined } }).destroy();
});

test('an observer that is a promise, or has no function of a name but one that is like it, is refused', () => {
  for (const [observer, message] of [
    [otelObserver(), /'observer': an object \(Promise\).*await it/],
    [{ requests: () => undefined }, /'observer\.requests': .*\(did you mean 'request'\?\)/],
    [{ onRequest: () => undefined }, /'observer\.onRequest': .*\(did you mean 'request'\?\)/],
    [{ frame: () => undefined, conection: () => undefined }, /did you mean 'connection'\?/],
  ] as const)
    assert.throws(() => new Transport({ observer: wrong(observer) }), refused(message));
  const counting = { count: 0, add: () => counting.count++, request: (): void => void counting.add() };
  new Transport({ observer: counting }).destroy();
});

test('what is no transport is refused by those that send through one', () => {
  for (const given of [undefined, {}, Promise.resolve(transport)])
    for (const take of [createRequest, createHttpClient])
      assert.throws(() => take(wrong(given)), refused(/^Invalid transport: .* Allowed: a Transport, or a view of one/));
});
