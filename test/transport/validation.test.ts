/** What `new Transport` and `request` accept, and what their errors say and keep to themselves. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { TransportError as OurError } from '../../dist/errors.js';
import { Transport, TransportError, type RequestOptions, type TransportOptions } from '../../dist/index.js';
import { startOrigin, type OriginOptions, type TestOrigin } from '../support/origin.js';

function transportFor(t: TestContext, options?: TransportOptions): Transport {
  const transport = new Transport({ cleartext: 'h2c', ...options });
  t.after(() => transport.destroy());
  return transport;
}

async function originFor(t: TestContext, options?: OriginOptions): Promise<TestOrigin> {
  const origin = await startOrigin(options);
  t.after(() => origin.close());
  return origin;
}

/** A value that is not allowed, how a message shows it, and what that says is allowed. */
type Refusal = readonly [value: unknown, shown: string, allowed: RegExp];

const time = /milliseconds from 0 \(off\) to 2147483647/;
const noTime: Refusal[] = [
  [-1, '-1', time],
  [NaN, 'NaN', time],
  [Infinity, 'Infinity', time],
  [2_147_483_648, '2147483648', time],
  ['5', '"5"', time],
  [null, 'null', time],
];
const noFlag: Refusal[] = [
  [1, '1', /true or false/],
  ['true', '"true"', /true or false/],
  [null, 'null', /true or false/],
];
function noInteger(min: number, max: number): Refusal[] {
  const allowed = new RegExp(`an integer from ${min} to ${max}`);
  return [
    [min - 1, String(min - 1), allowed],
    [max + 1, String(max + 1), allowed],
    [min + 0.5, String(min + 0.5), allowed],
    [String(min), `"${min}"`, allowed],
    [null, 'null', allowed],
  ];
}
const noHedge: Refusal[] = [
  [5, '5', /an object with after, budget, or {} for the defaults/],
  ['p95', '"p95"', /an object with after, budget/],
  [true, 'true', /an object with after, budget, or {} for the defaults/],
];
const noAfter: Refusal[] = [
  ['p50', '"p50"', /'p95' or milliseconds/],
  [-1, '-1', time],
  [true, 'true', time],
];
const noShare: Refusal[] = [
  [-0.1, '-0.1', /a number from 0 to 1/],
  [1.1, '1.1', /a number from 0 to 1/],
  ['0', '"0"', /a number from 0 to 1/],
];
const noFunction: Refusal[] = [
  ['x', '"x"', /a function/],
  [{}, 'an object (Object)', /a function/],
];
const noString: Refusal[] = [
  [5, '5', /./],
  [null, 'null', /./],
  [['x'], 'an array', /./],
];
const noText: Refusal[] = [...noString, ['', '""', /./]];
const noObject: Refusal[] = [
  [5, '5', /an object with/],
  ['x', '"x"', /an object with/],
  [null, 'null', /an object with/],
  [[], 'an array', /an object with/],
];
const most = Number.MAX_SAFE_INTEGER;

const transportTable: Readonly<
  Record<keyof TransportOptions | `retry.${string}` | `hedge.${string}` | `observer.${string}`, Refusal[]>
