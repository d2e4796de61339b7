// The numbers of the enums in connectrpc/conformance's protos.
export const httpVersion = { http1: 1, http2: 2 };
export const protocol = { connect: 1, grpc: 2, grpcWeb: 3 };
export const codec = { proto: 1, json: 2 };
export const compression = { identity: 1, gzip: 2, br: 3 };
export const streamType = { unary: 1, client: 2, server: 3, halfDuplex: 4, fullDuplex: 5 };

export const packageName = 'connectrpc.conformance.v1';

export const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** The name of one of an enum's numbers. */
export function nameOf(values, number) {
  return Object.entries(values).find(([, value]) => value === number)?.[0] ?? String(number);
}
