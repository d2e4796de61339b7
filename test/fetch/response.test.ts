/** What comes back: a Response of Node's own class (Fetch Standard, sections 2.2.6 and 5.5). */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import type { Transport } from '../../dist/index.js';
import { startOrigin } from '../support/origin.js';
import { rawServer, type RawConnection } from '../support/raw-server.js';
import { origin, setup, client } from './support.js';

interface Cut {
  readonly at: string;
  /** Ends the connection with the response under way. */
  cut(): void;
}

/** An origin that begins a response with those fields and that much of its body, and goes no further. */
async function cutting(t: TestContext, fields: readonly [string, string][], begin: string): Promise<Cut> {
  let last: RawConnection | undefined;
  const server = await rawServer(async (connection) => {
    await connection.greet();
    const { streamId } = await connection.request();
    connection.headers(streamId, [[':status', '200'], ...fields]);
    if (begin !== '') connection.data(streamId, begin);
    last = connection;
  });
  t.after(() => server.close());
  return { at: server.origin, cut: () => last?.reset() };
}

describe('the head', () => {
  test('has the status, ok, url, type and an empty status text', async (t) => {
    const { fetch, at } = await setup(t);
    const { status, ok, url, type, statusText, redirected } = await fetch(`${at}/hello.txt`);
    assert.deepEqual(
      { status, ok, url, type, statusText, redirected },
      { status: 200, ok: true, url: `${at}/hello.txt`, type: 'basic', statusText: '', redirected: false },
    );
    for (const other of [199 + 200, 404, 500, 599]) {
      const response = await fetch(`${at}/status/${other}`);
      assert.deepEqual([response.status, response.ok], [other, false]);
    }
  });

  test('the headers are Headers, with each set-cookie by itself', async (t) => {
    const { fetch, at } = await setup(t);
    const { headers } = await fetch(`${at}/cookies`);
    assert.ok(headers instanceof Headers);
    assert.deepEqual(headers.getSetCookie(), ['a=1', 'b=2']);
    assert.equal(headers.get('X-Many'), 'one, two');
    assert.equal(new Headers(headers).get('x-many'), 'one, two');
  });

  test('the headers cannot be changed; a copy can', async (t) => {
    const { fetch, at } = await setup(t);
    const { headers } = await fetch(`${at}/cookies`);
    assert.throws(() => headers.append('a', 'b'), TypeError);
    assert.throws(() => headers.set('a', 'b'), TypeError);
    assert.throws(() => headers.delete('x-many'), TypeError);
    const copy = new Headers(headers);
    copy.set('x-many', 'other');
    assert.equal(headers.get('x-many'), 'one, two');
  });

  test('is the same object whenever it is asked for', async (t) => {
    const { fetch, at } = await setup(t);
    const response = await fetch(`${at}/hello.txt`);
    assert.equal(response.headers, response.headers);
    assert.equal(response.body, response.body);
  });
});

