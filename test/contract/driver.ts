/** What a behaviour of the contract is written against: every way into the transport, behind one small interface. */
import type { TestContext } from 'node:test';
import type { TransportOptions } from '../../dist/index.js';

/** What not every facade can say. */
export type Feature =
  | 'body length'
  | 'closed source'
  | 'decoding'
  | 'informational'
  | 'own reason'
  | 'request trailers'
  | 'response trailers'
  | 'shared signal';

export interface Call {
  /** Default: GET. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal;
  readonly trailers?: Readonly<Record<string, string>>;
  readonly onInformational?: (status: number) => void;
}

export interface Answer {
  readonly status: number;
  /** The values of a field, joined as the facade joins them; undefined where there is none. */
  header(name: string): string | undefined;
  /** Each set-cookie by itself. */
  cookies(): readonly string[];
  /** The body, once. Leaving the loop early gives it up. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Read the body first. */
  trailer(name: string): Promise<string | undefined>;
}

/** Sends one request, and resolves with its response's head. */
export type Send = (url: string, call?: Call) => Promise<Answer>;

export interface Client {
  readonly send: Send;
  /** Takes no more. */
  close(): Promise<void>;
}

export interface Driver {
  /** As the table heads its column. */
  readonly name: string;
  /** What this facade cannot say, and why. */
  readonly lacks: Readonly<Partial<Record<Feature, string>>>;
  /** Why it cannot run on this Node. */
  readonly skip: string | false;
  /** Over a transport of its own with these options, which ends with the test. */
  open(t: TestContext, options: TransportOptions): Promise<Client>;
}

export async function bytesOf(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export async function textOf({ body }: Answer): Promise<string> {
  return (await bytesOf(body)).toString();
}
