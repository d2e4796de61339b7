import type { AsyncResource } from 'node:async_hooks';
import type { Carrier } from './carrier.js';
import type { ResponseConnection } from './client-response.js';

/** What a facade wants to know of its request on the way. Called between steps, in the caller's async context. */
export interface RequestHooks {
  /** Its headers go out on this connection. Once for each time that it is sent. */
  onBound(connection: ResponseConnection): void;
  /** All of it has been handed to the connection. */
  onSent(): void;
}

export function reportBound(
  hooks: RequestHooks,
  driver: Carrier,
  streamId: number,
  context: AsyncResource | undefined,
): void {
  const connection = driver.describeFor(streamId);
  driver.later(() => context?.runInAsyncScope(() => hooks.onBound(connection)));
}

export function reportSent(hooks: RequestHooks, driver: Carrier | undefined, context: AsyncResource | undefined): void {
  driver?.later(() => context?.runInAsyncScope(() => hooks.onSent()));
}
