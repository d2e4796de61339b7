// Vercel's AI SDK: its providers take a `fetch`. A text, and a streamed one.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, streamText } from 'ai';
import { json } from 'node:stream/consumers';
import { Transport } from 'passinglane';
import { sendEvents, sendJson, startOrigin } from '../support/origin.mjs';

const answer = { id: 'chat-1', created: 1, model: 'gpt' };
const api = await startOrigin(async (stream) => {
  const { stream: streamed } = await json(stream);
  const words = ['Water', ' is', ' wet'];
  const message = { role: 'assistant', content: words.join('') };
  if (!streamed) return sendJson(stream, { ...answer, choices: [{ index: 0, message, finish_reason: 'stop' }] });
  const chunk = (delta, finish_reason = null) => ({
    data: { ...answer, choices: [{ index: 0, delta, finish_reason }] },
  });
  sendEvents(stream, [...words.map((content) => chunk({ content })), chunk({}, 'stop'), { data: '[DONE]' }]);
});

const transport = new Transport({ cleartext: 'h2c' });
const provider = createOpenAICompatible({ name: 'local', baseURL: `${api.url}/v1`, fetch: transport.fetch });
const model = provider('gpt');

console.log((await generateText({ model, prompt: 'Water?' })).text);
const pieces = [];
for await (const piece of streamText({ model, prompt: 'Water?' }).textStream) pieces.push(piece);
console.log(pieces.join('|'));
await transport.close();
api.close();