> = {
  tls: noObject,
  allowHTTP1: noFlag,
  loadBalancing: [
    ['round-robin', '"round-robin"', /"pick-first" or "least-request"/],
    [true, 'true', /"pick-first" or "least-request"/],
  ],
  cleartext: [
    ['h2', '"h2"', /"http\/1\.1" or "h2c"/],
    [true, 'true', /"http\/1\.1" or "h2c"/],
  ],
  connectTimeout: noTime,
  maxConnectionsPerOrigin: noInteger(1, 65_535),
  strictMaxConcurrentStreams: noFlag,
  bulkIsolation: noFlag,
  resolveInterval: [...noTime, [0, '0', /milliseconds from 1 to 2147483647/]],
  stallTimeout: [...noTime, [0, '0', /milliseconds from 1 to 2147483647/]],
  probeAfter: noTime,
  readIdleTimeout: noTime,
  pingTimeout: noTime,
  writeTimeout: noTime,
  idleTimeout: noTime,
  maxConnectionAge: noTime,
  maxRequestsPerConnection: noInteger(0, most),
  headersTimeout: noTime,
  bodyTimeout: noTime,
  retry: noObject,
  'retry.maxAttempts': noInteger(1, 1_000),
  'retry.baseDelay': noTime,
  'retry.maxDelay': noTime,
  'retry.jitter': [
    [-0.1, '-0.1', /a number from 0 to 1/],
    [1.1, '1.1', /a number from 0 to 1/],
    ['0', '"0"', /a number from 0 to 1/],
  ],
  'retry.budget': [
    [-1, '-1', /a number from 0; Infinity is no limit/],
    [NaN, 'NaN', /a number from 0/],
    ['0.2', '"0.2"', /a number from 0/],
  ],
  'retry.statuses': [
    [503, '503', /an array of statuses from 400 to 599/],
    [[503, '503'], '"503"', /an array of statuses/],
    [[200], '200', /an array of statuses/],
    [[600], '600', /an array of statuses/],
  ],
  hedge: noHedge,
  'hedge.after': noAfter,
  'hedge.budget': noShare,
  maxHeaderListSize: noInteger(1, 0xffff_ffff),
  maxFrameSize: noInteger(16_384, 16_777_215),
  headerTableSize: noInteger(0, 0xffff_ffff),
  encoderTableSize: noInteger(0, 0xffff_ffff),
  initialStreamWindow: noInteger(1, 0x7fff_ffff),
  maxStreamWindow: noInteger(1, 0x7fff_ffff),
  maxConnectionWindow: noInteger(65_535, 0x7fff_ffff),
  maxBufferedBytes: noInteger(65_535, most),
  maxResponseSize: noInteger(0, most),
  maxDecompressionRatio: noInteger(0, most),
  decompress: noFlag,
  proxy: [
    [true, 'true', /the URL of a proxy, 'env', or false/],
    ['ftp://user:password@proxy.test', '"ftp://proxy.test"', /http:\/\/ or https:\/\//],
    ['socks5://user:password@proxy.test', '"socks5://proxy.test"', /by createConnection, as examples\/socks\.mjs does/],
    ['http://user:password@proxy.test:x', '"http://proxy.test:x"', /host and port of a proxy/],
    ['http://100%:@proxy.test', '"http://proxy.test"', /host and port of a proxy/],
    ['http://proxy.test/path', '"http://proxy.test/path"', /host and port of a proxy/],
    ['', '""', /host and port of a proxy/],
    [new URL('ftp://user:password@proxy.test'), '"ftp://proxy.test/"', /host and port of a proxy/],
  ],
  socketPath: noText,
  lookup: noFunction,
  localAddress: [...noText, ['eth0', '"eth0"', /an IP address/]],
  keepAlive: noTime,
  createConnection: noFunction,
  userAgent: [...noString, ['a\r\nb', '"a\\r\\nb"', /the value of a header/]],
  observer: noObject,
  'observer.frame': noFunction,
  'observer.connection': noFunction,
  'observer.address': noFunction,
};

const requestTable: Readonly<
  Record<keyof RequestOptions | `priority.${string}` | `hedge.${string}` | `retry.${string}`, Refusal[]>
> = {
  method: noText,
  headers: [
    [5, '5', /a record, pairs, or a Headers/],
    [null, 'null', /a record, pairs, or a Headers/],
  ],
  body: [
    [5, '5', /a string, ArrayBuffer.*or a function/],
    [{}, 'an object (Object)', /a string, ArrayBuffer.*or a function/],
    [true, 'true', /a string, ArrayBuffer/],
  ],
  json: [
    [10n, 'a bigint', /a value that JSON.stringify can write/],
    [() => 1, 'a function', /a value that JSON.stringify can write/],
  ],
  trailers: [
    [5, '5', /a record, pairs, a Headers, or a function/],
    [null, 'null', /a record, pairs, a Headers, or a function/],
  ],
  signal: [
    [{}, 'an object (Object)', /an AbortSignal/],
    [null, 'null', /an AbortSignal/],
  ],
  timeout: noTime,
  headersTimeout: noTime,
  bodyTimeout: noTime,
  idempotent: noFlag,
  hedge: noHedge,
  'hedge.after': noAfter,
  'hedge.budget': noShare,
  retry: [
    [3, '3', /an object with maxAttempts, baseDelay, maxDelay, jitter, statuses/],
    [[], 'an array', /an object with maxAttempts/],
  ],
  'retry.maxAttempts': noInteger(1, 1_000),
  'retry.baseDelay': noTime,
  'retry.maxDelay': noTime,
  'retry.jitter': noShare,
  'retry.statuses': [[[200], '200', /an array of statuses from 400 to 599/]],
  'retry.budget': [[0.1, '0.1', /maxAttempts, baseDelay, maxDelay, jitter, statuses/]],
  expectContinue: noFlag,
  onInformational: noFunction,
  priority: [
    [3, '3', /urgency, incremental/],
    [null, 'null', /urgency, incremental/],
    [[], 'an array', /urgency, incremental/],
  ],
  'priority.urgency': noInteger(0, 7),
  'priority.incremental': noFlag,
  protocol: noString,
  decompress: noFlag,
  timing: noFlag,
};

/** `a.b` as `{ a: { b: value } }`. */
function optionsWith(name: string, value: unknown): object {
  const [outer = '', inner] = name.split('.');
  return { [outer]: inner === undefined ? value : { [inner]: value } };
}

function isRefusal(error: unknown, name: string, [, shown, allowed]: Refusal): true {
  assert.ok(error instanceof TypeError, `${name}: ${String(error)}`);
  assert.equal((error as TypeError & { code?: string }).code, 'ERR_INVALID_ARG_VALUE');
  const [, told, value, choice] = /^Invalid (.+?): (.+)\. Allowed: (.+)\.$/s.exec(error.message) ?? [];
  assert.deepEqual([told?.replace(/^option '(.*)'$/, '$1'), value], [name, shown]);
  assert.match(choice ?? '', allowed);
  return true;
}

/** What the refusal of an unknown option says that there is. */
function namesIn(error: unknown): string[] {
  return (/Allowed: (.*)\.$/.exec((error as Error).message)?.[1] ?? '').split(', ').sort();
}

const topLevel = (table: object): string[] =>
  Object.keys(table)
    .filter((name) => !name.includes('.'))
    .sort();

test('an option of Transport that is out of range is refused, by its name, its value and what is allowed', () => {
  for (const [name, refusals] of Object.entries(transportTable))
    for (const refusal of refusals)
      assert.throws(
        () => new Transport(optionsWith(name, refusal[0])),
        (error) => isRefusal(error, name, refusal),
      );
});

test('an option of Transport that there is not is refused, with those that there are', () => {
  for (const name of ['timeout', 'maxSockets', 'toString', 'constructor', '__proto__x'])
    assert.throws(
      () => new Transport({ [name]: 'x' }),
      (error) => {
        assert.deepEqual(namesIn(error), topLevel(transportTable), 'this test has all of them');
        return isRefusal(error, name, ['x', '"x"', /./]);
      },
    );
  assert.throws(
    () => new Transport({ retry: { attempts: 3 } } as TransportOptions),
    (error) => isRefusal(error, 'retry.attempts', [3, '3', /maxAttempts, baseDelay, maxDelay, jitter/]),
  );
});

test('what is no options object is refused, and undefined is as good as none', async (t) => {
  for (const options of [null, 5, 'x', []]) {
    const code = 'ERR_INVALID_ARG_VALUE';
    assert.throws(() => new Transport(options as unknown as TransportOptions), { code });
    await assert.rejects(transportFor(t).request('http://nowhere.test/', options as RequestOptions), { code });
  }
  const options = Object.fromEntries(topLevel(transportTable).map((name) => [name, undefined]));
  assert.doesNotThrow(() => new Transport(options));
});

test('an option of request that is out of range rejects, by its name, its value and what is allowed', async (t) => {
  const transport = transportFor(t);
  for (const [name, refusals] of Object.entries(requestTable))
    for (const refusal of refusals) {
      if (name === 'body' && refusal[0] === null) continue;
      await assert.rejects(transport.request('http://nowhere.test/', optionsWith(name, refusal[0])), (error) =>
        isRefusal(error, name, refusal),
      );
    }
  assert.deepEqual(transport.stats().origins, [], 'nothing was dialled');
});

test('an option of request that there is not rejects, with those that there are', async (t) => {
  const transport = transportFor(t);
  for (const name of ['form', 'redirect', 'toString', 'constructor'])
    await assert.rejects(transport.request('http://nowhere.test/', { [name]: 'x' }), (error) => {
      assert.deepEqual(namesIn(error), topLevel(requestTable), 'this test has all of them');
      return isRefusal(error, name, ['x', '"x"', /./]);
    });
  await assert.rejects(
    transport.request('http://nowhere.test/', { priority: { urgancy: 1 } } as RequestOptions),
    (error) => isRefusal(error, 'priority.urgancy', [1, '1', /urgency, incremental/]),
  );
});

test('options of request that are undefined are as good as none', async (t) => {
  const { origin } = await originFor(t);
  const options = Object.fromEntries(topLevel(requestTable).map((name) => [name, undefined]));
  assert.equal((await transportFor(t).request(`${origin}/hello.txt`, options)).status, 200);
});

test('a URL that is none rejects, and throws nothing synchronously', async (t) => {
  const transport = transportFor(t);
  await assert.rejects(transport.request('/path'), { name: 'TypeError', code: 'ERR_INVALID_URL' });
  await assert.rejects(transport.request(5 as unknown as string), { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' });
  await assert.rejects(transport.request('ftp://nowhere.test/'), { code: 'ERR_PASSINGLANE_UNSUPPORTED_SCHEME' });
  await assert.rejects(transport.preconnect('/path'), { code: 'ERR_INVALID_URL' });
  for (const count of [0, -1, 1.5, '2', NaN])
    await assert.rejects(transport.preconnect('http://nowhere.test', count as number), {
      code: 'ERR_INVALID_ARG_VALUE',
    });
});

test('what is right by its type and wrong for HTTP is refused before anything is dialled', async (t) => {
  const transport = transportFor(t);
  const url = 'http://nowhere.test/';
  for (const options of [{ method: 'GE T' }, { method: 'GET', protocol: 'websocket' }, { protocol: 'no token' }])
    await assert.rejects(transport.request(url, options), {
      code: 'ERR_PASSINGLANE_INVALID_REQUEST',
      unprocessed: true,
    });
  for (const headers of [{ 'no token': 'x' }, { ':path': '/x' }, { upgrade: 'h2c' }, { te: 'gzip' }] as const)
    await assert.rejects(transport.request(url, { headers }), {
      code: 'ERR_PASSINGLANE_INVALID_HEADER',
      unprocessed: true,
    });
  assert.deepEqual(transport.stats().origins, []);
});

// --- errors ---

test('TransportError.isInstance knows the errors of another copy of the package, and nothing else', async () => {
  const copy = (await import(`${import.meta.resolve('../../dist/errors.js')}?copy`)) as {
    TransportError: typeof OurError;
  };
  assert.notEqual(copy.TransportError, OurError);
  const init = { scope: 'request', initiator: 'user' } as const;
  const [ours, theirs] = [OurError, copy.TransportError].map((one) => new one('ERR_PASSINGLANE_GOAWAY', 'x', init));
  assert.equal(theirs instanceof TransportError, false);
  for (const error of [ours, theirs]) {
    assert.equal(TransportError.isInstance(error), true);
    assert.equal(copy.TransportError.isInstance(error), true);
  }
  for (const other of [new Error('x'), { ...ours }, null, undefined, 'ERR_PASSINGLANE_GOAWAY', new TypeError('x')])
    assert.equal(TransportError.isInstance(other), false);
});

const secret = 'hunter2-secret';

/** Everything that printing an error could show. */
async function shownBy(promise: Promise<unknown>): Promise<string> {
  const { inspect } = await import('node:util');
  try {
    await promise;
  } catch (error) {
    return inspect(error, { depth: 10, showHidden: true });
  }
  return assert.fail('it should have failed');
}

const leaks: Readonly<Record<string, RequestOptions>> = {
  'a control character': { headers: { authorization: `${secret}\n` } },
  'a character above U+00FF': { headers: { authorization: `${secret}\u{1f511}` } },
  'a name that is no token': { headers: { 'x y': secret } },
  'a pseudo-field': { headers: { ':authority': secret } },
  'a host': { headers: { host: `${secret} ` + '"' } },
  'two hosts': {
    headers: [
      ['host', secret],
      ['host', secret],
    ],
  },
  'a content-length': { method: 'POST', body: 'x', headers: { 'content-length': secret } },
  'two content-lengths': {
    headers: [
      ['content-length', '5'],
      ['content-length', secret],
    ],
  },
  'a te': { headers: { te: secret } },
  'a connection': { headers: { connection: secret } },
  'an upgrade': { headers: { upgrade: secret } },
  'a transfer-encoding': { headers: { 'transfer-encoding': secret } },
  'a value that is an object': { headers: { authorization: { secret } } as never },
  'a value that is a function': { headers: { authorization: () => secret } as never },
  'a pair that is none': { headers: [['authorization', secret, 'x']] as never },
  'an entry that is a string': { headers: [`authorization: ${secret}`] as never },
  'headers that are a string': { headers: `authorization: ${secret}` as never },
  'trailers that are a string': { trailers: `authorization: ${secret}` as never },
  'a trailer': { method: 'POST', body: 'x', trailers: { authorization: `${secret}\n` } },
  'a trailer of a function': { method: 'POST', body: 'x', trailers: () => ({ authorization: `${secret}\n` }) },
  'trailers of a function that are a string': { method: 'POST', body: 'x', trailers: () => [`a: ${secret}`] as never },
  'too many headers': {
    headers: Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`x-${i}`, secret.repeat(9)])),
  },
};

