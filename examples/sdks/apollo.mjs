// Apollo's client: its HttpLink takes a `fetch`. A query, and one of which a part comes later (@defer).
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client/core';
import { Defer20220824Handler } from '@apollo/client/incremental';
import { json } from 'node:stream/consumers';
import { Transport } from 'passinglane';
import { sendJson, startOrigin } from '../support/origin.mjs';

const api = await startOrigin(async (stream) => {
  const { query } = await json(stream);
  const thing = { __typename: 'Thing', id: 1, name: 'water' };
  if (!query.includes('@defer')) return sendJson(stream, { data: { thing } });
  const part = (value) => stream.write(`\r\n--x\r\ncontent-type: application/json\r\n\r\n${JSON.stringify(value)}`);
  stream.respond({ ':status': 200, 'content-type': 'multipart/mixed; boundary="x"; deferSpec=20220824' });
  part({ data: { thing }, hasNext: true });
  part({ incremental: [{ path: ['thing'], data: { taste: 'none' } }], hasNext: false });
  stream.end('\r\n--x--\r\n');
});

const transport = new Transport({ cleartext: 'h2c' });
const client = new ApolloClient({
  cache: new InMemoryCache(),
  link: new HttpLink({ uri: `${api.url}/graphql`, fetch: transport.fetch }),
  incrementalHandler: new Defer20220824Handler(),
});

console.log(
  (
    await client.query({
      query: gql`
        {
          thing {
            id
            name
          }
        }
      `,
    })
  ).data.thing.name,
);
const deferred = client.watchQuery({
  query: gql`
    {
      thing {
        id
        name
        ... @defer {
          taste
        }
      }
    }
  `,
});
await new Promise((resolve, reject) => {
  deferred.subscribe({
    next({ data, dataState }) {
      if (dataState === 'complete') resolve(console.log(data.thing.name, data.thing.taste));
    },
    error: reject,
  });
});
client.stop();
await transport.close();
api.close();
