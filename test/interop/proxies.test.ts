/** Tunnels through nghttpx, an HTTP/2 proxy that nobody here wrote. It hands CONNECT on to a proxy of the tests. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Transport, type TransportOptions } from '../../dist/index.js';
import { loopback } from '../support/certificates.js';
import { pattern } from '../support/endpoints.js';
import { startOrigin } from '../support/origin.js';
import { startProxy } from '../support/proxies.js';
import { findProgram, startOnFreePort, startProcess } from './child.js';
import { skipWithout } from './peers.js';

const nghttpx = findProgram('nghttpx');
const missing = (): string | undefined => (nghttpx === undefined ? 'nghttpx is not installed' : undefined);

test(
  'nghttpx: two tunnels on one connection, large bodies, credentials and a refusal',
  { skip: skipWithout({ missing }) },
  async (t) => {
    assert.ok(nghttpx !== undefined, missing());
    const folder = mkdtempSync(join(tmpdir(), 'passinglane-interop-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const files = { key: join(folder, 'key.pem'), cert: join(folder, 'cert.pem'), conf: join(folder, 'nghttpx.conf') };
    writeFileSync(files.key, loopback.key);
    writeFileSync(files.cert, loopback.cert);
    writeFileSync(files.conf, '');
    const behind = await startProxy(t, 'http', {
      answer: ({ authority }) => (authority === 'refused.test:443' ? 403 : undefined),
    });
    const proxy = await startOnFreePort((port) =>
      startProcess(nghttpx, [
        '--http2-proxy',
        `--conf=${files.conf}`,
        `--frontend=127.0.0.1,${port}`,
        `--backend=127.0.0.1,${behind.port}`,
        '--no-ocsp',
        files.key,
        files.cert,
      ]),
    );
    t.after(() => proxy.stop());
    const origins = [await startOrigin({ tls: true }), await startOrigin({ tls: true })];
    const options: TransportOptions = {
      proxy: `https://user:pass@127.0.0.1:${proxy.port}`,
      tls: { ca: loopback.cert },
    };
    const transport = new Transport(options);
    t.after(async () => {
      await transport.close();
      for (const origin of origins) await origin.close();
    });

    const body = pattern(10 << 20);
    for (const { origin } of origins) {
      const response = await transport.request(`${origin}/echo`, { method: 'POST', body });
      assert.equal(response.httpVersion, '2.0');
      assert.ok(body.equals(await response.body.bytes()));
    }
    await assert.rejects(transport.request('https://refused.test/'), {
      code: 'ERR_PASSINGLANE_PROXY_REFUSED',
      message: /refused with status 403/,
    });
    assert.deepEqual(
      behind.asked.map(({ authority, fields }) => [authority, fields['via'], fields['proxy-authorization']]),
      [...origins.map(({ port }) => `127.0.0.1:${port}`), 'refused.test:443'].map((authority) => [
        authority,
        '2 nghttpx', // it came in HTTP/2
        `Basic ${btoa('user:pass')}`,
      ]),
    );
  },
);
