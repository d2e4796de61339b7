// What every way of loading must carry: HTTP/2, HTTP/1.1, the facades, and errors that keep their class.
import { createServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';

const expected = ['2.0 hello', '1.1 hello', 'hello', 'hello', 'hello', 'true ERR_PASSINGLANE_CONNECT_FAILED'];

/** Throws where the library, as it was loaded, does not do what it should; resolves with 'works'. */
export async function exercise({ fetch, Transport, TransportError, createRequest, H2Dispatcher }) {
  const newer = await listen(createHttp2Server(answer));
  const older = await listen(createServer(answer));
  const prior = new Transport({ cleartext: 'h2c' });
  const transport = new Transport();
  const dispatcher = new H2Dispatcher(prior);
  const two = await prior.request(newer.url);
  const one = await transport.request(older.url);
  const dispatched = await dispatcher.request({ origin: newer.url, path: '/', method: 'GET' });
  const fetched = await fetch(older.url);
  const faced = await new Promise((resolve, reject) => {
    createRequest(prior).get(newer.url, resolve).on('error', reject);
  });
  let text = '';
  for await (const chunk of faced) text += chunk;
  const refused = await transport.request('http://127.0.0.1:1/').catch((error) => error);
  const found = [
    `${two.httpVersion} ${await two.body.text()}`,
    `${one.httpVersion} ${await one.body.text()}`,
    await dispatched.body.text(),
    await fetched.text(),
    text,
    `${refused instanceof TransportError && TransportError.isInstance(refused)} ${refused.code}`,
  ];
  await Promise.all([dispatcher.close(), prior.close(), transport.close()]);
  newer.server.close();
  older.server.close();
  older.server.closeAllConnections();
  if (String(found) !== String(expected)) throw new Error(`It gave ${found} instead of ${expected}`);
  return 'works';
}

function answer(_request, response) {
  response.end('hello');
}

async function listen(server) {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${server.address().port}/` };
}