describe('the body', () => {
  test('is read by text, json, arrayBuffer, bytes and blob', async (t) => {
    const { fetch, at } = await setup(t);
    const get = (): Promise<Response> => fetch(`${at}/typed?type=Text/Plain;Charset=UTF-8&body=%7B%22a%22:1%7D`);
    assert.equal(await (await get()).text(), '{"a":1}');
    assert.deepEqual(await (await get()).json(), { a: 1 });
    assert.equal(Buffer.from(await (await get()).arrayBuffer()).toString(), '{"a":1}');
    const bytes = await ((await get()) as Response & { bytes(): Promise<Uint8Array> }).bytes();
    assert.ok(bytes instanceof Uint8Array && !Buffer.isBuffer(bytes));
    assert.equal(Buffer.from(bytes).toString(), '{"a":1}');
    const blob = await (await get()).blob();
    assert.equal(await blob.text(), '{"a":1}');
    assert.equal(blob.type, 'text/plain;charset=utf-8');
  });

  test('is read by formData, of both kinds', async (t) => {
    const { fetch, at } = await setup(t);
    const form = new FormData();
    form.append('a', '1');
    form.append('file', new File(['content'], 'name.txt'));
    const sent = new Request(at, { method: 'POST', body: form });
    const type = encodeURIComponent(sent.headers.get('content-type') ?? '');
    const multipart = await (
      await fetch(`${at}/typed?type=${type}&body=${encodeURIComponent(await sent.text())}`)
    ).formData();
    assert.equal(multipart.get('a'), '1');
    assert.equal(await (multipart.get('file') as File).text(), 'content');
    const urlencoded = await fetch(`${at}/typed?type=application/x-www-form-urlencoded&body=a%3D1%252B2`);
    assert.equal((await urlencoded.formData()).get('a'), '1+2');
    await assert.rejects((await fetch(`${at}/typed?type=text/plain&body=a`)).formData(), TypeError);
  });

  test('json of what is none rejects with a SyntaxError', async (t) => {
    const { fetch, at } = await setup(t);
    await assert.rejects((await fetch(`${at}/hello.txt`)).json(), SyntaxError);
  });

  test('text takes a byte order mark away and puts U+FFFD for what is no UTF-8', async (t) => {
    const { fetch, at } = await setup(t);
    const post = (bytes: number[]): Promise<Response> =>
      fetch(`${at}/echo`, { method: 'POST', body: new Uint8Array(bytes) });
    assert.equal(await (await post([0xef, 0xbb, 0xbf, 0x61])).text(), 'a');
    assert.equal(await (await post([0x61, 0xff])).text(), 'a\ufffd');
  });

  for (const how of ['text', 'json', 'arrayBuffer', 'blob', 'formData'] as const)
    test(`after ${how}() it is used: a second reading and a clone fail, and its stream is locked`, async (t) => {
      const { fetch, at } = await setup(t);
      const response = await fetch(`${at}/typed?type=application/x-www-form-urlencoded&body=1`);
      assert.equal(response.bodyUsed, false);
      const reading = response[how]();
      assert.equal(response.bodyUsed, true);
      await reading;
      assert.equal(response.bodyUsed, true);
      for (const again of ['text', 'json', 'arrayBuffer', 'blob', 'formData'] as const)
        await assert.rejects(response[again](), TypeError, again);
      assert.throws(() => response.clone(), TypeError);
      assert.equal(response.body?.locked, true);
      assert.throws(() => response.body?.getReader(), TypeError);
    });

  test('is a byte stream that takes readers of both kinds, loops and pipes', async (t) => {
    const { fetch, at } = await setup(t);
    const byob = (await fetch(`${at}/bytes/10`)).body!.getReader({ mode: 'byob' });
    const { value } = await byob.read(new Uint8Array(4));
    assert.deepEqual([...value!], [0, 1, 2, 3]);
    await byob.cancel();

    let length = 0;
    for await (const chunk of (await fetch(`${at}/bytes/100000`)).body!) length += (chunk as Uint8Array).byteLength;
    assert.equal(length, 100_000);

    const { body } = await fetch(`${at}/hello.txt`);
    const decoded: ReadableStream = body!.pipeThrough(new TextDecoderStream());
    assert.equal((await decoded.getReader().read()).value, 'hello\n');
  });

  test('is not used by looking at its stream, nor by taking and releasing a reader', async (t) => {
    const { fetch, at } = await setup(t);
    const response = await fetch(`${at}/hello.txt`);
    const reader = response.body!.getReader();
    await assert.rejects(response.text(), TypeError, 'it is locked');
    reader.releaseLock();
    assert.equal(response.bodyUsed, false);
    assert.equal(await response.text(), 'hello\n');
    assert.equal(response.bodyUsed, true);
  });

  test('is used once some of it was read', async (t) => {
    const { fetch, at } = await setup(t);
    const response = await fetch(`${at}/bytes/100000`);
    const reader = response.body!.getReader();
    await reader.read();
    reader.releaseLock();
    assert.equal(response.bodyUsed, true);
    await assert.rejects(response.text(), TypeError);
    await response.body!.cancel();
  });

  for (const [what, path, method] of [
    ['HEAD', '/hello.txt', 'HEAD'],
    ['204', '/status/204', 'GET'],
    ['205', '/status/205', 'GET'],
    ['304', '/status/304', 'GET'],
  ] as const)
    test(`is null after ${what}, and reads as empty as often as asked`, async (t) => {
      const { fetch, at } = await setup(t);
      const response = await fetch(at + path, { method });
      assert.equal(response.body, null);
      for (let time = 0; time < 2; time++) assert.equal(await response.text(), '');
      assert.equal((await response.arrayBuffer()).byteLength, 0);
      assert.equal(response.bodyUsed, false);
      const clone = response.clone();
      assert.deepEqual([clone.body, clone.status, clone.url], [null, response.status, response.url]);
    });

  test('of a 200 without content is not null, and empty', async (t) => {
    const { fetch, at } = await setup(t);
    const response = await fetch(`${at}/status/200`);
    assert.notEqual(response.body, null);
    assert.equal(await response.text(), '');
  });

  test('is decoded, whoever asked for the coding, and the header fields stay as they came', async (t) => {
    const { fetch, at } = await setup(t);
    for (const init of [{}, { headers: { 'accept-encoding': 'gzip' } }]) {
      const response = await fetch(`${at}/gzip`, init);
      assert.equal(response.headers.get('content-encoding'), 'gzip');
      assert.equal(await response.text(), 'hello\n');
    }
    let text = '';
    for await (const chunk of (await fetch(`${at}/gzip`)).body!) text += Buffer.from(chunk as Uint8Array).toString();
    assert.equal(text, 'hello\n');
  });

  const gzip: [string, string][] = [['content-encoding', 'gzip']];
  for (const [what, fields, begin] of [
    ['nothing of it', [], ''],
    ['something of it', [], '01234'],
    ['something of it in a coding', gzip, '\u001f'],
  ] as const)
    test(`tells a reader that only watches when the connection fails, ${what} having arrived`, async (t) => {
      const { at, cut } = await cutting(t, fields, begin);
      const reader = (await client(t).fetch(at)).body!.getReader();
      const { closed } = reader;
      cut();
      await assert.rejects(closed, { name: 'TypeError', message: 'terminated' });
      await assert.rejects(reader.read(), { name: 'TypeError', message: 'terminated' });
    });

  for (const [how, open] of [
    ['fetch', async (transport, url) => (await transport.fetch(url)).body!],
    ['request', async (transport, url) => (await transport.request(url)).body.stream()],
  ] as [string, (transport: Transport, url: string) => Promise<ReadableStream<Uint8Array>>][])
    test(`of ${how} tells a reader so once it has read what had arrived, and without a further read`, async (t) => {
      const { at, cut } = await cutting(t, [], '01234');
      const reader = (await open(client(t), at)).getReader();
      const { closed } = reader;
      const first = await reader.read();
      assert.equal(Buffer.from(first.value!).toString(), '01234');
      cut();
      await assert.rejects(closed);
      await assert.rejects(reader.read());
    });

  test('that failed gives what had arrived first to who reads at once', async (t) => {
    const { at, cut } = await cutting(t, [], '01234');
    const response = await client(t).fetch(at);
    cut();
    const { body } = response;
    let text = '';
    await assert.rejects(async () => {
      for await (const chunk of body!) text += Buffer.from(chunk as Uint8Array).toString();
    }, TypeError);
    assert.equal(text, '01234');
  });

  test('left unread and cancelled gives its stream back', async (t) => {
    const server = await origin(t);
    const response = await client(t).fetch(`${server.origin}/endless`);
    assert.equal(server.openStreams, 1);
    await response.body!.cancel();
    while (server.openStreams > 0) await new Promise(setImmediate);
  });
});

