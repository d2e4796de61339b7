import { makesSpans, markedAs, type Observer } from '../ports/index.js';

/** One observer that tells several; undefined for none. What none of them wants to hear is not made. */
export function observers(...given: readonly (Observer | undefined)[]): Observer | undefined {
  const all = given.filter((one) => one !== undefined);
  if (all.length < 2) return all[0];
  const frame = all.filter((one) => one.frame !== undefined);
  const connection = all.filter((one) => one.connection !== undefined);
  const address = all.filter((one) => one.address !== undefined);
  const request = all.filter((one) => one.request !== undefined);
  const told: Observer = {
    ...(frame.length === 0 ? {} : { frame: (event) => frame.forEach((one) => one.frame?.(event)) }),
    ...(connection.length === 0 ? {} : { connection: (event) => connection.forEach((one) => one.connection?.(event)) }),
    ...(address.length === 0 ? {} : { address: (event) => address.forEach((one) => one.address?.(event)) }),
    ...(request.length === 0 ? {} : { request: (event) => request.forEach((one) => one.request?.(event)) }),
  };
  return markedAs(all.find(makesSpans), told);
}
