/** The gateway of the examples, held by curl: whatever its upstream or its client does, the other side hears the truth. */
import assert from 'node:assert/strict';
import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Transport } from '../../dist/index.js';
import { closedPort } from '../support/closed-port.js';
import { listenFor } from '../support/listen.js';
import { resetSocket } from '../support/reset.js';

const example = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'examples', 'gateway.mjs');
const skip = spawnSync('curl', ['--version']).error === undefined ? false : 'there is no curl here';

const protocols = ['http/1.1', 'h2c'] as const;
type Protocol = (typeof protocols)[number];
type Handler = (req: IncomingMessage, res: ServerResponse) => void;

/** In bytes: more than all that buffers on the way may hold. */
const large = 64 << 20;

async function urlOf(t: TestContext, server: Server): Promise<string> {
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => open.add(socket));
  return `http://127.0.0.1:${await listenFor(t, server, open)}`;
}

/** Starts an upstream, and the example in front of it in a process of its own. Gives the URL of the example. */
async function gatewayTo(t: TestContext, protocol: Protocol, upstream: Server | string | Handler): Promise<string> {
  const make = protocol === 'h2c' ? (createHttp2Server as unknown as typeof createServer) : createServer;
  const server = typeof upstream === 'function' ? make(upstream) : upstream;
  const origin = typeof server === 'string' ? server : await urlOf(t, server);
  const child = spawn(process.execPath, [example, origin, '0', protocol, '500'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(async () => {
    assert.equal(child.exitCode, null, 'the gateway has survived');
    child.kill();
    await once(child, 'exit');
  });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return line.split(' ')[0]!;
}

interface Curled {
  readonly exitCode: number;
  readonly status: number;
  readonly body: string;
}

const common = ['--silent', '--max-time', '20', '--noproxy', '*', '--write-out', '\n%{http_code}'];

/** Runs curl; `input` is what it uploads, which it begins at once. */
function curl(url: string, args: readonly string[] = [], input?: Buffer): Promise<Curled> {
  const upload = input === undefined ? [] : ['--header', 'expect:', '--data-binary', '@-'];
  return new Promise((resolve) => {
    const child: ChildProcess = execFile('curl', [...common, ...upload, ...args, url], (error, stdout) => {
      const end = stdout.lastIndexOf('\n');
      const exitCode = error === null ? 0 : Number(error.code);
      resolve({ exitCode, status: Number(stdout.slice(end)), body: stdout.slice(0, end) });
    });
    child.stdin!.on('error', () => undefined); // curl may stop reading before its end
    child.stdin!.end(input);
  });
}

/** What the guide prints. */
function shownCode(): string {
  const guide = readFileSync(join(dirname(dirname(example)), 'docs', 'guides', 'gateway.md'), 'utf8');
  return /^```js\n([^]*?)^```$/m.exec(guide)?.[1] ?? assert.fail('the guide has a block of code');
}

test('the guide shows the gateway as it runs', () => {
  assert.ok(readFileSync(example, 'utf8').includes(shownCode()));
});

test('trailers go through the gateway of the guide in a server of HTTP/2 too, each by its name', async (t) => {
  const file = join(dirname(fileURLToPath(import.meta.url)), 'shown-gateway.mjs');
  writeFileSync(file, `${shownCode()}\nexport { forward, transport };\n`);
  const { forward, transport } = (await import(pathToFileURL(file).href)) as {
    forward: (origin: string) => Handler;
    transport: Transport;
  };
  const upstream = createServer((_, res) => {
    res.write('tea');
    res.addTrailers({ 'x-sum': '42' });
    res.end();
  });
  const origin = await urlOf(t, upstream);
  const server = createHttp2Server(forward(origin) as unknown as Parameters<typeof createHttp2Server>[1]);
  const url = await urlOf(t, server);
  const client = new Transport({ cleartext: 'h2c' });
  const response = await client.request(url);
  assert.equal(await response.text(), 'tea');
  assert.deepEqual([...(await response.trailers)], [['x-sum', '42']]);
  await client.close();
  await transport.close();
});

for (const protocol of protocols) {
  const promise = (what: string, run: (t: TestContext) => Promise<void>): void =>
    void test(`gateway to ${protocol}: ${what}`, { skip }, run);

  promise('a request and its answer go through with what is for the server, and no more', async (t) => {
    const url = await gatewayTo(t, protocol, (req, res) => {
      res.setHeader('x-got', 'a');
      if (protocol === 'http/1.1') res.setHeader('connection', 'x-secret').setHeader('x-secret', '1');
      let bytes = 0;
      req.on('data', (piece: Buffer) => (bytes += piece.length));
      req.on('end', () => {
        const { 'x-end': kept, 'x-hop': hop, 'x-forwarded-host': host, 'x-forwarded-for': from, via } = req.headers;
        const length = req.headers['content-length'];
        res.end(JSON.stringify({ method: req.method, url: req.url, length, bytes, kept, hop, host, from, via }));
      });
    });
    const hop = ['--header', 'connection: x-hop', '--header', 'x-hop: 1', '--header', 'x-end: 2'];
    const spoofed = ['--header', 'x-forwarded-for: 1.2.3.4', '--include'];
    const { status, body } = await curl(`${url}/a?b=c`, [...hop, ...spoofed], Buffer.alloc(1 << 20));
    const [head = '', json = ''] = body.split('\r\n\r\n');
    assert.equal(status, 200);
    assert.deepEqual(JSON.parse(json), {
      ...{ method: 'POST', url: '/a?b=c', length: String(1 << 20), bytes: 1 << 20, kept: '2' },
      ...{ host: new URL(url).host, from: '127.0.0.1', via: '1.1 gateway' },
    });
    assert.match(head, /^x-got: a\r?$/m);
    assert.doesNotMatch(head, /secret/);
  });

  promise('refused: 502, also while the client sends', async (t) => {
    const url = await gatewayTo(t, protocol, `http://127.0.0.1:${closedPort}`);
    assert.equal((await curl(url)).status, 502);
    const { exitCode, status, body } = await curl(url, [], Buffer.alloc(large));
    assert.deepEqual([exitCode, status, body], [0, 502, 'ERR_PASSINGLANE_CONNECT_FAILED\n']);
  });

  promise('reset: 502, also while the client sends', async (t) => {
    const upstream = createTcpServer((socket) => {
      socket.on('error', () => undefined); // the client's side is what is looked at
      socket.once('data', () => resetSocket(socket));
    });
    const url = await gatewayTo(t, protocol, upstream);
    assert.equal((await curl(url)).status, 502);
    const { exitCode, status } = await curl(url, [], Buffer.alloc(large));
    assert.deepEqual([exitCode, status], [0, 502]);
  });

  promise('timed out: 504', async (t) => {
    const url = await gatewayTo(t, protocol, (req) => void req.resume());
    const { exitCode, status, body } = await curl(url, [], Buffer.alloc(100_000));
    assert.deepEqual([exitCode, status, body], [0, 504, 'ERR_PASSINGLANE_HEADERS_TIMEOUT\n']);
  });

  promise('early 413: the client has it although it has not sent all', async (t) => {
    const url = await gatewayTo(t, protocol, (_, res) => void res.writeHead(413).end('too much'));
    const { exitCode, status, body } = await curl(url, [], Buffer.alloc(large));
    assert.deepEqual([exitCode, status, body], [0, 413, 'too much']);
  });

  promise('client gone in mid-upload: the upstream hears of it, and takes no part for the whole', async (t) => {
    const heard = new Promise<string>((resolve) => {
      void gatewayTo(t, protocol, (req) => {
        req.on('error', () => undefined); // 'aborted' says it for both protocols
        req.on('aborted', () => resolve('aborted')).on('end', () => resolve(req.complete ? 'whole' : 'aborted'));
        req.once('data', () => client.kill('SIGKILL'));
        req.resume();
      }).then((url) => {
        client = spawn('curl', [...common, '--header', 'expect:', '--upload-file', '-', url], { stdio: 'pipe' });
        client.stdin!.on('error', () => undefined); // it is killed while it reads
        client.stdin!.write(Buffer.alloc(100_000));
      });
    });
    let client: ChildProcess;
    assert.equal(await heard, 'aborted');
  });

  promise('client gone in mid-download: the upstream hears of it', async (t) => {
    const heard = new Promise<void>((resolve) => {
      void gatewayTo(t, protocol, (_, res) => {
        res.on('close', resolve);
        res.write(Buffer.alloc(100_000));
      }).then((url) => {
        const client = spawn('curl', [...common, '--no-buffer', url], { stdio: 'pipe' });
        client.stdout.once('data', () => client.kill('SIGKILL'));
      });
    });
    await heard;
  });

  promise('server gone in mid-download: the client sees that something is missing', async (t) => {
    const url = await gatewayTo(t, protocol, (req, res) => {
      if (req.url === '/length') res.setHeader('content-length', 200_000);
      res.write(Buffer.alloc(100_000), () => setImmediate(() => resetSocket(req.socket)));
    });
    const partial = [18, 56]; // CURLE_PARTIAL_FILE, CURLE_RECV_ERROR
    for (const path of ['/length', '/chunked']) {
      const { exitCode, status } = await curl(url + path, ['--output', '/dev/null']);
      assert.equal(status, 200);
      assert.ok(partial.includes(exitCode), `${path}: exit code ${exitCode}`);
    }
  });
}
