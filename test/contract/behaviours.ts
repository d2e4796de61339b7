/** What every facade promises, written once. Each is a sentence; a facade that cannot say what it needs skips it. */
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { TestContext } from 'node:test';
import type { TransportOptions } from '../../dist/index.js';
import { startOrigin, type OriginOptions, type TestOrigin } from '../support/origin.js';
import { rawServer, type RawBlock, type RawConnection, type RawServer } from '../support/raw-server.js';
import type { Client, Feature } from './driver.js';

/** Where a behaviour runs. */
export interface Place {
  readonly t: TestContext;
  /** A client of the facade, in the clear with HTTP/2 unless the options say otherwise. */
  client(options?: TransportOptions): Promise<Client>;
  /** An origin with the usual endpoints; it ends with the test. */
  origin(options?: OriginOptions): Promise<TestOrigin>;
  /** An origin that answers each request as told, frame by frame; it ends with the test. Its connections' window is wide. */
  raw(
    answer: (connection: RawConnection, request: RawBlock) => void,
    options?: { readonly connectionWindow?: number },
  ): Promise<RawServer>;
}

export interface Behaviour {
  readonly promise: string;
  readonly needs: readonly Feature[];
  run(place: Place): Promise<void>;
}

export interface Chapter {
  readonly title: string;
  readonly behaviours: readonly Behaviour[];
}

export function behaviour(
  promise: string,
  run: (place: Place) => Promise<void>,
  needs: readonly Feature[] = [],
): Behaviour {
  return { promise, needs, run };
}

export function placeOf(t: TestContext, open: (options: TransportOptions) => Promise<Client>): Place {
  return {
    t,
    client: (options) => open({ cleartext: 'h2c', ...options }),
    async origin(options) {
      const started = await startOrigin(options);
      t.after(() => started.close());
      return started;
    },
    async raw(answer, { connectionWindow = 1 << 28 } = {}) {
      const server = await rawServer(async (connection) => {
        await connection.greet({ initialWindowSize: 0x7fff_ffff });
        if (connectionWindow > 65_535) connection.windowUpdate(0, connectionWindow - 65_535);
        for (;;) answer(connection, await connection.request());
      });
      t.after(() => server.close());
      return server;
    },
  };
}

/** The ERR_PASSINGLANE code of an error or of one beneath it. */
export function codeOf(error: unknown): string | undefined {
  for (let one = error; one instanceof Error; one = one.cause) {
    const { code } = one as { code?: unknown };
    if (typeof code === 'string' && code.startsWith('ERR_PASSINGLANE_')) return code;
  }
  return undefined;
}

/** Rejects with an error that is, or goes back to, a TransportError with that code. */
export async function assertFails(promise: Promise<unknown>, code: RegExp): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.match(codeOf(error) ?? `none: ${String(error)}`, code);
    return true;
  });
}

/** Resolves when something is told on that channel of diagnostics, from now on. */
export function told(t: TestContext, channel: string): Promise<void> {
  return new Promise((resolve) => {
    const hear = (): void => resolve();
    subscribe(channel, hear);
    t.after(() => unsubscribe(channel, hear));
  });
}

/** Resolves when that has come true; the limit of the test is the limit of the wait. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate);
}
