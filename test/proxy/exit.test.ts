/** A transport that goes through a proxy, and is not closed, lets its process end. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { listen } from '../http1/support.js';
import { loopback } from '../support/certificates.js';
import { endpoints } from '../support/endpoints.js';
import { proxyKinds, startProxy } from '../support/proxies.js';
import { origin } from './support.js';

const child = fileURLToPath(new URL('./child.js', import.meta.url));

for (const kind of proxyKinds)
  test(`${kind}: idle tunnels do not keep the process alive, and a request in one does`, async (t) => {
    const proxy = await startProxy(t, kind);
    const origins = [
      await origin(t),
      await listen(t, createHttpsServer(loopback, endpoints), 'https'),
      await listen(t, createServer(endpoints), 'http'),
    ];
    for (const { origin: url } of origins) {
      // The answer comes long after everything else is quiet; the time-out is a guard against a hang.
      const args = [child, proxy.url, `${url}/delay/300`, loopback.cert];
      const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 });
      assert.equal(stdout, 'hello\n');
    }
  });
