// The cases of connectrpc/conformance's YAML suites that are for clients, one for each wire that they are to be put to, each
// with the response that is expected: as its own runner makes them (docs/configuring_and_running_tests.md there).
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { clone, create, fromJson } from '@bufbuild/protobuf';
import { anyPack, anyUnpack } from '@bufbuild/protobuf/wkt';
import { codec, compression, httpVersion, nameOf, packageName, protocol, streamType } from './wire.mjs';

const clientMode = 1;
const methods = new Map([
  [streamType.unary, 'Unary'],
  [streamType.client, 'ClientStream'],
  [streamType.server, 'ServerStream'],
  [streamType.halfDuplex, 'BidiStream'],
  [streamType.fullDuplex, 'BidiStream'],
]);

/** Whether there is such a wire at all. */
function exists(wire) {
  if (wire.protocol === protocol.grpc && wire.version !== httpVersion.http2) return false;
  // connect-node's server takes no stream of both directions over HTTP/1.1.
  return (
    ![streamType.fullDuplex, streamType.halfDuplex].includes(wire.streamType) || wire.version === httpVersion.http2
  );
}

function* wiresOf(suite) {
  const all = (relevant, values) =>
    relevant.length === 0 ? Object.values(values) : relevant.filter((one) => Object.values(values).includes(one));
  for (const one of all(suite.relevantProtocols, protocol))
    for (const version of all(suite.relevantHttpVersions, httpVersion))
      for (const tls of suite.reliesOnTls ? [true] : [true, false])
        for (const coded of all(suite.relevantCodecs, codec))
          for (const compressed of all(suite.relevantCompressions, compression))
            yield { protocol: one, version, tls, codec: coded, compression: compressed };
}

function titleOf(suite, wire, name) {
  const how = [
    nameOf(protocol, wire.protocol),
    wire.version === httpVersion.http2 ? 'HTTP/2' : 'HTTP/1.1',
    wire.tls ? 'TLS' : 'clear',
    nameOf(codec, wire.codec),
    nameOf(compression, wire.compression),
  ];
  return `${suite.name}/${name}, ${how.join(' ')}`;
}

/** All cases. @param parse makes a value of YAML's text @param registry knows the messages */
export function casesOf(folder, registry, parse) {
  const suites = join(folder, 'internal/app/connectconformance/testsuites/data');
  const schema = registry.getMessage(`${packageName}.TestSuite`);
  const found = [];
  for (const file of readdirSync(suites)) {
    const suite = fromJson(schema, parse(readFileSync(join(suites, file), 'utf8')), { registry });
    if (suite.mode !== 0 && suite.mode !== clientMode) continue;
    for (const wire of wiresOf(suite)) found.push(...expand(suite, wire, registry));
  }
  return found;
}

function expand(suite, wire, registry) {
  const schema = registry.getMessage(`${packageName}.TestCase`);
  const cases = [];
  for (const given of suite.testCases) {
    if (!exists({ ...wire, streamType: given.request.streamType })) continue;
    const { request, expectedResponse, otherAllowedErrorCodes } = clone(schema, given);
    const messages = request.requestMessages.map((any) => anyUnpack(any, registry));
    const raw = messages[0]?.responseDefinition?.rawResponse;
    cases.push({
      ...wire,
      name: titleOf(suite, wire, request.testName),
      streamType: request.streamType,
      method: request.method || methods.get(request.streamType),
      clientCerts: suite.reliesOnTlsClientCerts,
      request,
      messages,
      raw,
      // Of messages of its own, for it adds to them.
      expected: expectedResponse ?? expectedOf(registry, wire, request, definitionOf(request, registry)),
      otherCodes: otherAllowedErrorCodes,
    });
  }
  return cases;
}

function definitionOf({ requestMessages: [first] }, registry) {
  return first === undefined ? undefined : anyUnpack(first, registry).responseDefinition;
}

function infoOf(registry, { requestHeaders, timeoutMs }, requests) {
  const timeout = timeoutMs === undefined ? {} : { timeoutMs: BigInt(timeoutMs) };
  return create(registry.getMessage(`${packageName}.ConformancePayload.RequestInfo`), {
    requestHeaders,
    requests,
    ...timeout,
  });
}

/** What the server answers, by what the request tells it to. */
function expectedOf(registry, wire, request, definition) {
  const isUnary = [streamType.unary, streamType.client].includes(request.streamType);
  const make = isUnary ? expectedUnary : expectedStream;
  return create(registry.getMessage(`${packageName}.ClientResponseResult`), make(registry, wire, request, definition));
}

function expectedUnary(registry, wire, request, definition) {
  const requestInfo = infoOf(registry, request, request.requestMessages);
  if (request.useGetHttpMethod) {
    const queryParams = [
      { name: 'encoding', value: [nameOf(codec, wire.codec)] },
      { name: 'connect', value: ['v1'] },
    ].map((param) => create(registry.getMessage(`${packageName}.Header`), param));
    requestInfo.connectGetInfo = create(registry.getMessage(`${packageName}.ConformancePayload.ConnectGetInfo`), {
      queryParams,
    });
  }
  const payload = (data) => create(registry.getMessage(`${packageName}.ConformancePayload`), { data, requestInfo });
  if (definition === undefined) return { payloads: [payload(new Uint8Array())] };
  const { responseHeaders, responseTrailers, response } = definition;
  if (response.case === 'error') {
    response.value.details.push(anyPack(registry.getMessage(requestInfo.$typeName), requestInfo));
    return { responseHeaders, responseTrailers, error: response.value };
  }
  return { responseHeaders, responseTrailers, payloads: [payload(response.value ?? new Uint8Array())] };
}

function expectedStream(registry, wire, request, definition) {
  if (definition === undefined) return {};
  const { responseHeaders, responseTrailers, responseData, error } = definition;
  if (responseData.length === 0 && error !== undefined) {
    const info = infoOf(registry, request, request.requestMessages);
    error.details.push(anyPack(registry.getMessage(info.$typeName), info));
  }
  const payloads = responseData.map((data, index) => {
    const payload = create(registry.getMessage(`${packageName}.ConformancePayload`), { data });
    if (request.streamType === streamType.fullDuplex) {
      const requests = [request.requestMessages[index]].filter((one) => one !== undefined);
      payload.requestInfo = infoOf(registry, index === 0 ? request : { requestHeaders: [] }, requests);
    } else if (index === 0) payload.requestInfo = infoOf(registry, request, request.requestMessages);
    return payload;
  });
  return { responseHeaders, responseTrailers, error, payloads };
}
