// The servers of a run: each started when first needed, on the server's core, and ended with the run.
import { once } from 'node:events';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { selfSignedCertificate } from '../../dist/cli/certificate.js';
import { nginxConfig } from './nginx.mjs';
import { findProgram, firstLine, startServer } from './processes.mjs';

/** Bodies at /bytes-<size>, in bytes: of the path with a long round trip, and of downloads. */
const sizes = [1e8, 256 * 1_048_576, 3e8];

/** A JSON text of 621 bytes, as an API answers. */
const json = JSON.stringify({
  items: Array.from({ length: 9 }, (_, i) => ({
    id: i,
    name: `item ${i}`,
    price: i * 1.5,
    tags: ['a', 'b'],
    ok: true,
  })),
}).padEnd(621);

const script = (name) => fileURLToPath(new URL(`../servers/${name}.mjs`, import.meta.url));

export class Servers {
  #folder = mkdtempSync(join(tmpdir(), 'passinglane-bench-'));
  #started = new Map();
  #nghttpd = findProgram('nghttpd');
  #nginx = findProgram('nginx');
  #certificate = selfSignedCertificate({ names: ['localhost'], ips: ['127.0.0.1'] });

  constructor() {
    process.on('exit', () => rmSync(this.#folder, { recursive: true, force: true }));
    this.key = this.#write('key.pem', this.#certificate.key);
    this.cert = this.#write('cert.pem', this.#certificate.cert);
    this.#write('small', 'x'.repeat(100));
    this.#write('sink', '');
    this.json = this.#write('json', json);
    this.#write('64k', 'x'.repeat(65_536));
    for (const size of sizes) truncateSync(this.#write(`bytes-${size}`, ''), size); // no block of it is on the disk
  }

  /** What serves files, for the head of the report. */
  get name() {
    if (this.#nghttpd === undefined) return 'the embedded origin (node:http2), since nghttpd is not installed';
    return `${firstLine(this.#nghttpd, '--version') ?? 'nghttpd'}, upload windows of 1 MiB a stream and 16 MiB a connection`;
  }

  /** Why the server that a scenario asks for cannot be had. */
  lacks({ kind }) {
    return kind === 'nginx' && this.#nginx === undefined ? 'nginx is not installed' : undefined;
  }

  /** A folder that is removed at the end. */
  get folder() {
    return this.#folder;
  }

  #write(name, contents) {
    const path = join(this.#folder, name);
    writeFileSync(path, contents);
    return path;
  }

  /** What a client needs to know of the server that a scenario asks for: `origin`, and `ca` with TLS. */
  async at({ kind, tls = false, behaviour, delay, bytesPerMs }) {
    const scheme = tls ? 'https' : 'http';
    const trust = tls ? { ca: this.#certificate.cert } : {};
    if (kind === 'none') return {};
    if (kind === 'canned') {
      const ports = JSON.parse(await this.#once('canned', () => this.#script('canned')));
      return { origin: `http://127.0.0.1:${ports[behaviour]}` };
    }
    if (kind === 'isolation') {
      const control = await this.#once('isolation', () => this.#script('isolation', this.key, this.cert));
      return { control: Number(control), ca: this.#certificate.cert };
    }
    if (kind === 'nginx') {
      const ports = await this.#once('nginx', () => this.#startNginx());
      return { origin: `${scheme}://127.0.0.1:${tls ? ports.tls : ports.clear}`, ...trust };
    }
    const port = await this.#once(`files ${scheme}`, () => this.#startFiles(tls));
    if (kind === 'files') return { origin: `${scheme}://127.0.0.1:${port}`, ...trust };
    const path = await this.#once(`path ${scheme}`, () => this.#script('path', port, delay, bytesPerMs));
    return { origin: `${scheme}://127.0.0.1:${path}`, ...trust };
  }

  #once(name, start) {
    if (!this.#started.has(name)) this.#started.set(name, start());
    return this.#started.get(name);
  }

  /** One of servers/, which prints where it listens as its first line. */
  async #script(name, ...args) {
    const server = startServer([process.execPath, script(name), ...args.map(String)]);
    const gone = once(server.child, 'exit').then(() => Promise.reject(new Error(`${name}.mjs: ${server.errors()}`)));
    const [line] = await Promise.race([once(createInterface(server.child.stdout), 'line'), gone]);
    gone.catch(() => undefined); // it is ended by signal at the end
    return line;
  }

  async #startFiles(tls) {
    const keys = tls ? [this.key, this.cert] : [];
    if (this.#nghttpd === undefined) return this.#script('origin', this.#folder, ...keys);
    const port = await freePort();
    const windows = ['-m', '20000', '-w', '20', '-W', '24'];
    const command = [this.#nghttpd, '-a', '127.0.0.1', '-d', this.#folder, ...windows];
    await this.#listening('nghttpd', [...command, ...(tls ? [] : ['--no-tls']), String(port), ...keys], port);
    return port;
  }

  async #startNginx() {
    const ports = { tls: await freePort(), clear: await freePort() };
    const config = nginxConfig({ folder: this.#folder, key: this.key, cert: this.cert, ...ports });
    const file = this.#write('nginx.conf', config);
    await this.#listening('nginx', [this.#nginx, '-p', this.#folder, '-c', file], ports.tls);
    return ports;
  }

  /** Starts a server, and waits until it takes connections. */
  async #listening(name, command, port) {
    const server = startServer(command);
    server.child.stdout.resume();
    while (!(await accepts(port))) {
      if (server.child.exitCode !== null) throw new Error(`${name} does not start: ${server.errors()}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

async function accepts(port) {
  const socket = connect(port, '127.0.0.1');
  const connected = await new Promise((resolve) => {
    socket.on('connect', () => resolve(true));
    socket.on('error', () => resolve(false));
  });
  socket.destroy();
  return connected;
}
