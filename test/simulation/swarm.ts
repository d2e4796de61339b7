import type { RetryOptions } from '../../dist/pool/index.js';
import type { TransportOptions } from '../../dist/transport-options.js';
import type { FacadeKind } from './facades.js';
import { faultNames } from './faults.js';
import { kernel } from './kernel.js';
import {
  healedAt,
  readerKinds,
  sourceKinds,
  type FaultPlan,
  type HandlerPlan,
  type OriginPlan,
  type Plan,
  type RequestPlan,
  type UploadPlan,
} from './plan.js';
import { Random } from './random.js';

/** How much of each kind of request there is in a run. */
interface Mix {
  readonly uploads: number;
  readonly bulk: number;
  readonly aborts: number;
  readonly idempotent: number;
  readonly timeouts: number;
  readonly odd: number;
  readonly facades: number;
}

/**
 * A run is drawn as a swarm is (Groce et al.): which faults exist at all, and which kinds of request, differs from run to
 * run, so that rare ones meet without being drowned by common ones. `only`: faults of no other kind.
 */
export function drawPlan(seed: number, only?: readonly string[]): Plan {
  const random = new Random(seed);
  const uploading = random.fork('theme').chance(0.12);
  const roomy = uploading || random.fork('windows').chance(0.3);
  const balanced = random.fork('balanced').chance(0.2);
  const drawn = drawOrigins(random.fork('origins'), roomy, balanced ? random.fork('addresses') : undefined);
  const narrow = !uploading && random.fork('narrow').chance(0.08);
  const storm = !uploading && random.fork('storm').chance(0.06);
  const filled = !uploading && !narrow && !storm && random.fork('filled').chance(0.06);
  const origins = drawn.map((origin) => ({
    ...origin,
    ...(narrow ? oneWindow : filled ? drawNarrowPath(random.fork('narrow path')) : {}),
  }));
  const mix = { ...drawMix(random.fork('mix'), uploading), ...(narrow ? uploadsMeet : {}) };
  const count = storm ? random.fork('storm count').magnitude(120, 400) : random.fork('count').magnitude(3, 80);
  const begins = storm ? drawStorm(random.fork('storm times'), count) : drawTimes(random.fork('times'), count);
  const options = {
    ...drawOptions(random.fork('options'), random.fork('sending again')),
    ...(balanced ? drawBalance(random.fork('balance')) : {}),
    allowHTTP1: random.fork('protocols').chance(0.25),
    bulkIsolation: random.fork('bulk isolation').chance(0.25) ? false : undefined,
  };
  const requests = begins.map((at, i) => {
    const bound = (one: RequestPlan): RequestPlan =>
      bounded(one, options.initialStreamWindow, origins[one.origin]!.initialWindow);
    if (filled && i % 8 === 0) return bound(longBulk(random.fork(`long ${i}`), i + 1, at, origins.length));
    const most = uploading ? mostWhereManyUpload : storm ? mostInAStorm : Infinity;
    const request = atMost(drawRequest(random.fork(`request ${i}`), i + 1, at, origins.length, mix), most);
    return bound(ofFacade(request));
  });
  const r = random.fork('rest');
  return {
    seed,
    options,
    buffers: {
      send: uploading ? 65_536 : r.pick([65_536, 262_144, 1_048_576, kernel.sendBuffer]),
      receive: uploading ? 65_536 : r.pick([65_536, kernel.receiveBuffer, 1_048_576]),
    },
    origins,
    requests,
    faults: drawFaults(random.fork('faults'), requests, storm ? (only ?? stormFaults) : only),
    mostRead: r.pick([0, 0, 0, 0, 1_000, 37, 1]),
    ending: r.chance(0.1) ? { at: Math.round(r.between(0, healedAt)), how: r.pick(['close', 'destroy']) } : undefined,
  };
}

/** What the facade has no words for is left out. */
function ofFacade(request: RequestPlan): RequestPlan {
  const { facade, upload } = request;
  if (facade === 'request') return request;
  const plain = upload === undefined ? undefined : { ...upload, trailers: false };
  const common = { ...request, timeout: 0, urgency: undefined, upload: plain };
  if (facade === 'undici') return common;
  const atHand = plain?.kind === 'bytes' || plain?.kind === 'text' || plain?.kind === 'array buffer';
  const kind = facade === 'connect' ? 'generator' : atHand ? plain.kind : 'web stream';
  const none = { idempotent: false, expectContinue: false, headersTimeout: 0, bodyTimeout: 0 };
  return { ...common, ...none, upload: plain === undefined ? undefined : { ...plain, kind } };
}

