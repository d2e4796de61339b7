// One exchange with the server of smoke.mjs, on whatever runtime runs this file.
import assert from 'node:assert/strict';
import process from 'node:process';
import { Transport } from 'passinglane';

const [url] = process.argv.slice(2);
const transport = new Transport({ tls: { ca: process.env.SMOKE_CA } });
const body = 'x'.repeat(100_000);
const response = await transport.request(url, { method: 'POST', body });
assert.equal(response.status, 200);
assert.equal(response.httpVersion, '2.0');
assert.equal(response.headers.get('x-method'), 'POST');
assert.equal(await response.body.text(), body);
await transport.close();
console.log(`one exchange of 100 kB each way over HTTP/${response.httpVersion}: ok`);
