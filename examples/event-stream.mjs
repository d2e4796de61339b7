// A model's answer as it is made (Server-Sent Events), and short calls beside it on the same connection.
import { clearInterval, setInterval } from 'node:timers';
import { TextDecoder } from 'node:util';
import { Transport } from 'passinglane';
import { startOrigin } from './support/origin.mjs';

const origin = await startOrigin((stream, headers) => {
  if (headers[':path'] === '/models') {
    stream.respond({ ':status': 200 });
    stream.end('["small","large"]');
    return;
  }
  stream.respond({ ':status': 200, 'content-type': 'text/event-stream' });
  const tokens = ['Water', ' is', ' wet', '.', '[DONE]'];
  const timer = setInterval(() => {
    stream.write(`data: ${JSON.stringify(tokens.shift())}\n\n`);
    if (tokens.length > 0) return;
    clearInterval(timer);
    stream.end();
  }, 20);
});

/** The data of each event, whatever pieces it arrives in. */
async function* events(body) {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      yield JSON.parse(text.slice('data: '.length, end));
      text = text.slice(end + 2);
    }
  }
}

const transport = new Transport({ cleartext: 'h2c' });
const answer = await transport.request(`${origin.url}/complete`, { method: 'POST', body: '{"prompt":"Water?"}' });
let said = '';
for await (const token of events(answer.body)) {
  if (token === '[DONE]') break;
  said += token;
  const models = await transport.request(`${origin.url}/models`);
  console.log(`${JSON.stringify(token)}, and ${(await models.body.json()).length} models meanwhile`);
}
console.log(said);
await transport.close();
origin.close();