/** Its windows are no bound, so that bulk fills it. */
function drawNarrowPath(r: Random): Partial<OriginPlan> {
  return {
    delay: r.pick([5, 20, 80]),
    bandwidth: r.pick([200, 500]),
    initialWindow: 16_777_216,
    connectionWindow: 16_777_216,
  };
}

/** A minute and more of one path, that nobody cuts short. */
function longBulk(r: Random, id: number, at: number, origins: number): RequestPlan {
  const plain = { uploads: 0, bulk: 1, aborts: 0, idempotent: 1, timeouts: 0, odd: 0, facades: 0 };
  const request = drawRequest(r, id, at, origins, plain);
  const bytes = r.magnitude(10_000_000, 40_000_000);
  if (r.chance(0.3)) return { ...request, upload: { ...drawUpload(r, true, false), kind: 'generator', bytes } };
  return { ...request, reader: 'dump', handler: { ...request.handler, bytes } };
}

/** One upload takes all of the connection's window, and the others find none: */
const oneWindow = { initialWindow: 1_048_576, connectionWindow: 65_535, limit: 100 };
const uploadsMeet = { uploads: 0.6, bulk: 0.4 };

/** Bulk through a window of a few bytes takes its time and shows nothing more: so many windows of it are enough. */
const mostWindows = 500;

/** In bytes: enough for what has buffers of 64 KiB. */
const mostWhereManyUpload = 400_000;

/** The same for what is about how often small requests are sent. */
const mostInAStorm = 2_000;

function atMost(request: RequestPlan, most: number): RequestPlan {
  const { handler, upload } = request;
  const sent = upload === undefined ? undefined : { ...upload, bytes: Math.min(upload.bytes, most) };
  return { ...request, upload: sent, handler: { ...handler, bytes: Math.min(handler.bytes, most) } };
}

function bounded(request: RequestPlan, ours: number | undefined, theirs: number): RequestPlan {
  const { handler, upload } = request;
  const bytes = Math.min(handler.bytes, (ours ?? Infinity) * mostWindows);
  const sent = upload === undefined ? undefined : { ...upload, bytes: Math.min(upload.bytes, theirs * mostWindows) };
  return { ...request, upload: sent, handler: { ...handler, bytes } };
}

/** Requests are spread over addresses, which are looked up again. */
function drawBalance(r: Random): TransportOptions {
  return { loadBalancing: 'least-request', resolveInterval: r.pick([undefined, 500, 5_000]) };
}

/** `roomy`: their windows hold nothing up, so that what stalls is the kernel. `spread`: draws names of several addresses. */
function drawOrigins(r: Random, roomy: boolean, spread: Random | undefined): OriginPlan[] {
  return Array.from({ length: r.pick([1, 1, 1, 2, 3, 5]) }, (_, i) => ({
    name: `${'abcde'[i] ?? 'x'}.example`,
    secure: r.chance(0.6),
    hosts: spread === undefined ? r.pick([1, 1, 2, 3]) : spread.pick([r.pick([1, 1, 2, 3]), 2, 3, 5]),
    delay: r.pick([0.05, 1, 5, 20, 80, 150]),
    bandwidth: r.pick([0, 0, 0, 6_250, 1_000, 200]),
    limit: r.pick([100, 100, 100, 1, 3, 10]),
    initialWindow: roomy ? 16_777_216 : r.pick([65_535, 65_535, 1_048_576, 16_777_216, 1_000]),
    connectionWindow: roomy ? 16_777_216 : r.pick([65_535, 65_535, 1_048_576, 16_777_216]),
    creditByHandlers: r.chance(0.3),
  }));
}

/** `uploading`: what comes between uploads that fill the kernel's buffers, and all others, is what the run is about. */
function drawMix(r: Random, uploading: boolean): Mix {
  const share = (of: number): number => (r.chance(0.5) ? r.between(0, of) : 0);
  return {
    uploads: uploading ? r.between(0.2, 0.6) : share(0.7),
    bulk: uploading ? r.between(0.3, 0.8) : share(0.2),
    aborts: share(0.3),
    idempotent: r.between(0, 1),
    timeouts: share(0.5),
    odd: share(0.4),
    facades: share(0.5),
  };
}