for (const [what, options] of Object.entries(leaks)) {
  test(`no error shows the value of a header: ${what}`, async (t) => {
    const { origin } = await originFor(t, { settings: { maxHeaderListSize: 10_000 } });
    const transport = transportFor(t);
    await transport.preconnect(origin);
    const shown = await shownBy(transport.request(`${origin}/silent`, options));
    assert.doesNotMatch(shown, /hunter2/);
  });
}

test('no error shows the value of a header: requests that were sent', async (t) => {
  const { origin } = await originFor(t);
  const headers = { authorization: secret, cookie: secret, 'x-key': secret };
  const options = { method: 'POST', headers, trailers: headers, body: 'x' } as const;
  const failures: Readonly<Record<string, (transport: Transport) => Promise<unknown>>> = {
    'timed out': (transport) => transport.request(`${origin}/silent`, { ...options, timeout: 30 }),
    reset: async (transport) => (await transport.request(`${origin}/reset/2`, options)).body.text(),
    lost: (transport) => {
      const call = transport.request(`${origin}/silent`, options);
      setTimeout(() => transport.destroy(), 20);
      return call;
    },
    'credentials in the URL': (transport) =>
      transport.request(`${origin.replace('//', `//user:${secret}@`)}/silent`, { timeout: 30 }),
    'not connected': (transport) => transport.request(`http://user:${secret}@127.0.0.1:1/`, options),
  };
  for (const [what, fail] of Object.entries(failures))
    assert.doesNotMatch(await shownBy(fail(transportFor(t))), /hunter2/, what);
});

test('time-outs are TimeoutErrors, and other failures TransportErrors', async (t) => {
  const { origin } = await originFor(t);
  const transport = transportFor(t);
  await assert.rejects(transport.request(`${origin}/silent`, { timeout: 20 }), { name: 'TimeoutError' });
  await assert.rejects((await transport.request(`${origin}/reset/8`)).body.text(), {
    name: 'TransportError',
    errorCode: 'CANCEL',
  });
});
