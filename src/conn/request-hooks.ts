import type { AsyncResource } from 'node:async_hooks';
import type { ResponseConnection } from './client-response.js';

/** What a facade wants to know of its request on the way. Called between steps, in the caller's async context. */
export interface RequestHooks {
  /** Its headers go out on this connection. Once for each time that it is sent. */
  onBound(connection: ResponseConnection): void;
  /** A piece of a body that comes in pieces was taken, and goes out next. At once, not between steps. */
  onPiece?(piece: Uint8Array): void;
  /** All of it has been handed to the connection. */
  onSent(): void;
}

/** What is asked of the connection: that it says who it is, and calls back between its steps. */
interface Reporter {
  describeFor(streamId: number): ResponseConnection;
  later(task: () => void): void;
}

export function reportBound(
  hooks: RequestHooks,
  driver: Reporter,
  streamId: number,
  context: AsyncResource | undefined,
): void {
  const connection = driver.describeFor(streamId);
  driver.later(() => context?.runInAsyncScope(() => hooks.onBound(connection)));
}

export function reportSent(
  hooks: RequestHooks,
  driver: Reporter | undefined,
  context: AsyncResource | undefined,
): void {
  driver?.later(() => context?.runInAsyncScope(() => hooks.onSent()));
}
