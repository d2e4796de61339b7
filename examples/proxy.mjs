// Through an HTTP proxy: the URL of the proxy holds the credentials, and tunnels to several origins share a connection.
import { Transport } from 'passinglane';
import { makeCertificates } from './support/certificates.mjs';
import { startHttp2Proxy } from './support/http2-proxy.mjs';
import { startOrigin } from './support/origin.mjs';

const { server } = makeCertificates();
const answer = (text) => (stream, headers) => {
  stream.respond({ ':status': 200 });
  stream.end(`${text}, and no proxy header: ${!Object.keys(headers).some((name) => name.startsWith('proxy'))}`);
};
const origins = [await startOrigin(answer('one'), { tls: server }), await startOrigin(answer('two'), { tls: server })];
const proxy = await startHttp2Proxy(server, 'user', 'pass word');

const transport = new Transport({ proxy: `https://user:pass%20word@${proxy.host}`, tls: { ca: server.cert } });
for (const { url } of origins) {
  const response = await transport.request(url);
  console.log(await response.body.text());
}
console.log(`${proxy.count.tunnels} tunnels on ${proxy.count.connections} connection`);
await transport.close();

const without = new Transport({ proxy: `https://${proxy.host}`, tls: { ca: server.cert } });
try {
  await without.request(origins[0].url);
} catch (error) {
  console.log(error.message.replaceAll(/127\.0\.0\.1:\d+/g, 'host:port'));
}
await without.close();

proxy.close();
for (const origin of origins) origin.close();
