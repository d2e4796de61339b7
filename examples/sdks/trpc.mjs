// tRPC: its links take a `fetch`. Calls that go out as one request, and a subscription, by events.
import { createTRPCClient, httpBatchStreamLink } from '@trpc/client';
import { initTRPC } from '@trpc/server';
import { fetchRequestHandler } from '@trpc/server/adapters/fetch';
import { Transport } from 'passinglane';
import { asFetchHandler, startOrigin } from '../support/origin.mjs';

const trpc = initTRPC.create();
const router = trpc.router({
  greet: trpc.procedure.input(String).query(({ input }) => `hello ${input}`),
  count: trpc.procedure.query(async function* () {
    for (const n of [1, 2, 3]) yield n;
  }),
});
let requests = 0;
const api = await startOrigin(
  asFetchHandler((req) => {
    requests++;
    return fetchRequestHandler({ endpoint: '/trpc', req, router });
  }),
);

const transport = new Transport({ cleartext: 'h2c' });
const client = createTRPCClient({ links: [httpBatchStreamLink({ url: `${api.url}/trpc`, fetch: transport.fetch })] });

console.log(await Promise.all([client.greet.query('Ada'), client.greet.query('Grace')]), `${requests} request`);
const counted = [];
for await (const n of await client.count.query()) counted.push(n);
console.log(counted);
await transport.close();
api.close();
