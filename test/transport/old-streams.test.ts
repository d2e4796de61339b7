/** Streams of the first kind that Node had, as the package form-data makes its forms: tagged as one, and not to be iterated. */
import assert from 'node:assert/strict';
import { Stream } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { Transport } from '../../dist/index.js';
import { H2Dispatcher } from '../../dist/undici/index.js';
import { startOrigin } from '../support/origin.js';

const text = '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n';

/** As form-data's: it gives nothing before it is resumed, which `pipe` does. */
class OldForm extends Stream {
  readonly [Symbol.toStringTag] = 'FormData';
  readable = true;
  destroyed = false;
  #begun = false;

  getBoundary(): string {
    return 'b';
  }

  override pipe<T extends NodeJS.WritableStream>(destination: T): T {
    super.pipe(destination);
    this.resume();
    return destination;
  }

  pause(): void {}

  resume(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.emit('data', text.slice(0, 9));
    setImmediate(() => {
      if (this.destroyed) return;
      this.emit('data', Buffer.from(text.slice(9)));
      this.emit('end');
      this.emit('close');
    });
  }

  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

interface Place {
  readonly origin: string;
  readonly transport: Transport;
}

async function place(t: TestContext): Promise<Place> {
  const server = await startOrigin({
    handler(request, response) {
      response.setHeader('x-type', request.headers['content-type'] ?? 'none');
      request.pipe(response);
    },
  });
  const transport = new Transport({ cleartext: 'h2c' });
  t.after(async () => {
    transport.destroy();
    await server.close();
  });
  return { origin: server.origin, transport };
}

const type = 'multipart/form-data; boundary=b';

test('such a form goes out by request, with its type, through interceptors as well', async (t) => {
  const { origin, transport } = await place(t);
  const view = transport.with().use((request, next) => next(request));
  for (const ask of [transport.request, view.request]) {
    const response = await ask(origin, { method: 'POST', body: new OldForm() as never });
    assert.equal(response.headers.get('x-type'), type);
    assert.equal(await response.text(), text);
  }
});

test('and by fetch, like other streams', async (t) => {
  const { origin, transport } = await place(t);
  const init = { method: 'POST', body: new OldForm() as never };
  await assert.rejects(transport.fetch(origin, init), /duplex: 'half'/);
  const response = await transport.fetch(origin, { ...init, duplex: 'half' });
  assert.deepEqual([response.headers.get('x-type'), await response.text()], [type, text]);
});

test('and by H2Dispatcher', async (t) => {
  const { origin, transport } = await place(t);
  const dispatcher = new H2Dispatcher(transport);
  const { headers, body } = await dispatcher.request({ origin, path: '/', method: 'POST', body: new OldForm() });
  assert.deepEqual([headers['x-type'], await body.text()], [type, text]);
});

test('one that is not sent is destroyed, and one that was sent is not sent again', async (t) => {
  const { origin, transport } = await place(t);
  const unsent = new OldForm();
  const signal = AbortSignal.abort(new Error('no'));
  await assert.rejects(transport.request(origin, { method: 'POST', body: unsent as never, signal }), /no/);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(unsent.destroyed, true);

  const sent = new OldForm();
  await (await transport.request(origin, { method: 'POST', body: sent as never })).text();
  await assert.rejects(transport.request(origin, { method: 'POST', body: sent as never }), {
    code: 'ERR_PASSINGLANE_REQUEST_BODY',
  });
});

test('one that fails, or ends without its end, fails its request', async (t) => {
  const { origin, transport } = await place(t);
  for (const [end, expected] of [
    ['error', /no form/],
    ['close', { code: 'ERR_STREAM_PREMATURE_CLOSE' }],
  ] as const) {
    const form = new OldForm();
    form.resume = () => {
      form.emit('data', 'part');
      setImmediate(() => form.emit(end, new Error('no form')));
    };
    const call = transport.request(origin, { method: 'POST', body: form as never }).then((response) => response.text());
    await assert.rejects(call, expected);
  }
});
