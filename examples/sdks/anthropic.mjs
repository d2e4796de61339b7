// Anthropic's SDK takes a `fetch`: a message, and a streamed one.
import Anthropic from '@anthropic-ai/sdk';
import { json } from 'node:stream/consumers';
import { Transport } from 'passinglane';
import { sendEvents, sendJson, startOrigin } from '../support/origin.mjs';

const message = { id: 'msg-1', type: 'message', role: 'assistant', model: 'claude', stop_reason: null };
const usage = { input_tokens: 1, output_tokens: 1 };
const event = (data) => ({ event: data.type, data });
const api = await startOrigin(async (stream) => {
  const { messages, stream: streamed } = await json(stream);
  const words = `${messages[0].content} is wet`.split(/(?= )/);
  if (!streamed) return sendJson(stream, { ...message, usage, content: [{ type: 'text', text: words.join('') }] });
  sendEvents(stream, [
    event({ type: 'message_start', message: { ...message, usage, content: [] } }),
    event({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }),
    ...words.map((text) => event({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } })),
    event({ type: 'content_block_stop', index: 0 }),
    event({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage }),
    event({ type: 'message_stop' }),
  ]);
});

const transport = new Transport({ cleartext: 'h2c' });
const client = new Anthropic({ apiKey: 'key', baseURL: api.url, fetch: transport.fetch });

const question = { model: 'claude', max_tokens: 100, messages: [{ role: 'user', content: 'Water' }] };
console.log((await client.messages.create(question)).content[0].text);
const pieces = [];
const streamed = client.messages.stream(question).on('text', (text) => pieces.push(text));
console.log((await streamed.finalMessage()).stop_reason, pieces.join('|'));
await transport.close();
api.close();