/** Alone, in bursts, or one after the other; or steadily, for a while. */
function drawTimes(r: Random, count: number): number[] {
  const times: number[] = [];
  if (r.chance(0.5)) {
    const gap = r.magnitude(50, 5_000);
    const begin = r.between(0, healedAt / 2);
    while (times.length < count && begin + times.length * gap < healedAt)
      times.push(Math.round(begin + times.length * gap));
  }
  while (times.length < count) {
    const at = r.between(0, healedAt);
    const burst = r.chance(0.3) ? r.integer(2, 20) : 1;
    const gap = r.pick([0, 0, 1, 20, 200, 1_000]);
    for (let i = 0; i < burst && times.length < count; i++) times.push(Math.round(at + i * gap));
  }
  return times.sort((a, b) => a - b);
}

/** Many within seconds, some time after the first few. */
function drawStorm(r: Random, count: number): number[] {
  const begin = r.between(5_000, healedAt / 2);
  const takes = r.magnitude(500, 30_000);
  const calm = Array.from({ length: 25 }, () => r.between(0, begin));
  const storm = Array.from({ length: count }, () => begin + r.between(0, takes));
  return [...calm, ...storm].map(Math.round).sort((a, b) => a - b);
}

function drawRequest(r: Random, id: number, at: number, origins: number, mix: Mix): RequestPlan {
  const odd = r.chance(mix.odd);
  const upload = r.chance(mix.uploads) ? drawUpload(r.fork('upload'), r.chance(mix.bulk), odd) : undefined;
  const times = r.chance(mix.timeouts);
  return {
    id,
    at,
    origin: r.integer(0, origins - 1),
    facade: r.fork('facade').chance(mix.facades) ? drawFacade(r) : 'request',
    idempotent: r.chance(mix.idempotent),
    upload,
    expectContinue: upload !== undefined && odd && r.chance(0.3),
    urgency: odd && r.chance(0.3) ? r.integer(0, 7) : undefined,
    reader: odd ? r.pick(readerKinds) : r.pick(['bytes', 'pieces', 'dump']),
    abortAfter: r.chance(mix.aborts) ? r.magnitude(1, 20_000) : undefined,
    timeout: times && r.chance(0.7) ? r.magnitude(20, 60_000) : 0,
    headersTimeout: times && r.chance(0.3) ? r.magnitude(20, 20_000) : 0,
    bodyTimeout: times && r.chance(0.3) ? r.magnitude(20, 20_000) : 0,
    handler: drawHandler(r.fork('handler'), upload !== undefined, r.chance(mix.bulk), odd),
  };
}

function drawFacade(r: Random): FacadeKind {
  return r.fork('connect').chance(0.25) ? 'connect' : r.fork('which').pick(['fetch', 'undici']);
}

function drawUpload(r: Random, bulk: boolean, odd: boolean): UploadPlan {
  const kind = r.pick(sourceKinds);
  const bytes = bulk ? r.magnitude(50_000, 5_000_000) : r.pick([0, 1, 100, 1_000, 20_000]);
  const fromPieces = !['bytes', 'text', 'array buffer', 'made'].includes(kind);
  return {
    kind,
    bytes,
    pause: odd && fromPieces ? r.pick([0, 1, 20, 500]) : 0,
    fails: bytes > 0 && odd && fromPieces && r.chance(0.2),
    trailers: odd && r.chance(0.3),
  };
}

function drawHandler(r: Random, uploads: boolean, bulk: boolean, odd: boolean): HandlerPlan {
  const early = uploads && odd && r.chance(0.4);
  return {
    delay: r.pick([0, 0, 1, 5, 50, 300, 3_000, odd ? 20_000 : 10]),
    status: odd ? r.pick([200, 200, 404, 500]) : 200,
    bytes: bulk ? r.magnitude(20_000, 3_000_000) : r.pick([0, 0, 10, 1_000, 16_384]),
    pause: odd ? r.pick([0, 1, 100]) : 0,
    trailers: odd && r.chance(0.3),
    informational: odd && r.chance(0.3),
    early,
    readsAfter: !uploads || !odd ? 0 : early ? r.pick([0, 1_000, Infinity]) : r.pick([0, 100, 3_000]),
  };
}

