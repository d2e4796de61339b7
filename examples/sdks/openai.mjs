// OpenAI's SDK takes a `fetch`: an answer, a streamed one, and the upload of a file.
import { Buffer } from 'node:buffer';
import { json, text } from 'node:stream/consumers';
import OpenAI, { toFile } from 'openai';
import { Transport } from 'passinglane';
import { sendEvents, sendJson, startOrigin } from '../support/origin.mjs';

const api = await startOrigin(async (stream, headers) => {
  if (headers[':path'] === '/v1/files') {
    const form = await text(stream);
    return sendJson(stream, { id: 'file-1', object: 'file', filename: /filename="(.+?)"/.exec(form)[1] });
  }
  const { messages, stream: streamed } = await json(stream);
  const content = `${messages[0].content} is wet`;
  if (!streamed) return sendJson(stream, { choices: [{ index: 0, message: { role: 'assistant', content } }] });
  const words = content.split(/(?= )/).map((word) => ({ data: { choices: [{ index: 0, delta: { content: word } }] } }));
  sendEvents(stream, [...words, { data: '[DONE]' }]);
});

const transport = new Transport({ cleartext: 'h2c' });
const client = new OpenAI({ apiKey: 'key', baseURL: `${api.url}/v1`, fetch: transport.fetch });

const question = { model: 'gpt', messages: [{ role: 'user', content: 'Water' }] };
console.log((await client.chat.completions.create(question)).choices[0].message.content);
const pieces = [];
for await (const { choices } of await client.chat.completions.create({ ...question, stream: true }))
  pieces.push(choices[0].delta.content);
console.log(pieces.join('|'));
const file = await toFile(Buffer.from('{}\n'), 'lines.jsonl');
console.log((await client.files.create({ file, purpose: 'batch' })).filename);
await transport.close();
api.close();
