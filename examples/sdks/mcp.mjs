// The SDK of the Model Context Protocol: its Streamable HTTP transport takes a `fetch`. A tool that tells its progress,
// by events, beside the stream of notifications that stays open.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import { randomUUID } from 'node:crypto';
import { Transport } from 'passinglane';
import { asFetchHandler, startOrigin } from '../support/origin.mjs';

const tools = new McpServer({ name: 'wet things', version: '1.0.0' });
tools.registerTool('water', { description: 'Is water wet?' }, async ({ _meta, sendNotification }) => {
  for (const progress of [1, 2]) {
    const params = { progressToken: _meta.progressToken, progress, total: 2 };
    await sendNotification({ method: 'notifications/progress', params });
  }
  return { content: [{ type: 'text', text: 'Water is wet' }] };
});
const serverTransport = new WebStandardStreamableHTTPServerTransport({ sessionIdGenerator: randomUUID });
await tools.connect(serverTransport);
const server = await startOrigin(asFetchHandler((request) => serverTransport.handleRequest(request)));

const transport = new Transport({ cleartext: 'h2c' });
const client = new Client({ name: 'a client', version: '1.0.0' });
await client.connect(new StreamableHTTPClientTransport(new URL(`${server.url}/mcp`), { fetch: transport.fetch }));

console.log((await client.listTools()).tools.map(({ name }) => name));
const onprogress = ({ progress, total }) => console.log(`${progress} of ${total}`);
console.log((await client.callTool({ name: 'water' }, undefined, { onprogress })).content[0].text);
await client.close();
await transport.close();
server.close();
