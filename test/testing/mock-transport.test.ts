import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { TransportError } from '../../dist/index.js';
import { createRequest } from '../../dist/http/index.js';
import { MockTransport } from '../../dist/testing/index.js';
import { H2Dispatcher, install, uninstall } from '../../dist/undici/index.js';

const api = 'https://api.test';

function mocked(t: TestContext): MockTransport {
  const mock = new MockTransport({ retry: { baseDelay: 1 } });
  t.after(() => {
    mock.destroy();
  });
  return mock;
}

test('a route answers with status, headers, body and trailers', async (t) => {
  const mock = mocked(t).route('/orders', {
    status: 201,
    headers: { 'x-one': '1', 'set-cookie': ['a=1', 'b=2'] },
    body: ['in ', 'pieces'],
    trailers: { 'x-sum': '7' },
  });
  const response = await mock.request(`${api}/orders?page=2`);
  assert.equal(response.status, 201);
  assert.equal(response.headers.get('x-one'), '1');
  assert.deepEqual(response.headers.getSetCookie(), ['a=1', 'b=2']);
  assert.equal(await response.body.text(), 'in pieces');
  assert.equal((await response.trailers).get('x-sum'), '7');
});

test('what was asked for is recorded, its body too', async (t) => {
  const mock = mocked(t).route(`POST ${api}/orders`, { json: { id: 1 } });
  const options = { method: 'POST', headers: { 'x-a': '1' }, body: '{"item":"tea"}' };
  const response = await mock.request(`${api}/orders`, options);
  assert.deepEqual(await response.body.json(), { id: 1 });
  const [call] = mock.calls;
  assert.equal(`${call?.method} ${call?.url}`, `POST ${api}/orders`);
  assert.equal(call?.headers['x-a'], '1');
  assert.deepEqual(call?.json(), { item: 'tea' });
});

test('a route is for a method, a path, a URL, any text, an expression, or what a function says', async (t) => {
  const mock = mocked(t)
    .route('*', { body: 'any' })
    .route('DELETE /a', { body: 'method' })
    .route(`${api}/b`, { body: 'url' })
    .route('/users/*/name', { body: 'star' })
    .route('/q?x=1', { body: 'query' })
    .route(/\/\d+$/, { body: 'digits' })
    .route(({ url }) => url.endsWith('!'), { body: 'function' });
  const ask = async (method: string, path: string): Promise<string> =>
    (await mock.request(`${api}${path}`, { method })).body.text();
  assert.equal(await ask('GET', '/a'), 'any');
  assert.equal(await ask('DELETE', '/a'), 'method');
  assert.equal(await ask('GET', '/b?c'), 'url');
  assert.equal(await ask('GET', '/users/7/name'), 'star');
  assert.equal(await ask('GET', '/q?x=2'), 'any');
  assert.equal(await ask('GET', '/q?x=1'), 'query');
  assert.equal(await ask('GET', '/77'), 'digits');
  assert.equal(await ask('GET', '/a!'), 'function');
});

test('several replies count once each, and the last from then on', async (t) => {
  const mock = mocked(t).route('/', [
    { status: 503 },
    () => ({ status: 202 }),
    () => new Response('web', { status: 200 }),
  ]);
  const statuses = [];
  for (let i = 0; i < 4; i++) {
    const { status, body } = await mock.request(api);
    statuses.push(status);
    await body.dump();
  }
  assert.deepEqual(statuses, [503, 202, 200, 200]);
});

test('what no route is for is refused with the routes that there are, and nothing is recorded', async (t) => {
  const mock = mocked(t).route('/a', {});
  await assert.rejects(mock.request(`${api}/b?token=secret`), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'ERR_PASSINGLANE_NOT_MOCKED');
    assert.match(
      error.message,
      /^GET https:\/\/api\.test\/b: no route of this MockTransport is for it; there are: \/a \(/,
    );
    return true;
  });
  assert.equal(mock.calls.length, 0);
});

