/** Interceptors, RetryAgent and MockAgent of the real undicis over the dispatcher. */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { testEach } from './undicis.js';

/** The interceptors that a version has; those it lacks are not tested with it. */
interface Interceptors {
  redirect(options?: object): never;
  retry(options?: object): never;
  dump(options?: object): never;
  dns(options?: object): never;
  cache?(options?: object): never;
  responseError?(options?: object): never;
  decompress?(options?: object): never;
}

testEach(
  'redirect follows, retry retries what failed for a while, dump cuts a body short',
  async ({ undici, url, dispatcher }) => {
    const { redirect, retry, dump } = undici.interceptors as unknown as Interceptors;
    const composed = dispatcher.compose(redirect({ maxRedirections: 3 }));
    const followed = await undici.request(`${url}/moved`, { dispatcher: composed });
    assert.equal(followed.statusCode, 200);
    assert.equal(await followed.body.text(), 'GET /here');

    const patient = dispatcher.compose([retry({ minTimeout: 1, maxTimeout: 1 })]);
    const retried = await undici.request(`${url}/later`, { dispatcher: patient });
    assert.equal(retried.statusCode, 200);
    assert.equal(await retried.body.text(), 'GET /later');

    const short = dispatcher.compose(dump({ maxSize: 1_000_000 }));
    const dumped = await undici.request(`${url}/here`, { dispatcher: short });
    assert.equal(await dumped.body.text(), '');
  },
  { handler: flaky() },
);

/** `/moved` redirects to `/here`; `/later` answers the third time; `/cut` breaks off once. */
function flaky() {
  const seen = new Map<string, number>();
  return ((request, response) => {
    const count = (seen.get(request.url) ?? 0) + 1;
    seen.set(request.url, count);
    if (request.url === '/moved') {
      response.statusCode = 302;
      response.setHeader('location', '/here');
      return void response.end();
    }
    if (request.url === '/later' && count % 3 !== 0) {
      response.statusCode = 503;
      return void response.end();
    }
    if (request.url === '/cut') {
      const content = 'a body of two parts';
      const from = /bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1];
      response.setHeader('etag', '"one"');
      if (from !== undefined) {
        response.statusCode = 206;
        response.setHeader('content-range', `bytes ${from}-${content.length - 1}/${content.length}`);
        return void response.end(content.slice(Number(from)));
      }
      response.setHeader('content-length', content.length);
      return void response.write(content.slice(0, 6), () => response.stream.close(2));
    }
    response.setHeader('cache-control', 'max-age=60');
    response.end(`${request.method} ${request.url}`);
  }) as NonNullable<Parameters<typeof testEach>[2]>['handler'] & object;
}

testEach(
  'what is beyond the maxSize of dump fails, declared or not, and destroy ends what dump keeps from being aborted',
  async ({ undici, url, dispatcher, version }) => {
    const { dump } = undici.interceptors as unknown as Interceptors;
    const short = dispatcher.compose(dump({ maxSize: 100 }));
    const viaFunction = (path: string) => undici.request(`${url}${path}`, { dispatcher: short });
    const viaMethod = (path: string) => short.request({ origin: url, path, method: 'GET' });
    for (const request of [viaFunction, viaMethod]) {
      await assert.rejects(request('/declared'), { code: 'UND_ERR_ABORTED' });
      // Undici 6 hands on an empty body in place of one that turns out to be too long.
      const undeclared = request('/undeclared').then(({ body }) => body.text());
      if (version === 'undici 6') assert.equal(await undeclared, '');
      else await assert.rejects(undeclared, { code: 'UND_ERR_ABORTED' });
    }
    const silent = viaMethod('/silent');
    await dispatcher.destroy();
    await assert.rejects(silent, { code: 'UND_ERR_DESTROYED' });
  },
  {
    handler(request, response) {
      if (request.url === '/silent') return;
      if (request.url === '/declared') response.setHeader('content-length', 5_000);
      response.end('x'.repeat(5_000));
    },
  },
);

