// Makes the call that a case asks for, and says what came of it: as docs/testing_clients.md of connectrpc/conformance has it.
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createWritableIterable } from '@connectrpc/connect/protocol';
import { streamType, wait } from './wire.mjs';

/** A call takes this long at most, in milliseconds: the slowest answer after 1.5 s. */
const limit = 10_000;

/** Resolves with `{ headers, trailers, payloads, error }`, the error a ConnectError. */
export async function perform(one, transport, service) {
  const controller = new AbortController();
  const result = { headers: new Headers(), trailers: new Headers(), payloads: [], error: undefined };
  const headers = new Headers({ 'x-test-case-name': one.name });
  for (const { name, value } of one.request.requestHeaders) for (const each of value) headers.append(name, each);
  const options = {
    headers,
    signal: controller.signal,
    timeoutMs: one.request.timeoutMs,
    onHeader: (received) => (result.headers = received),
    onTrailer: (received) => (result.trailers = received),
  };
  const call = createClient(service, transport)[one.method[0].toLowerCase() + one.method.slice(1)];
  const timer = setTimeout(() => controller.abort(new ConnectError('no end within 10 s', Code.Unknown)), limit);
  try {
    await (runs.get(one.streamType) ?? bidi)(one, call, options, result, controller);
  } catch (error) {
    result.error = ConnectError.from(error);
    // Which of them were headers is not told.
    if (![...result.headers].length) result.headers = result.error.metadata;
    if (![...result.trailers].length) result.trailers = result.error.metadata;
  } finally {
    clearTimeout(timer);
  }
  return result;
}

function cancelOf({ request }) {
  return request.cancel?.cancelTiming ?? { case: undefined };
}

/** Once all has been sent. */
function cancelLater(one, controller) {
  const { case: when, value } = cancelOf(one);
  if (one.request.cancel === undefined || when === 'afterNumResponses' || when === 'beforeCloseSend') return;
  void wait(value ?? 0).then(() => controller.abort());
}

async function unary(one, call, options, result, controller) {
  const response = call(one.messages[0], options);
  cancelLater(one, controller);
  result.payloads.push((await response).payload);
}

async function clientStream(one, call, options, result, controller) {
  async function* messages() {
    for (const message of one.messages) {
      await wait(one.request.requestDelayMs);
      yield message;
    }
    if (cancelOf(one).case === 'beforeCloseSend') controller.abort();
    else cancelLater(one, controller);
  }
  result.payloads.push((await call(messages(), options)).payload);
}

async function serverStream(one, call, options, result, controller) {
  const responses = call(one.messages[0], options);
  cancelLater(one, controller);
  for await (const { payload } of responses) take(one, payload, result, controller);
}

function take(one, payload, result, controller) {
  result.payloads.push(payload);
  const { case: when, value } = cancelOf(one);
  if (when === 'afterNumResponses' && result.payloads.length === value) controller.abort();
}

async function bidi(one, call, options, result, controller) {
  const requests = createWritableIterable();
  const responses = call(requests, options)[Symbol.asyncIterator]();
  const next = async () => {
    const { done, value } = await responses.next();
    if (done !== true) take(one, value.payload, result, controller);
    return done !== true;
  };
  // Nothing is sent before the response is asked for.
  const ahead = one.streamType === streamType.fullDuplex ? undefined : next();
  ahead?.catch(() => undefined); // told where it is awaited
  let more = true;
  for (const message of one.messages) {
    await wait(one.request.requestDelayMs);
    const written = requests.write(message);
    written.catch(() => undefined); // the response says why
    if (one.streamType === streamType.fullDuplex) more = await next();
    else await Promise.race([written, ahead]);
    if (!more) break;
  }
  if (cancelOf(one).case === 'beforeCloseSend') controller.abort();
  else {
    requests.close();
    cancelLater(one, controller);
  }
  if (ahead !== undefined) more = await ahead;
  while (more) more = await next();
}

const runs = new Map([
  [streamType.unary, unary],
  [streamType.client, clientStream],
  [streamType.server, serverStream],
]);
