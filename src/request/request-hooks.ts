import type { AsyncResource } from 'node:async_hooks';
import { fieldListSize } from '../protocol/request-fields.js';
import type { Carrier, ResponseConnection } from '../ports/index.js';
import { toHeaders } from './client-response.js';
import type { RequestOptions } from './request-options.js';

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

interface Interim {
  readonly status: number;
  readonly fields: readonly string[];
  /** The request ended meanwhile, and nobody is to hear of this. */
  readonly idle: () => boolean;
}

/**
 * Calls the listener between the connection's steps; an error of its, also of one that turns out to be async, is for
 * `failed`. False: there is no room for the fields until then.
 */
export function reportInformational(
  listener: NonNullable<RequestOptions['onInformational']>,
  { status, fields, idle }: Interim,
  driver: Pick<Carrier, 'config' | 'later'>,
  context: AsyncResource | undefined,
  failed: (error: unknown) => void,
): boolean {
  const { budget } = driver.config;
  const size = fieldListSize(fields);
  if (!budget.takeFields(size)) return false;
  driver.later(() => {
    budget.giveFields(size);
    if (idle()) return;
    const headers = toHeaders(fields);
    const call = async (): Promise<void> => listener(status, headers);
    context?.runInAsyncScope(call).catch(failed);
  });
  return true;
}
