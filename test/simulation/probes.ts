import type { ResolvedOptions } from '../../dist/transport-options.js';

/** What measuring may ask of one connection in each minute: with more, Apache Traffic Server ends it. */
const measuring = { pings: 60, settings: 14 } as const;

/** As many as gRPC's servers put up with. */
export const mostPings = 2;
/** One in five minutes, whatever is answered; and what may be lost of that on the way. */
export const pingGap = 290_000;

/** What there is to ask for on a connection. */
export interface Askable {
  /** HEADERS and DATA that the server has sent. */
  readonly answers: number;
  /**
   * Refused or not. With `hedge` a server is asked where one of them is not answered as soon as others were: by a PING; by
   * SETTINGS, where it has sent neither HEADERS nor DATA since two of those.
   */
  readonly requests: number;
  /** Streams that the client has reset: it asks whether the server has seen that. */
  readonly resets: number;
  /** In milliseconds. */
  readonly age: number;
}

export type AskingOptions = Pick<
  ResolvedOptions,
  'bulkIsolation' | 'hedge' | 'probeAfter' | 'readIdleTimeout' | 'stallTimeout'
>;

/**
 * So many PINGs there may be on a connection in all: for each cause as many as its time allows, and none without a budget. That is two
 * before there is an answer, and two more after each: gRPC's servers begin to count anew with what they send.
 */
export function pingsAllowed(options: AskingOptions, { answers, requests, resets, age }: Askable): number {
  const { bulkIsolation, probeAfter, readIdleTimeout, stallTimeout } = options;
  const measures = bulkIsolation ? measuring.pings * minutes(age) : 0;
  const silences = each(probeAfter, age) + each(readIdleTimeout, age) + each(stallTimeout, age);
  const causes = measures + silences + hedged(options, requests);
  return mostPings + resets + Math.floor(age / pingGap) + Math.min(mostPings * answers, causes);
}

/** The same of SETTINGS, the first included: those after it ask for an ACK and nothing else, also where a request was given up. */
export function settingsAllowed(options: AskingOptions, { requests, resets, age }: Askable): number {
  const { bulkIsolation, probeAfter } = options;
  const measures = bulkIsolation ? measuring.settings * minutes(age) : 0;
  return 1 + resets + measures + hedged(options, requests) + each(probeAfter, age);
}

/** Of frames that ask, within any minute, whatever for: a quiet server is asked by SETTINGS once in `probeAfter`. */
export function askedInAMinute(
  options: AskingOptions,
  { requests }: Pick<Askable, 'requests'>,
): { readonly PING: number; readonly SETTINGS: number } {
  const settings = measuring.settings + hedged(options, requests) + each(options.probeAfter, 60_000);
  return { PING: measuring.pings, SETTINGS: settings };
}

function hedged({ hedge }: AskingOptions, requests: number): number {
  return hedge === undefined ? 0 : requests;
}

function minutes(age: number): number {
  return 1 + Math.floor(age / 60_000);
}

function each(milliseconds: number, age: number): number {
  return milliseconds === 0 ? 0 : Math.floor(age / milliseconds);
}
