/** The sockets by which it turns out that a proxy speaks HTTP/1.1. */
import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { inRootContext, nodeClock, NodeDialler, SocketTransport } from '../../dist/node/index.js';
import { parseProxy } from '../../dist/proxy/proxy.js';
import { Tunnels } from '../../dist/proxy/tunnels.js';
import { resolveOptions } from '../../dist/transport-options.js';
import { until } from './support.js';

/** A connection to a proxy that chose HTTP/1.1, and opens the tunnel that it is asked for. */
class Http1Socket extends Duplex {
  readonly alpnProtocol = 'http/1.1';
  asked = '';

  override _read(): void {
    // It says something when it has been asked.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.asked += chunk.toString('latin1');
    if (this.asked.endsWith('\r\n\r\n')) this.push('HTTP/1.1 200 OK\r\n\r\n');
    done();
  }
}

test('of dials that find in one turn that a proxy speaks HTTP/1.1, one becomes the tunnel and the others are closed', async () => {
  const dials: ((stream: Duplex) => void)[] = [];
  const createConnection = (): Promise<Duplex> => new Promise((resolve) => dials.push(resolve));
  const tunnels = new Tunnels(
    parseProxy('proxy', 'https://proxy.test'),
    resolveOptions({ createConnection, probeAfter: 20 }, 'test'),
    {
      clock: nodeClock,
      dialler: (options) => new NodeDialler(options),
      wrap: (socket) => new SocketTransport(socket),
      random: Math.random,
      inRootContext,
    },
  );
  const origin = { scheme: 'https:', hostname: 'a.test', port: 443, href: 'https://a.test', authority: 'a.test' };
  const opened = tunnels.open(origin, new AbortController().signal);
  await until(() => dials.length >= 2); // the first is silent, and has been gone around
  const sockets = dials.map(() => new Http1Socket());
  for (const [i, socket] of sockets.entries()) dials[i]?.(socket);
  const tunnel = await opened;
  await new Promise(setImmediate);
  const idle = sockets.filter((socket) => socket !== tunnel);
  assert.equal(idle.length, sockets.length - 1);
  assert.deepEqual(new Set(idle.map(({ asked, destroyed }) => `${asked}${destroyed}`)), new Set(['true']));
  tunnel.destroy();
  tunnels.close();
});