function drawOptions(r: Random, again: Random): TransportOptions {
  const sometimes = <T>(value: () => T): T | undefined => (r.chance(0.25) ? value() : undefined);
  const retry = sometimes(() => ({
    maxAttempts: r.pick([1, 2, 20]),
    baseDelay: r.pick([10, 500]),
    jitter: r.pick([0, 1]),
  }));
  return {
    maxConnectionsPerOrigin: sometimes(() => r.pick([1, 2, 4])),
    strictMaxConcurrentStreams: sometimes(() => true),
    stallTimeout: sometimes(() => r.pick([50, 300, 1_000])),
    probeAfter: sometimes(() => r.pick([0, 100, 3_000])),
    readIdleTimeout: sometimes(() => r.pick([1_000, 5_000, 30_000])),
    pingTimeout: sometimes(() => r.pick([500, 5_000])),
    writeTimeout: sometimes(() => r.pick([2_000, 20_000])),
    connectTimeout: sometimes(() => r.pick([500, 3_000, 30_000])),
    idleTimeout: sometimes(() => r.pick([100, 1_000, 10_000])),
    maxConnectionAge: sometimes(() => r.pick([1_000, 20_000])),
    maxRequestsPerConnection: sometimes(() => r.pick([1, 2, 10])),
    initialStreamWindow: sometimes(() => r.pick([1, 100, 16_384])),
    maxBufferedBytes: sometimes(() => r.pick([65_535, 200_000, 1_000_000])),
    encoderTableSize: sometimes(() => r.pick([0, 64, 65_536])),
    retry: drawRetry(again, retry),
    hedge: again.chance(0.25)
      ? { after: again.pick(['p95', 10, 100, 1_000]), budget: again.pick([0, 0.05, 0.3, 1]) }
      : undefined,
  };
}

function drawRetry(r: Random, retry: RetryOptions | undefined): RetryOptions | undefined {
  const budget = r.chance(0.3) ? r.pick([0, 0.05, 1, Infinity]) : undefined;
  const statuses = r.chance(0.3) ? r.pick([[503], [500, 503], [404]]) : undefined;
  if (budget === undefined && statuses === undefined) return retry;
  return { ...retry, ...(budget === undefined ? {} : { budget }), ...(statuses === undefined ? {} : { statuses }) };
}

/** What makes many be sent again. */
const stormFaults = [
  'streams refused',
  'streams reset',
  'handlers err',
  'handlers slow',
  'handlers silent',
  'connections reset',
  'process restarts',
  'process frozen',
  'GOAWAY',
  'one connection not read',
];

/** What keeps a write waiting strikes where one is long. */
const stalling = new Set([
  'one connection not read',
  'no credit on living connections',
  'bulk not read',
  'reads nothing',
  'process frozen',
  'connections forgotten',
]);

function drawFaults(r: Random, requests: readonly RequestPlan[], only: readonly string[] | undefined): FaultPlan[] {
  const begins = requests.map(({ at }) => at);
  const bulk = requests.filter(({ upload }) => upload !== undefined && upload.bytes > 100_000).map(({ at }) => at);
  const pool = only ?? faultNames;
  const share = only === undefined ? r.pick([0, 0.05, 0.1, 0.2, 0.4]) : 1;
  const faults: FaultPlan[] = [];
  for (const kind of pool) {
    const one = r.fork(kind);
    if (!one.chance(share)) continue;
    for (let left = one.magnitude(1, 12); left > 0; left--) {
      // Most strike where something is under way.
      const near =
        stalling.has(kind) && bulk.length > 0 && one.chance(0.5)
          ? one.pick(bulk) + one.between(0, 200)
          : one.chance(0.7)
            ? one.pick(begins) + one.between(-1_000, 4_000)
            : one.between(0, healedAt);
      const at = Math.min(Math.max(0, near), healedAt - 10);
      const lasts = Math.min(one.magnitude(5, 60_000), healedAt - at);
      faults.push({ kind, at: Math.round(at), lasts: Math.ceil(lasts), target: one.next(), amount: one.next() });
    }
  }
  return faults.sort((a, b) => a.at - b.at);
}
