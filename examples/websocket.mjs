// A WebSocket in one stream of an HTTP/2 connection (RFC 8441), beside whatever else the connection carries.
import { ReadableStream } from 'node:stream/web';
import { Transport } from 'passinglane';
import { startOrigin } from './support/origin.mjs';
import { readMessages, textFrame } from './support/websocket-frames.mjs';

const origin = await startOrigin(
  async (stream, headers) => {
    if (headers[':protocol'] !== 'websocket') return stream.respond({ ':status': 400 }, { endStream: true });
    stream.respond({ ':status': 200 });
    for await (const message of readMessages(stream)) stream.write(textFrame(message.toUpperCase()));
    stream.end();
  },
  { settings: { enableConnectProtocol: true } },
);

const transport = new Transport({ cleartext: 'h2c' });

// What is written to `socket` goes out as it is; the end of the generator ends our side.
let say;
const said = new ReadableStream({ start: (controller) => (say = controller) });
const response = await transport.request(`${origin.url}/chat`, {
  protocol: 'websocket',
  headers: { 'sec-websocket-version': '13', origin: origin.url },
  body: said,
});
console.log(`status ${response.status}`);

const messages = readMessages(response.body);
for (const word of ['hello', 'goodbye']) {
  say.enqueue(textFrame(word, { mask: true }));
  console.log(`${word} -> ${(await messages.next()).value}`);
}
say.close();
console.log(`closed: ${(await messages.next()).done}`);
await transport.close();
origin.close();
