// h2spec's client cases, as transcripts. Ours are played against the connection by itself, as test/rfc does; other clients
// are put to the same bytes over a socket.
import { Buffer } from 'node:buffer';
import { spawn } from 'node:child_process';
import { connect } from 'node:http2';
import { compiled, installed, versionOf } from './tools.mjs';

/** How long a client may take to send the frame that is asked for: no timer of a client that answers is so long. */
const patience = 1_500;

const clients = [
  {
    name: `node:http2 ${process.versions.node}`,
    start(origin) {
      const session = connect(origin);
      session.on('error', () => undefined);
      const request = session.request({ ':path': '/' });
      request.on('error', () => undefined).resume();
      return () => session.destroy();
    },
  },
  {
    program: 'curl',
    start(origin) {
      const child = spawn('curl', ['-s', '--http2-prior-knowledge', origin], { stdio: 'ignore' });
      return () => child.kill('SIGKILL');
    },
  },
];

/** Whether a client sends one of the frames that a case asks for. */
async function passes(client, one, { raw, transcript }) {
  const server = await raw.rawServer(async (connection) => {
    connection.answerPings = false;
    if (one.given === 'preface') await connection.expectPreface();
    else await connection.greet();
    if (['request', 'response', 'over'].includes(one.given)) await connection.request();
    const endStream = one.given === 'over';
    if (one.given === 'response' || endStream) connection.headers(1, [[':status', '200']], { endStream });
    connection.raw(Buffer.concat(one.arrives.map(({ bytes }) => bytes)));
    await connection.next((frame) => one.asks.includes(transcript.describeSent(frame)));
    answered(true);
  });
  let answered;
  const answer = new Promise((resolve) => (answered = resolve));
  const timer = setTimeout(() => answered(false), patience);
  const stop = client.start(server.origin);
  const passed = await answer;
  clearTimeout(timer);
  stop();
  await server.close().catch(() => undefined); // a client that breaks the protocol: it has not answered as asked
  return passed;
}

export const h2spec = {
  id: 'h2spec',
  title: "h2spec's client cases",
  about:
    'Strictly: the frame that the section of RFC 9113 asks for is on the wire ([each of them](h2spec.md)). The others meet the ' +
    'same bytes on a socket in the clear.',
  async run() {
    const { h2specCases: cases, isStrict } = await compiled('rfc/h2spec.js');
    const modules = { raw: await compiled('support/raw-server.js'), transcript: await compiled('rfc/transcript.js') };
    let ours = 0;
    for (const one of cases) {
      modules.transcript.playFrames(one); // throws where we send something else than the transcript says
      if (isStrict(one)) ours++;
    }
    const peers = [];
    for (const client of clients) {
      if (client.program !== undefined && !installed(client.program)) continue;
      const results = await inFlight(cases, 8, (one) => passes(client, one, modules));
      const name = client.name ?? `${client.program} ${versionOf(client.program)}`;
      peers.push({ name, passed: results.filter(Boolean).length });
    }
    const differences = cases
      .filter((one) => !isStrict(one))
      .map(({ id, title, reason }) => ({ what: `${id} ${title}`, reason }));
    return { version: '2.6.0', cases: cases.length, ours, peers, differences };
  },
};

/** Maps with at most `width` at a time. */
async function inFlight(items, width, map) {
  const results = [];
  let next = 0;
  const work = async () => {
    for (let at = next++; at < items.length; at = next++) results[at] = await map(items[at]);
  };
  await Promise.all(Array.from({ length: width }, work));
  return results;
}
