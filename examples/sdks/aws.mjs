// The AWS SDK v3 takes a request handler (smithy-handler.mjs): streams up to S3 and down from it, and DynamoDB.
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Buffer } from 'node:buffer';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Transport } from 'passinglane';
import { startOrigin } from '../support/origin.mjs';
import { PassinglaneHandler } from './smithy-handler.mjs';

const stored = new Map();
const api = await startOrigin(async (stream, headers) => {
  const { ':method': method, ':path': path } = headers;
  const answer = (type, text) => stream.respond({ ':status': 200, 'content-type': type }) ?? stream.end(text);
  if (headers['x-amz-target'] !== undefined)
    return answer('application/x-amz-json-1.0', '{"Item":{"taste":{"S":"none"}}}');
  if (path.includes('list-type=2')) {
    const contents = [...stored.keys()].map((key) => `<Contents><Key>${key.slice(8).split('?')[0]}</Key></Contents>`);
    return answer('application/xml', `<ListBucketResult>${contents.join('')}</ListBucketResult>`);
  }
  if (method === 'PUT') {
    const body = await buffer(stream);
    stored.set(path, headers['content-encoding'] === 'aws-chunked' ? withoutChunks(body) : body);
    stream.respond({ ':status': 200, etag: '"1"' }, { endStream: true });
    return;
  }
  const found = stored.get(path.replace('GetObject', 'PutObject'));
  stream.respond({ ':status': found === undefined ? 404 : 200 });
  Readable.from(found ?? []).pipe(stream);
});

/** What S3 takes for a stream with a checksum: chunks as in HTTP/1.1, and a trailer. */
function withoutChunks(bytes) {
  const pieces = [];
  for (let at = 0; ;) {
    const start = bytes.indexOf('\r\n', at) + 2;
    const length = Number.parseInt(bytes.subarray(at, start).toString(), 16);
    if (length === 0) return Buffer.concat(pieces);
    pieces.push(bytes.subarray(start, start + length));
    at = start + length + 2;
  }
}

const transport = new Transport({ cleartext: 'h2c' });
const config = {
  requestHandler: new PassinglaneHandler(transport),
  endpoint: api.url,
  region: 'eu-north-1',
  credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
};
const s3 = new S3Client({ ...config, forcePathStyle: true });
const things = { Bucket: 'things', Key: 'water/1' };

const pieces = Array.from({ length: 64 }, (_, n) => Buffer.alloc(65_536, n));
const Body = Readable.from(pieces);
await s3.send(new PutObjectCommand({ ...things, Body, ContentLength: 64 * 65_536 }));
let received = 0;
let same = true;
for await (const chunk of (await s3.send(new GetObjectCommand(things))).Body)
  for (const byte of chunk) same &&= byte === received++ >> 16;
console.log(received, same);
console.log((await s3.send(new ListObjectsV2Command({ Bucket: 'things', Prefix: 'water/' }))).Contents[0].Key);

const dynamo = new DynamoDBClient(config);
const item = new GetItemCommand({ TableName: 'things', Key: { id: { S: 'water' } } });
console.log((await dynamo.send(item)).Item.taste.S);
await transport.close();
api.close();