test('a function that returns nothing leaves the request without a mock, and the error names its route', async (t) => {
  const mock = mocked(t).route('POST /orders', () => undefined);
  const unanswered = (error: Error & { code?: string }): boolean => {
    assert.equal(error.code, 'ERR_PASSINGLANE_NOT_MOCKED');
    assert.match(
      error.message,
      /^POST https:\/\/api\.test\/orders: the function of route POST \/orders returned nothing: let it return a reply/,
    );
    return true;
  };
  const post = { method: 'POST', body: 'x' } as const;
  await assert.rejects(mock.request(`${api}/orders?token=secret`, { ...post, idempotent: true }), unanswered);
  await assert.rejects(mock.fetch(`${api}/orders`, post), ({ cause }) => unanswered(cause as Error));
  assert.equal(mock.calls.length, 2, 'and it is not sent again');
});

test('a Response is a reply, as often as it is asked for, and in a list', async (t) => {
  const made = (status: number): Response =>
    new Response('tea', {
      status,
      headers: [
        ['x-a', '1'],
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=2'],
      ],
    });
  const mock = mocked(t)
    .route('/one', made(201))
    .route('/list', [made(503), { status: 204 }]);
  for (let i = 0; i < 2; i++) {
    const response = await mock.request(`${api}/one`);
    assert.deepEqual(
      [response.status, response.headers.get('x-a'), response.headers.getSetCookie(), await response.text()],
      [201, '1', ['a=1', 'b=2'], 'tea'],
    );
  }
  assert.equal((await mock.request(`${api}/list`)).status, 503);
  assert.equal((await mock.request(`${api}/list`)).status, 204);
});

test('a stall ends by the time-out of whoever waits, before the answer or in its body', async (t) => {
  const mock = mocked(t).route('/head', { fault: 'stall' }).route('/body', { fault: 'stall', body: 'part' });
  await assert.rejects(mock.request(`${api}/head`, { headersTimeout: 20 }), {
    code: 'ERR_PASSINGLANE_HEADERS_TIMEOUT',
  });
  const { body } = await mock.request(`${api}/body`, { bodyTimeout: 20 });
  await assert.rejects(body.text(), { code: 'ERR_PASSINGLANE_BODY_TIMEOUT' });
});

test('a reset is an error with its code', async (t) => {
  const mock = mocked(t).route('/', { fault: 'reset', errorCode: 'ENHANCE_YOUR_CALM' });
  await assert.rejects(mock.request(api), { code: 'ERR_PASSINGLANE_STREAM_RESET', errorCode: 'ENHANCE_YOUR_CALM' });
});

test('a GOAWAY spares the request, which goes out again on another connection', async (t) => {
  const mock = mocked(t).route('/', [{ fault: 'goaway' }, { body: 'there' }]);
  const response = await mock.request(api, { method: 'POST', body: 'once' });
  assert.equal(await response.body.text(), 'there');
  assert.equal(response.attempts, 2);
  assert.deepEqual(
    mock.calls.map((call) => call.text()),
    ['once', 'once'],
  );
});

test('a body that is cut is an error, never a shorter body', async (t) => {
  const mock = mocked(t).route('/', { fault: 'cut', body: 'cut in two' });
  const { body } = await mock.request(api);
  let text = '';
  await assert.rejects(
    async () => {
      for await (const chunk of body) text += Buffer.from(chunk).toString();
    },
    (error) => TransportError.isInstance(error) && error.code === 'ERR_PASSINGLANE_CONNECTION_LOST',
  );
  assert.equal(text, 'cut i');
});

test('a reply comes after its delay, and an aborted request does not wait for it', async (t) => {
  const mock = mocked(t).route('/', { delay: 30, body: 'late' });
  const begun = performance.now();
  assert.equal(await (await mock.request(api)).body.text(), 'late');
  assert.ok(performance.now() - begun >= 29);
  await assert.rejects(mock.request(api, { signal: AbortSignal.abort('enough') }), (reason) => reason === 'enough');
});

