import type { TestContext } from 'node:test';
import { flag, rawServer, type } from './raw-server.js';

/**
 * An origin that asks for each request's body by 100 (Continue), and answers with `held back: ` and the body; with `at once`
 * where some of the body came before that.
 */
export async function askingOrigin(t: TestContext): Promise<string> {
  const server = await rawServer(async (connection) => {
    await connection.greet();
    for (;;) {
      const { streamId } = await connection.request();
      // The answer to a PING goes out behind all that was to go before it.
      connection.ping();
      const first = await connection.next(
        (frame) => frame.type === type.data || (frame.type === type.ping && (frame.flags & flag.ack) !== 0),
      );
      const held = first.type === type.ping;
      if (held) connection.headers(streamId, [[':status', '100']]);
      const said = held ? `held back: ${(await connection.body(streamId)).bytes.toString()}` : 'at once';
      connection.headers(streamId, [[':status', '200']]);
      connection.data(streamId, said, { endStream: true });
    }
  });
  t.after(() => server.close());
  return server.origin;
}