testEach(
  'a call whose signal is aborted ends at once, also where dump has put an abort of its own in place',
  async ({ undici, url, dispatcher }) => {
    const { dump } = undici.interceptors as unknown as Interceptors;
    const dumping = dispatcher.compose(dump());
    const controller = new AbortController();
    const at = (path: string) => ({ origin: url, path, method: 'GET', signal: controller.signal });
    const silent = dumping.request(at('/silent'));
    const streamed = dumping.stream(at('/begun'), () => new PassThrough());
    const text = (await dumping.request(at('/begun'))).body.text();
    const mine = new Error('enough');
    controller.abort(mine);
    for (const call of [silent, streamed, text]) await assert.rejects(call, mine);
  },
  {
    handler(request, response) {
      if (request.url === '/begun') response.write('some');
    },
  },
);

testEach(
  'interceptors work under the dispatcher’s own methods, and redirect tells where a response came from',
  async ({ undici, url, dispatcher }) => {
    const { redirect, retry, dump, dns } = undici.interceptors as unknown as Interceptors;
    const composed = dispatcher.compose(redirect({ maxRedirections: 3 }));
    const history = [`${url}/moved`, `${url}/here`];
    const visited = (context: object): string[] => (context as { history: URL[] }).history.map(String);
    const at = (path: string) => ({ origin: url, path, method: 'GET' });
    const followed = await composed.request(at('/moved'));
    assert.equal(await followed.body.text(), 'GET /here');
    assert.deepEqual(visited(followed.context), history);
    const sink = new PassThrough();
    await composed.stream(at('/moved'), ({ context }) => {
      assert.deepEqual(visited(context), history);
      return sink;
    });
    assert.equal(await text(sink), 'GET /here');

    const patient = dispatcher.compose(retry({ minTimeout: 1, maxTimeout: 1 }), dns());
    const retried = await patient.request(at('/later'));
    assert.deepEqual([retried.statusCode, await retried.body.text()], [200, 'GET /later']);
    const paused = await dispatcher.compose(retry(), dump({ maxSize: 10_000_000 })).request(at('/here'));
    assert.equal(await paused.body.text(), '');
  },
  { handler: flaky() },
);

