import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Transport } from '../../dist/index.js';
import { flag, rawServer, type as frameType, type RawConnection, type RawFrame } from '../support/raw-server.js';
import { h2specCases, isStrict, type H2specCase } from './h2spec.js';
import { describeSent, ok, playFrames } from './transcript.js';

for (const one of h2specCases) test(`h2spec ${one.id}: ${one.title}`, () => void playFrames(one));

test('of the 57 client cases of h2spec 55 get the frame that their section asks for, and two have a reason', () => {
  assert.equal(h2specCases.length, 57);
  const others = h2specCases.filter((one) => !isStrict(one));
  assert.deepEqual(
    others.map(({ id, reason }) => [id, reason !== undefined]),
    [
      ['5.1/8', true],
      ['5.1/9', true],
    ],
  );
});

/** A request is out before what the case is about arrives. */
function asksFirst({ given }: H2specCase): boolean {
  return given === 'request' || given === 'response' || given === 'over';
}

/** The server of one case, as far as the frame that answers it. */
async function serve(connection: RawConnection, one: H2specCase): Promise<void> {
  const { given, arrives, sends } = one;
  if (given === 'preface') await connection.expectPreface();
  else await connection.greet();
  if (asksFirst(one)) await connection.request();
  if (given === 'response' || given === 'over') connection.headers(1, ok, { endStream: given === 'over' });
  connection.raw(Buffer.concat(arrives.map(({ bytes }) => bytes)));
  for (const sent of sends) assert.equal(describeSent(await connection.next(isAnswer)), sent);
}

/** What may answer a case: neither requests, nor credit, nor the preface. */
function isAnswer({ type, flags }: RawFrame): boolean {
  if (type === frameType.settings || type === frameType.ping) return (flags & flag.ack) !== 0;
  return type === frameType.rstStream || type === frameType.goaway;
}

/** Another request on a connection that lives is answered; one that does not is closed by the client. */
async function serveEnd(connection: RawConnection, one: H2specCase): Promise<void> {
  if (one.connection !== 'lives') return connection.ended;
  const { streamId } = await connection.request();
  connection.headers(streamId, ok, { endStream: true });
}

for (const tls of [false, true]) {
  test(`each client case of h2spec goes as its transcript says on a socket ${tls ? 'with TLS' : 'in the clear'}`, async (t) => {
    const served: Promise<void>[] = [];
    const server = await rawServer(
      (connection) => {
        const one = h2specCases[connection.index]!;
        return (served[connection.index] = serve(connection, one).then(() => serveEnd(connection, one)));
      },
      { tls },
    );
    const transport = new Transport({ cleartext: 'h2c', tls: { ca: server.ca } });
    t.after(() => transport.destroy());
    for (const [index, one] of h2specCases.entries()) {
      const connection = await transport.connect(server.origin).catch(() => undefined);
      if (asksFirst(one)) connection?.request(server.origin).catch(() => undefined); // what becomes of it is not the case's
      if (one.connection === 'lives') assert.equal((await connection?.request(server.origin))?.status, 200, one.id);
      await served[index];
    }
    await server.close();
  });
}
