import { Readable } from 'node:stream';
import type { RequestOptions } from '../../dist/request/request-options.js';
import type { SimulatedClock } from './clock.js';
import { piece } from './frames.js';
import type { UploadPlan } from './plan.js';

/** What a source that fails throws. */
export class SourceFailed extends Error {}

/** The body of a request as an application would give it. */
export function sourceOf(id: number, plan: UploadPlan, clock: SimulatedClock): NonNullable<RequestOptions['body']> {
  const generate = (): AsyncGenerator<Uint8Array> => pieces(id, plan, clock);
  switch (plan.kind) {
    case 'bytes':
      return whole(id, plan.bytes);
    case 'text':
      return whole(id, plan.bytes).toString('latin1');
    case 'array buffer':
      return Uint8Array.from(whole(id, plan.bytes)).buffer;
    case 'refilled':
      return refilled(generate());
    case 'made':
      return () => whole(id, plan.bytes);
    case 'generator':
      return generate();
    case 'made generator':
      return generate;
    case 'readable':
      return Readable.from(generate(), { objectMode: false });
    case 'web stream':
      return webStream(generate());
  }
}

function whole(id: number, bytes: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes; at += 65_536) parts.push(piece(id, at, Math.min(65_536, bytes - at)));
  return Buffer.concat(parts);
}

async function* pieces(
  id: number,
  { bytes, pause, fails }: UploadPlan,
  clock: SimulatedClock,
): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes;) {
    if (fails && at >= bytes / 2) throw new SourceFailed('the source failed');
    const size = Math.min(16_384, bytes - at);
    if (pause > 0) await clock.sleepFor(pause);
    yield Uint8Array.from(piece(id, at, size));
    at += size;
  }
  if (fails) throw new SourceFailed('the source failed');
}

/** It writes each piece where the one before stood, once it is asked for more. */
async function* refilled(from: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(16_384);
  for await (const bytes of from) {
    buffer.fill(0xdd);
    buffer.set(bytes);
    yield buffer.subarray(0, bytes.length);
  }
}

function webStream(from: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = await from.next();
      if (next.done === true) controller.close();
      else controller.enqueue(next.value);
    },
    async cancel() {
      await from.return(undefined);
    },
  });
}
