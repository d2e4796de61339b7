// A private CA, and a client that proves who it is with a certificate.
import { Transport, TransportError } from 'passinglane';
import { makeCertificates } from './support/certificates.mjs';
import { startOrigin } from './support/origin.mjs';

const { server, client } = makeCertificates();
const origin = await startOrigin(
  (stream) => {
    const { subject } = stream.session.socket.getPeerCertificate();
    stream.respond({ ':status': 200 });
    stream.end(`hello ${subject.CN}`);
  },
  { tls: { key: server.key, cert: server.cert, ca: client.cert, requestCert: true, rejectUnauthorized: true } },
);

// `ca` takes the place of the system's: only what it signed is trusted. (Here the certificates sign themselves.)
const known = new Transport({ tls: { ca: server.cert, cert: client.cert, key: client.key } });
const response = await known.request(origin.url);
console.log(await response.body.text());
await known.close();

for (const [who, tls] of Object.entries({
  'without the CA': { cert: client.cert, key: client.key },
  'without a certificate': { ca: server.cert },
})) {
  const transport = new Transport({ tls, retry: { maxAttempts: 1 } });
  try {
    await transport.request(origin.url);
    console.log(`${who}: accepted`);
  } catch (error) {
    console.log(`${who}: refused, ${TransportError.isInstance(error) ? error.code : String(error)}`);
  }
  await transport.close();
}
origin.close();
