// What stays open without anything under way: connections to one origin, or one to each of many.
import { once } from 'node:events';
import { connect } from 'node:http2';
import { Transport } from 'passinglane';

function toLoopback(hostname, options, callback) {
  if (options.all) callback(null, [{ address: '127.0.0.1', family: 4 }]);
  else callback(null, '127.0.0.1', 4);
}

const clients = {
  'passinglane, connections'({ origin }) {
    const transport = new Transport({ cleartext: 'h2c' });
    const open = [];
    return {
      async idle(count) {
        for (let i = 0; i < count; i++) open.push(await transport.connect(origin));
      },
      close: async () => transport.destroy(),
    };
  },

  'passinglane, origins'({ origin, path }) {
    const { port } = new URL(origin);
    const transport = new Transport({ cleartext: 'h2c', lookup: toLoopback });
    let made = 0;
    return {
      async idle(count) {
        for (let i = 0; i < count; i++) {
          const response = await transport.request(`http://origin${made++}.test:${port}${path}`);
          await response.body.dump();
        }
      },
      closeIdle: async () => transport.closeIdleConnections(),
      close: async () => transport.destroy(),
    };
  },

  'node:http2'({ origin }) {
    const open = [];
    return {
      async idle(count) {
        for (let i = 0; i < count; i++) {
          const session = connect(origin);
          await once(session, 'remoteSettings');
          open.push(session);
        }
      },
      async close() {
        for (const session of open) session.destroy();
      },
    };
  },
};

export const open = async (job) => clients[job.as](job);