testEach(
  'a slow reader gets all of a body through an interceptor, and an abort ends the request behind it',
  async ({ undici, url, dispatcher, origin }) => {
    const { retry } = undici.interceptors as unknown as Interceptors;
    const composed = dispatcher.compose(retry());
    const { body } = await composed.request({ origin: url, path: '/bytes/3000000', method: 'GET' });
    let size = 0;
    for await (const chunk of body) {
      size += (chunk as Buffer).length;
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(size, 3_000_000);
    const controller = new AbortController();
    const call = composed.request({ origin: url, path: '/silent', method: 'GET', signal: controller.signal });
    while (origin.openStreams === 0) await new Promise((resolve) => setImmediate(resolve));
    controller.abort(new Error('no more'));
    await assert.rejects(call, /no more/);
  },
);

testEach(
  'RetryAgent asks for the rest of a body that was cut, and retries a refused connection',
  async ({ undici, url, dispatcher }) => {
    const agent = new undici.RetryAgent(dispatcher, { minTimeout: 1, maxTimeout: 1, maxRetries: 2 });
    const { body } = await undici.request(`${url}/cut`, { dispatcher: agent });
    assert.equal(await body.text(), 'a body of two parts');

    let failures = 0;
    const stubborn = new undici.RetryAgent(dispatcher, {
      retry(error, { state }, done) {
        failures++;
        assert.equal((error as NodeJS.ErrnoException).code, 'ECONNREFUSED');
        if (state.counter > 2) done(error);
        else done();
        return null;
      },
    });
    await assert.rejects(undici.request('http://127.0.0.1:1/', { dispatcher: stubborn }), { code: 'ECONNREFUSED' });
    assert.equal(failures, 3);
  },
  { handler: flaky() },
);

testEach(
  'cache answers the second time, responseError rejects, dns resolves, where a version has them',
  async ({ undici, url, dispatcher, origin }) => {
    const { cache, responseError, dns } = undici.interceptors as unknown as Interceptors;
    if (cache !== undefined) {
      const cached = dispatcher.compose(cache());
      for (let i = 0; i < 2; i++) {
        const { body } = await undici.request(`${url}/cached`, { dispatcher: cached });
        assert.equal(await body.text(), 'GET /cached');
      }
      assert.equal(origin.streamCount, 1);
    }
    if (responseError !== undefined) {
      const strict = dispatcher.compose(responseError());
      await assert.rejects(undici.request(`${url}/later`, { dispatcher: strict }), { statusCode: 503 });
    }
    const named = dispatcher.compose(dns());
    const { body } = await undici.request(`http://localhost:${origin.port}/named`, { dispatcher: named });
    assert.equal(await body.text(), 'GET /named');
  },
  { handler: flaky() },
);

testEach(
  'an interceptor of the caller\u2019s sees handlers that it can wrap, of whichever kind',
  async ({ undici, url, dispatcher }) => {
    const seen: string[] = [];
    const composed = dispatcher.compose((dispatch) => (options, handler) => {
      seen.push(`${options.method} ${typeof handler.onRequestStart}`);
      return dispatch({ ...options, headers: { 'x-added': 'here' } }, handler);
    });
    const response = await undici.request(`${url}/headers`, { dispatcher: composed });
    assert.equal(((await response.body.json()) as Record<string, string>)['x-added'], 'here');
    const fetched = await undici.fetch(`${url}/headers`, { dispatcher: composed });
    assert.equal(((await fetched.json()) as Record<string, string>)['x-added'], 'here');
    assert.deepEqual(seen, ['GET function', 'GET function']);
    assert.throws(() => dispatcher.compose('nothing' as never), TypeError);
    assert.throws(() => dispatcher.compose((() => undefined) as never), TypeError);
    assert.equal(composed.closed, false);
    await composed.close();
    assert.equal(dispatcher.closed, true);
  },
);

testEach(
  'MockAgent answers for its origins beside it, and the others go out',
  async ({ t, undici, url, dispatcher }) => {
    const mock = new undici.MockAgent();
    t.after(() => mock.close());
    mock.disableNetConnect();
    mock.get('http://mocked.test').intercept({ path: '/' }).reply(200, 'from the mock');
    const mocked = new Set(['http://mocked.test']);
    const both = dispatcher.compose((dispatch) => (options, handler) => {
      if (!mocked.has(String(options.origin))) return dispatch(options, handler);
      return mock.dispatch(options as never, handler);
    });
    const answered = await undici.request('http://mocked.test/', { dispatcher: both });
    assert.equal(await answered.body.text(), 'from the mock');
    const fetched = await undici.fetch(`${url}/hello.txt`, { dispatcher: both });
    assert.equal(await fetched.text(), 'hello\n');
  },
);

testEach(
  'retries can be told a failed request from its code, with the transport\u2019s error behind it',
  async (place) => {
    const { undici, url, dispatcher } = place;
    const failure = async (path: string, options: object = {}): Promise<NodeJS.ErrnoException> => {
      try {
        const { body } = await undici.request(`${url}${path}`, { dispatcher, ...options });
        await body.text();
      } catch (error) {
        return error as NodeJS.ErrnoException;
      }
      return assert.fail('it was answered');
    };
    const headers = await failure('/silent', { headersTimeout: 30 });
    assert.equal(headers.code, 'UND_ERR_HEADERS_TIMEOUT');
    assert.ok(headers instanceof undici.errors.HeadersTimeoutError);
    assert.ok(headers instanceof undici.errors.UndiciError);
    const body = await failure('/endless', { bodyTimeout: 30 });
    assert.equal(body.code, 'UND_ERR_BODY_TIMEOUT');
    assert.ok(body instanceof undici.errors.BodyTimeoutError);
    const reset = await failure('/reset/2');
    assert.equal(reset.code, 'UND_ERR_SOCKET');
    assert.ok(reset instanceof undici.errors.SocketError);
    assert.equal((reset.cause as { code?: string }).code, 'ERR_PASSINGLANE_STREAM_RESET');
    const cut = failure('/silent');
    while (place.origin.openStreams === 0) await new Promise((resolve) => setImmediate(resolve));
    for (const session of place.origin.sessions) session.destroy();
    assert.match((await cut).code ?? '', /^(UND_ERR_SOCKET|ECONNRESET)$/);
  },
);
