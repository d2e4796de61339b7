// Elastic's client: its UndiciConnection takes as `agent` a function that gives an undici dispatcher.
import { Client, UndiciConnection } from '@elastic/elasticsearch';
import { json, text } from 'node:stream/consumers';
import { Transport } from 'passinglane';
import { H2Dispatcher } from 'passinglane/undici';
import { startOrigin } from '../support/origin.mjs';

const documents = [];
const api = await startOrigin(async (stream, headers) => {
  let answer;
  if (headers[':path'].startsWith('/_bulk')) {
    const lines = (await text(stream))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    documents.push(...lines.filter((_, at) => at % 2 === 1));
    answer = { errors: false, items: documents.map(() => ({ index: { status: 201 } })) };
  } else {
    const { query } = await json(stream);
    const found = documents.filter(({ name }) => name === query.match.name);
    answer = { hits: { total: { value: found.length }, hits: found.map((_source) => ({ _source })) } };
  }
  const type = 'application/vnd.elasticsearch+json;compatible-with=9';
  stream.respond({ ':status': 200, 'content-type': type, 'x-elastic-product': 'Elasticsearch' });
  stream.end(JSON.stringify(answer));
});

const transport = new Transport({ cleartext: 'h2c' });
const agent = () => new H2Dispatcher(transport);
const client = new Client({ node: api.url, Connection: UndiciConnection, agent });

const datasource = [{ name: 'water' }, { name: 'fire' }];
const done = await client.helpers.bulk({ datasource, onDocument: () => ({ index: { _index: 'things' } }) });
console.log(`${done.successful} stored`);
const search = { index: 'things', query: { match: { name: 'water' } } };
console.log((await client.search(search)).hits.hits[0]._source);
const body = await client.search(search, { asStream: true });
console.log(JSON.parse(await text(body)).hits.total);
await client.close();
await transport.close();
api.close();
