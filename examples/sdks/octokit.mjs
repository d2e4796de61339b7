// GitHub's Octokit takes a `fetch` under `request`.
import { Octokit } from '@octokit/core';
import { json } from 'node:stream/consumers';
import { Transport } from 'passinglane';
import { sendJson, startOrigin } from '../support/origin.mjs';

const api = await startOrigin(async (stream, headers) => {
  if (headers[':path'] === '/graphql') return sendJson(stream, { data: { viewer: { login: 'ada' } } });
  if (headers[':method'] === 'POST') return sendJson(stream, { number: 7, ...(await json(stream)) }, 201);
  sendJson(stream, { message: 'Not Found' }, 404);
});

const transport = new Transport({ cleartext: 'h2c' });
const octokit = new Octokit({ auth: 'token', baseUrl: api.url, request: { fetch: transport.fetch } });

const issue = { owner: 'ada', repo: 'water', title: 'It is wet' };
const { status, data } = await octokit.request('POST /repos/{owner}/{repo}/issues', issue);
console.log(status, data.number, data.title);
console.log((await octokit.graphql('{ viewer { login } }')).viewer.login);
const missing = await octokit.request('GET /nowhere').catch((error) => error);
console.log(missing.name, missing.status);
await transport.close();
api.close();
