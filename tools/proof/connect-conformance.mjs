// The suites of connectrpc/conformance for clients, over passinglane/connect and over connect-node, from a copy of its
// repository. Its runner is a program in Go, with a server of its own; here both are written from its documents.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { createFileRegistry, createRegistry, fromBinary } from '@bufbuild/protobuf';
import { file_google_protobuf_descriptor, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { casesOf } from './connect/cases.mjs';
import { perform } from './connect/client.mjs';
import { wrongWith } from './connect/compare.mjs';
import { connectNode, passinglane } from './connect/libraries.mjs';
import { different } from './connect/reasons.mjs';
import { startReference } from './connect/server.mjs';
import { httpVersion, packageName } from './connect/wire.mjs';
import { installFor, layOut } from './copies.mjs';
import { compiled, root } from './tools.mjs';

/** So many calls at a time. */
const width = 8;

function prepare(copy) {
  const folder = layOut(copy, 'conformance');
  installFor(folder, ['@bufbuild/buf', 'yaml']);
  const image = join(folder, 'image.binpb');
  const buf = join(dirname(folder), 'node_modules/.bin/buf');
  execFileSync(buf, ['build', join(folder, 'proto'), '--as-file-descriptor-set', '-o', image], { stdio: 'ignore' });
  const found = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(image)));
  const registry = createRegistry(found, file_google_protobuf_descriptor); // which some errors carry as a detail
  const { parse } = createRequire(folder)('yaml');
  return { registry, cases: casesOf(folder, registry, parse) };
}

/** What is wrong with each case that a library fails, by name. */
export async function put(library, cases, registry, certificates) {
  const wrong = new Map();
  const note = (name, what) => wrong.set(name, [...(wrong.get(name) ?? []), what]);
  const byName = new Map(cases.map((one) => [one.name, one]));
  const service = registry.getService(`${packageName}.ConformanceService`);
  for (const version of Object.values(httpVersion)) {
    for (const [tls, clientCerts] of [
      [false, false],
      [true, false],
      [true, true],
    ]) {
      const chosen = cases.filter(
        (one) => one.version === version && one.tls === tls && one.clientCerts === clientCerts,
      );
      if (chosen.length === 0) continue;
      const server = await startReference(registry, byName, { version, tls, clientCerts, certificates }, note);
      const { cert, key } = certificates.client;
      const own = clientCerts ? { cert, key } : {};
      const connections = library.connect({
        origin: server.origin,
        version,
        registry,
        tls: tls ? { ca: certificates.loopback.cert, ...own } : {},
      });
      const waiting = [...chosen];
      const work = async () => {
        for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
          const result = await perform(one, connections.transport(one), service);
          for (const what of wrongWith(registry, one, result)) note(one.name, what);
        }
      };
      await Promise.all(Array.from({ length: width }, work));
      connections.close();
      await server.close();
    }
  }
  return wrong;
}

const reasonFor = (what, wrong) =>
  different.find(({ pattern }) => pattern.test(`${what} ${wrong.join('; ')}`))?.reason ?? `not explained: ${wrong[0]}`;

/** One row for all wires on which a case fails for the same reason. */
function differencesOf(wrong) {
  const rows = new Map();
  for (const [name, what] of wrong) {
    const [title, wire] = name.split(/, (?=[^,]*$)/);
    const reason = reasonFor(name, what);
    const key = `${title} ${reason}`;
    const row = rows.get(key) ?? { title, reason, wires: [] };
    row.wires.push(wire);
    rows.set(key, row);
  }
  return [...rows.values()].map(({ title, reason, wires }) => ({
    what: wires.length === 1 ? `${title}, ${wires[0]}` : `${title}, on ${wires.length} wires`,
    reason,
  }));
}

/** Cases that Node's HTTP/2 server cannot answer as it should: it sends no status above 599. */
const unsendable = /nonexistent-http-status-code, \S+ HTTP\/2 /;

export const connectConformance = {
  id: 'connect-conformance',
  title: "Connect's conformance tests",
  copy: 'conformance',
  about:
    'The suites of connectrpc/conformance that a client can be put to, by the Connect, gRPC and gRPC-Web protocols, HTTP/1.1 and ' +
    "HTTP/2, in the clear and over TLS, proto and JSON, gzip, br and none. Its runner, a program in Go, was not to be had: the cases' " +
    "wires, the expected responses and the rules of comparison are written after it, and the server is connect-node's with the " +
    'service and the raw responses that the suites ask for.',
  async run({ copy }) {
    const { registry, cases: all } = prepare(copy);
    const cases = all.filter(({ name }) => !unsendable.test(name));
    const certificates = await compiled('support/certificates.js');
    // connect-node has promises that nobody waits for, and that reject where a deadline passes in an upload.
    process.on('unhandledRejection', () => undefined);
    const ours = await put(passinglane, cases, registry, certificates);
    const theirs = await put(connectNode, cases, registry, certificates);
    const version = JSON.parse(
      readFileSync(`${root}/node_modules/@connectrpc/connect-node/package.json`, 'utf8'),
    ).version;
    return {
      version: `commit ${copy.commit} of ${copy.date}`,
      cases: cases.length,
      excluded: [
        {
          what: 'Unexpected Responses/nonexistent-http-status-code over HTTP/2',
          cases: all.length - cases.length,
          reason: "Node's HTTP/2 server, which stands for the suite's, sends no status above 599",
        },
      ],
      ours: cases.length - ours.size,
      peers: [{ name: `connect-node ${version}`, passed: cases.length - theirs.size }],
      differences: differencesOf(ours),
      theirs: differencesOf(theirs),
    };
  },
};
