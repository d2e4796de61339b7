import type { AsyncResource } from 'node:async_hooks';
import { fieldListSize } from '../protocol/request-fields.js';
import type { HttpConnection, RequestHandle, ResponseConnection } from '../ports/index.js';
import { toHeaders } from './to-headers.js';

/** What a facade wants to know of its request on the way. Called between steps, in the caller's async context. */
export interface RequestHooks {
  /** Its headers go out on this connection. Once for each time that it is sent. */
  onAssigned(connection: ResponseConnection, info: HttpConnection['info']): void;
  /** A piece of a body that comes in pieces was taken, and goes out next. At once, not between steps. */
  onPiece?(piece: Uint8Array): void;
  /** All of it has been handed to the connection. */
  onSent(): void;
}

export function reportAssigned(
  hooks: RequestHooks,
  { connection, description }: RequestHandle,
  context: AsyncResource | undefined,
): void {
  connection.later(() => context?.runInAsyncScope(() => hooks.onAssigned(description, connection.info)));
}

export function reportSent(
  hooks: RequestHooks,
  connection: HttpConnection | undefined,
  context: AsyncResource | undefined,
): void {
  connection?.later(() => context?.runInAsyncScope(() => hooks.onSent()));
}

/** Who hears of 1xx responses; `statusText`: '' in HTTP/2, which has none. */
export type InformationalListener = (status: number, headers: Headers, statusText: string) => unknown;

interface Interim {
  readonly status: number;
  readonly fields: readonly string[];
  readonly statusText: string;
  /** The request ended meanwhile, and nobody is to hear of this. */
  readonly idle: () => boolean;
}

/**
 * Calls the listener between the connection's steps; an error of its, also of one that turns out to be async, is for
 * `failed`. False: there is no room for the fields until then.
 */
export function reportInformational(
  listener: InformationalListener,
  { status, fields, statusText, idle }: Interim,
  connection: HttpConnection,
  context: AsyncResource | undefined,
  failed: (error: unknown) => void,
): boolean {
  const { budget } = connection.config;
  const size = fieldListSize(fields);
  if (!budget.takeFields(size)) return false;
  connection.later(() => {
    budget.giveFields(size);
    if (idle()) return;
    const headers = toHeaders(fields);
    const call = async (): Promise<unknown> => listener(status, headers, statusText);
    context?.runInAsyncScope(call).catch(failed);
  });
  return true;
}
