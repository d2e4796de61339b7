// What Node 26's fetch, which speaks HTTP/2, does where a server or the way to it misbehaves, and what it does with passinglane
// under it: docs/guides/node-26-fetch.md.
import { Buffer } from 'node:buffer';
import { createSecureServer } from 'node:http2';
import { connect, createServer } from 'node:net';
import { performance } from 'node:perf_hooks';
import { rootCertificates, setDefaultCACertificates } from 'node:tls';
import { install, uninstall } from 'passinglane/undici';
import { makeCertificates } from './support/certificates.mjs';

const { server: loopback } = makeCertificates();
setDefaultCACertificates([...rootCertificates, loopback.cert]);
/** Milliseconds that a request without an answer is waited for. */
const patience = 1_500;
const megabytes = 4;

const server = createSecureServer({ ...loopback, maxSessionMemory: 1_000, settings: { initialWindowSize: 2 ** 26 } });
server.on('session', (session) => session.setLocalWindowSize(2 ** 26));
server.on('sessionError', () => undefined);
server.on('stream', (stream, { ':path': path }) => {
  stream.on('error', () => undefined);
  if (path === '/small') return void stream.respond({ ':status': 200 }, { endStream: true });
  stream.respond({ ':status': 200 });
  if (path === '/part') return void stream.write('half of it', () => setTimeout(() => stream.destroy(), 20));
  stream.end(Buffer.alloc(megabytes * 2 ** 20));
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

/** A way to the server that takes `delay` milliseconds, and that goes silent for the connections that are open when told to. */
async function way(delay) {
  const silent = new Set();
  const open = new Set();
  const proxy = createServer((client) => {
    const upstream = connect(server.address().port, '127.0.0.1');
    open.add(client);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ]) {
      from.on('data', (chunk) => silent.has(client) || setTimeout(() => to.write(chunk), delay));
      from.on('error', () => undefined).on('close', () => to.destroy());
    }
  });
  await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    url: `https://127.0.0.1:${proxy.address().port}`,
    silence: () => open.forEach((one) => silent.add(one)),
    block: () => open.forEach((one) => one.pause()),
    close: () => (proxy.close(), open.forEach((one) => one.destroy())),
  };
}

const within = (promise) =>
  Promise.race([
    promise.then(
      () => 'answered',
      (error) => `failed: ${error.cause?.code ?? error.message}`,
    ),
    new Promise((resolve) => setTimeout(resolve, patience, 'no answer')),
  ]);

/** Over 50 ms: what a window that does not grow makes of a download. */
async function slow() {
  const far = await way(25);
  const begun = performance.now();
  await (await fetch(`${far.url}/large`)).arrayBuffer();
  far.close();
  return (megabytes * 8 * 1000) / (performance.now() - begun);
}

/** An upload that nobody reads fills the socket; a small request comes after it. */
async function blocked() {
  const full = await way(0);
  await (await fetch(`${full.url}/small`)).text();
  full.block();
  const upload = new AbortController();
  const body = new Uint8Array(16 * 2 ** 20);
  fetch(`${full.url}/large`, { method: 'POST', body, signal: upload.signal }).catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 1_000)); // until the socket takes no more, also on a busy machine
  const answer = await within(fetch(`${full.url}/small`));
  upload.abort();
  full.close();
  return answer;
}

/** The network lost the connection without a word; one request has waited in vain already. */
async function dead() {
  const gone = await way(0);
  await (await fetch(`${gone.url}/small`)).text();
  gone.silence();
  await within(fetch(`${gone.url}/small`));
  const answer = await within(fetch(`${gone.url}/small`));
  gone.close();
  return answer;
}

/** The server gives a body up in its middle. */
function part() {
  return fetch(`https://127.0.0.1:${server.address().port}/part`)
    .then((response) => response.text())
    .then(
      (text) => `taken for whole: "${text}"`,
      () => 'an error',
    );
}

async function show(name) {
  console.log(`${name}:`);
  console.log(`  a request beside a blocked upload: ${await blocked()}`);
  console.log(`  a request after the connection went silent: ${await dead()}`);
  console.log(`  a body that the server gave up: ${await part()}`);
  return slow();
}

const before = await show("Node's fetch");
install();
const after = await show('with passinglane');
console.log(`a download over 50 ms takes ${after > before ? 'less' : 'more'} time with passinglane`);
uninstall();
process.exit(0); // connections of Node's own that are blocked or silent keep it