test('what the function of a route throws is shown in the response', async (t) => {
  const mock = mocked(t).route('/', () => {
    throw new Error('the test is wrong');
  });
  const response = await mock.request(api);
  assert.equal(response.status, 500);
  assert.match(await response.body.text(), /the test is wrong/);
});

test('a reply that cannot be sent is shown in the response, and resets one that has begun', async (t) => {
  const mock = mocked(t)
    .route('/json', { json: 1n })
    .route('/header', { headers: { 'no token': '1' } })
    .route('/trailer', { body: 'x', trailers: { 'no token': '1' } })
    .route('/body', {
      body: (async function* () {
        yield 'begun';
        throw new Error('the test is wrong');
      })(),
    });
  for (const [path, message] of [
    ['/json', /BigInt/],
    ['/header', /no token/],
  ] as const) {
    const response = await mock.request(`${api}${path}`);
    assert.equal(response.status, 500);
    assert.match(await response.body.text(), message);
  }
  for (const path of ['/trailer', '/body'])
    await assert.rejects((await mock.request(`${api}${path}`)).body.text(), { errorCode: 'INTERNAL_ERROR' });
});

test('it stands where a Transport is taken: fetch, the built-in fetch, undici, node:http', async (t) => {
  const mock = mocked(t).route('/', (call) => ({ body: call.method }));
  assert.equal(await (await mock.fetch(api, { method: 'PUT', body: 'x' })).text(), 'PUT');
  const dispatched = await new H2Dispatcher(mock).request({ origin: api, path: '/', method: 'GET' });
  assert.equal(await dispatched.body.text(), 'GET');
  install(mock);
  t.after(uninstall);
  assert.equal(await (await fetch(api)).text(), 'GET');
  await assert.rejects(fetch(`${api}/none`), ({ cause }) =>
    /no route of this MockTransport/.test((cause as Error).message),
  );
  const message = await new Promise<NodeJS.ReadableStream>((resolve, reject) => {
    createRequest(mock).get(api, resolve).on('error', reject);
  });
  let text = '';
  for await (const chunk of message) text += String(chunk);
  assert.equal(text, 'GET');
});

test('a mock of nonsense is refused by name', (t) => {
  const mock = mocked(t);
  const invalid = { code: 'ERR_INVALID_ARG_VALUE' };
  assert.throws(() => mock.route('orders', {}), invalid);
  assert.throws(() => mock.route('/', []), invalid);
  assert.throws(() => mock.route('/', { status: 99 }), invalid);
  assert.throws(() => mock.route('/', { boddy: 'x' } as object), /'boddy': a string.*mean 'body'/);
  assert.throws(() => mock.route('/', { fault: 'explode' as 'cut' }), /explode/);
  assert.throws(() => mock.route('/', Promise.resolve({ status: 201 }) as object), /reply: an object \(Promise\)/);
  assert.throws(() => new MockTransport({ proxy: 'http://proxy.test' } as object), /option 'proxy': a string/);
  assert.throws(() => mock.route('/', { delay: -1 }), /'delay': -1/);
  assert.throws(() => mock.route('/', { delay: NaN }), /'delay': NaN/);
  assert.throws(() => mock.route('/', { body: 1 as unknown as string }), /'body': 1/);
  assert.throws(() => mock.route('/', { body: 'x', json: 1 }), /'json'/);
  assert.throws(() => mock.route('/', { headers: new Headers() as unknown as Record<string, string> }), /'headers'/);
  assert.throws(() => mock.route('/', { trailers: 'x' as unknown as Record<string, string> }), /'trailers'/);
});

test('a mock takes no options but an object, as a Transport does', () => {
  for (const options of [null, 5, 'x', [], true])
    assert.throws(
      () => new MockTransport(options as object),
      { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE', message: /^Invalid options: / },
      String(options),
    );
  assert.doesNotThrow(() => new MockTransport(undefined));
});