describe('a clone', () => {
  test('of a bomb is not read whole either, and neither is what it was made of', async (t) => {
    const bomb = gzipSync(Buffer.alloc(80 * 1024 * 1024));
    const started = await startOrigin({
      handler: (_, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
    });
    t.after(() => started.close());
    const { fetch } = client(t);
    const response = await fetch(`${started.origin}/`);
    const clone = response.clone();
    for (const reading of [response.text(), clone.arrayBuffer()])
      await assert.rejects(reading, ({ cause }: { cause: { code: string } }) => {
        assert.equal(cause.code, 'ERR_PASSINGLANE_RESPONSE_TOO_LARGE');
        return true;
      });
  });

  test('has the same head, and both bodies can be read, in any order', async (t) => {
    const { fetch, at } = await setup(t);
    const response = await fetch(`${at}/redirect/302?to=/cookies`);
    const clone = response.clone();
    for (const one of [response, clone]) {
      const { status, url, redirected, headers, type } = one;
      assert.deepEqual([status, url, redirected, type], [200, `${at}/cookies`, true, 'basic']);
      assert.deepEqual(headers.getSetCookie(), ['a=1', 'b=2']);
    }
    const third = (await fetch(`${at}/hello.txt`)).clone();
    const fourth = third.clone();
    assert.equal(await fourth.text(), 'hello\n');
    assert.equal(fourth.bodyUsed, true);
    assert.equal(third.bodyUsed, false);
    assert.equal(await third.text(), 'hello\n');
  });

  test('of a used or locked response is refused', async (t) => {
    const { fetch, at } = await setup(t);
    const response = await fetch(`${at}/hello.txt`);
    const reader = response.body!.getReader();
    assert.throws(() => response.clone(), TypeError);
    reader.releaseLock();
    assert.equal(await response.clone().text(), 'hello\n');
  });
});

describe("a Response is one to Node's own code", () => {
  test('it is an instance, and names itself so', async (t) => {
    const { fetch, at } = await setup(t);
    const response = await fetch(`${at}/hello.txt`);
    assert.ok(response instanceof Response);
    assert.equal(Object.prototype.toString.call(response), '[object Response]');
    assert.match(inspect(response), /^Response \{\s+status: 200/);
  });

  test("Node's own methods read it, called as functions", async (t) => {
    const { fetch, at } = await setup(t);
    const get = (): Promise<Response> => fetch(`${at}/hello.txt`);
    const { prototype } = Response;
    const response = await get();
    assert.equal(await prototype.text.call(response), 'hello\n');
    assert.equal(response.bodyUsed, true);
    await assert.rejects(response.text(), TypeError);
    assert.equal(Buffer.from(await prototype.arrayBuffer.call(await get())).toString(), 'hello\n');
    assert.equal(await (await prototype.blob.call(await get())).text(), 'hello\n');
    const read = await get();
    await read.text();
    await assert.rejects(prototype.text.call(read), TypeError);
  });

  test('a new Response takes its body, and it as the init', async (t) => {
    const { fetch, at } = await setup(t);
    const response = await fetch(`${at}/typed?type=a/b&body=x`);
    const made = new Response(response.body, response);
    assert.deepEqual([made.status, made.headers.get('content-type'), await made.text()], [200, 'a/b', 'x']);
    assert.equal(response.bodyUsed, true);
  });

  test('its body can be the body of a next fetch', async (t) => {
    const { fetch, at } = await setup(t);
    const { body } = await fetch(`${at}/hello.txt`);
    const init = { method: 'POST', body, duplex: 'half' } as RequestInit;
    assert.equal(await (await fetch(`${at}/echo`, init)).text(), 'hello\n');
  });
});

test('Transport.fetch and the fetch of the package can stand wherever a fetch is asked for', async (t) => {
  const { fetch: shared } = await import('../../dist/index.js');
  const transport = client(t);
  const places: (typeof globalThis.fetch)[] = [transport.fetch, shared];
  assert.equal(places.length, 2);
  await assert.rejects(shared('nonsense'), TypeError);
});

test('a response that an interceptor has from elsewhere is of no redirect', async (t) => {
  const { origin: url } = await origin(t);
  const elsewhere = client(t);
  const { fetch } = client(t).use(() => elsewhere.request(`${url}/hello.txt`));
  const response = await fetch(`${url}/inspect`);
  assert.deepEqual(
    [response.type, response.redirected, response.url, await response.text()],
    ['basic', false, `${url}/hello.txt`, 'hello\n'],
  );
});
