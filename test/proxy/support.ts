import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Transport, type TransportOptions } from '../../dist/index.js';
import { loopback } from '../support/certificates.js';
import { startOrigin, type OriginOptions, type TestOrigin } from '../support/origin.js';

/** A transport that trusts the test servers and ends with the test. */
export function client(t: TestContext, options: TransportOptions): Transport {
  const transport = new Transport({ tls: { ca: loopback.cert }, ...options });
  t.after(() => {
    transport.destroy();
  });
  return transport;
}

/** An origin under TLS that ends with the test. */
export async function origin(t: TestContext, options: OriginOptions = {}): Promise<TestOrigin> {
  const started = await startOrigin({ tls: true, ...options });
  t.after(() => started.close());
  return started;
}

/** The URL of a proxy with a user and a password, which are percent-encoded. */
export function withCredentials(url: string, user: string, password: string): string {
  return url.replace('://', `://${encodeURIComponent(user)}:${encodeURIComponent(password)}@`);
}

/** Resolves when that has come true; the limit of the test is the limit of the wait. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(2);
}
