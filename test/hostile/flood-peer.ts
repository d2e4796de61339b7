/** A peer in this process that floods one connection, and what that costs the client. */
import { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  Transport,
  TransportError,
  type ClientConn,
  type ClientResponse,
  type TransportOptions,
} from '../../dist/index.js';
import { encodeFields, type Field } from '../support/hpack.js';
import { frame, settingsPayload, type PeerValues } from '../support/harness.js';
import { flag, type as frameType } from '../support/raw-server.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** The peer's end of the stream: what is sent to the client is pushed, what the client writes is dropped. */
export class FloodSocket extends Duplex {
  /** Bytes that the client has written. */
  taken = 0;
  /** Whether anything is taken from the client. */
  reads = true;
  private wake: (() => void) | undefined;

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (!this.reads) return;
    this.taken += chunk.length;
    done();
  }

  override _read(): void {
    this.wake?.();
    this.wake = undefined;
  }

  /** Sends bytes; resolves when the client has taken them. */
  async send(bytes: Uint8Array): Promise<void> {
    if (this.destroyed || this.writableEnded || this.push(bytes)) return turn();
    await Promise.race([
      new Promise<void>((resolve) => {
        this.wake = resolve;
      }),
      new Promise<void>((resolve) => this.once('close', resolve)),
    ]);
    await turn();
  }
}

/** One connection under attack. */
export interface Scene {
  readonly socket: FloodSocket;
  readonly conn: ClientConn;
  readonly transport: Transport;
  /** The next request, GET unless it has a body, on streams 1, 3, 5...; its fate is kept by the scene. */
  request(options?: Parameters<ClientConn['request']>[1]): Fate;
  close(): void;
  /** HEADERS of a response. */
  headers(streamId: number, fields: readonly Field[], end?: boolean): Promise<void>;
}

/** What became of a request. */
export interface Fate {
  readonly streamId: number;
  readonly response: Promise<ClientResponse>;
  error: unknown;
}

export interface Cost {
  readonly frames: number;
  readonly bytes: number;
  /** Milliseconds of CPU for all of it. */
  readonly cpu: number;
  /** The most that was held beyond what was before, in bytes, after a collection. */
  readonly memory: number;
}

const origin = 'http://flood.example';

export async function openScene(options: TransportOptions = {}, settings: PeerValues = {}): Promise<Scene> {
  const socket = new FloodSocket();
  const transport = new Transport({ cleartext: 'h2c', ...options });
  const adopted = transport.adopt(socket, origin);
  await socket.send(
    Buffer.concat([frame(frameType.settings, 0, 0, settingsPayload(settings)), frame(frameType.settings, flag.ack, 0)]),
  );
  const conn = await adopted;
  let nextStream = 1;
  // No handle of the system's is behind this stream, so nothing else keeps the test alive.
  const alive = setInterval(() => undefined, 1_000);
  return {
    close() {
      clearInterval(alive);
      transport.destroy();
    },
    socket,
    conn,
    transport,
    request(init) {
      const fate: Fate = { streamId: nextStream, response: conn.request(`${origin}/`, init), error: undefined };
      nextStream += 2;
      fate.response.catch((error: unknown) => {
        fate.error = error;
      });
      return fate;
    },
    async headers(streamId, fields, end = false) {
      const flags = flag.endHeaders | (end ? flag.endStream : 0);
      await socket.send(frame(frameType.headers, flags, streamId, encodeFields(fields)));
    },
  };
}

/** What the heap and the buffers outside it hold, after a collection. */
function held(): number {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/**
 * Sends the piece over and over, `most` times at the most, until the client ends the connection or `over`; looks at the
 * memory now and then. A piece is a number of frames, so that sending costs next to nothing.
 */
export async function flood(
  scene: Scene,
  piece: Uint8Array,
  framesEach: number,
  most: number,
  over = (): boolean => false,
): Promise<Cost> {
  const { socket } = scene;
  const before = held();
  let memory = 0;
  let cpu = 0;
  let sent = 0;
  const look = Math.max(1, Math.floor(most / 4));
  while (sent < most && !over() && !socket.destroyed && !socket.writableEnded) {
    const start = process.cpuUsage();
    await socket.send(piece);
    const used = process.cpuUsage(start);
    cpu += (used.user + used.system) / 1_000;
    sent++;
    if (sent % look === 0) memory = Math.max(memory, held() - before);
  }
  memory = Math.max(memory, held() - before);
  return { frames: sent * framesEach, bytes: sent * piece.length, cpu, memory };
}

/** So many times the same frame, as one piece of at most 64 KiB, and how many it holds. */
export function repeated(bytes: Uint8Array, times = Math.max(1, Math.floor(65_536 / bytes.length))): [Buffer, number] {
  return [Buffer.concat(Array<Uint8Array>(times).fill(bytes)), times];
}

export function codeOf(error: unknown): string {
  if (!TransportError.isInstance(error)) return error instanceof Error ? error.message : 'no error';
  return `${error.code}${error.errorCode === undefined ? '' : ` ${error.errorCode}`}`;
}

/** What it costs to bear something that is sent in one go, or over time; `run` says how many frames and bytes it was. */
export async function costOf(run: () => Promise<readonly [frames: number, bytes: number]>): Promise<Cost> {
  const before = held();
  const start = process.cpuUsage();
  const [frames, bytes] = await run();
  const { user, system } = process.cpuUsage(start);
  return { frames, bytes, cpu: (user + system) / 1_000, memory: held() - before };
}

/** One line of the table that `npm run test:hostile` prints. */
export function report(name: string, limit: string, cost: Cost, end: string): string {
  const sent = `${cost.frames} frames, ${(cost.bytes / 1_024).toFixed(0)} KiB`;
  const memory = `${(Math.max(0, cost.memory) / 1_048_576).toFixed(2)} MiB`;
  return `${name} | ${limit} | cut off after ${sent} | CPU ${cost.cpu.toFixed(0)} ms, memory ${memory} | ${end}`;
}
