// Whether what a client saw is what its case expects: the rules of connectrpc/conformance's runner.
import { equals } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { Buffer } from 'node:buffer';
import { packageName, streamType } from './wire.mjs';

const infoName = `${packageName}.ConformancePayload.RequestInfo`;

/** So much of a deadline may have gone by before the server hears of it, in milliseconds. */
const grace = 500;

/** Values, without what libraries put around the commas between them. */
function members(values) {
  return values.flatMap((value) => value.split(/ ?, ?/));
}

function* wrongFields(what, expected, actual) {
  const found = new Map();
  for (const { name, value } of actual) found.set(name.toLowerCase(), value);
  for (const { name, value } of expected) {
    const values = found.get(name.toLowerCase());
    if (values === undefined) yield `${what}: there is no ${name}`;
    else if (members(values).join() !== members(value).join())
      yield `${what}: ${name} is ${members(values).join()}, not ${members(value).join()}`;
  }
}

const listed = (headers) => [...headers].map(([name, value]) => ({ name, value: [value] }));

/** Of calls that fail a library may not tell headers from trailers. */
function* wrongMetadata(one, actual) {
  const { expected } = one;
  const [headers, trailers] = [listed(actual.headers), listed(actual.trailers)];
  const wrong = [
    ...wrongFields('headers', expected.responseHeaders, headers),
    ...wrongFields('trailers', expected.responseTrailers, trailers),
  ];
  const isUnary = [streamType.unary, streamType.client].includes(one.streamType);
  if (wrong.length > 0 && isUnary && expected.payloads.length === 0 && expected.error !== undefined) {
    const merged = [...expected.responseHeaders, ...expected.responseTrailers];
    const names = [...new Set(merged.map(({ name }) => name.toLowerCase()))];
    const all = names.map((name) => ({
      name,
      value: merged.filter((each) => each.name.toLowerCase() === name).flatMap(({ value }) => value),
    }));
    if ([headers, trailers].some((fields) => [...wrongFields('', all, fields)].length === 0)) return;
  }
  yield* wrong;
}

function* wrongInfo(registry, expected, actual, first) {
  if (first) {
    yield* wrongFields('request headers', expected?.requestHeaders ?? [], actual?.requestHeaders ?? []);
    const [wanted, got] = [expected?.timeoutMs, actual?.timeoutMs];
    if ((wanted === undefined) !== (got === undefined)) yield `the deadline is ${got}, not ${wanted}`;
    else if (wanted !== undefined && (got > wanted || got < Number(wanted) - grace))
      yield `the deadline is ${got}, not ${wanted}`;
    yield* wrongFields('query', expected?.connectGetInfo?.queryParams ?? [], actual?.connectGetInfo?.queryParams ?? []);
  }
  const [wanted, got] = [expected?.requests ?? [], actual?.requests ?? []];
  if (wanted.length !== got.length) yield `${got.length} requests, not ${wanted.length}`;
  for (const [index, any] of wanted.entries())
    if (got[index] !== undefined && !isSame(registry, any, got[index])) yield `request ${index + 1} is another`;
}

function isSame(registry, a, b) {
  const [left, right] = [anyUnpack(a, registry), anyUnpack(b, registry)];
  if (left?.$typeName !== right?.$typeName) return false;
  return equals(registry.getMessage(left.$typeName), left, right);
}

function* wrongError(registry, { expected, otherCodes }, actual) {
  const { error } = expected;
  if (error === undefined) {
    if (actual !== undefined) yield `an error that was not expected: ${actual.message}`;
    return;
  }
  if (actual === undefined) {
    yield 'no error';
    return;
  }
  if (![error.code, ...otherCodes].includes(actual.code))
    yield `its code is ${actual.code}, not ${error.code}: ${actual.message}`;
  if (error.message !== undefined && error.message !== actual.rawMessage)
    yield `its message is ${actual.rawMessage}, not ${error.message}`;
  const details = actual.details.map((detail) => ({
    $typeName: 'google.protobuf.Any',
    typeUrl: `type.googleapis.com/${detail.type}`,
    value: detail.value,
  }));
  if (details.length !== error.details.length) yield `${details.length} details, not ${error.details.length}`;
  for (const [index, any] of error.details.entries()) {
    const got = details[index];
    if (got === undefined) continue;
    if (any.typeUrl.endsWith(`/${infoName}`) && got.typeUrl.endsWith(`/${infoName}`))
      yield* wrongInfo(registry, anyUnpack(any, registry), anyUnpack(got, registry), true);
    else if (!isSame(registry, any, got)) yield `detail ${index + 1} is another`;
  }
}

/** What is wrong with a result. */
export function* wrongWith(registry, one, actual) {
  yield* wrongError(registry, one, actual.error);
  const { payloads } = one.expected;
  if (payloads.length !== actual.payloads.length) yield `${actual.payloads.length} responses, not ${payloads.length}`;
  for (const [index, wanted] of payloads.entries()) {
    const got = actual.payloads[index];
    if (index >= actual.payloads.length) break;
    if (!Buffer.from(wanted.data).equals(got?.data ?? new Uint8Array())) yield `response ${index + 1} has other data`;
    yield* wrongInfo(registry, wanted.requestInfo, got?.requestInfo, index === 0);
  }
  yield* wrongMetadata(one, actual);
}
