import { concealed, invalidArgument, unknownName } from './errors.js';
import { isRecord } from './request/index.js';

/** What tls.connect and tls.createSecureContext take, up to Node 26; also what has no effect here, for who shares such an object. */
const known: readonly string[] = [
  'ALPNCallback',
  'ALPNProtocols',
  'SNICallback',
  'allowHalfOpen',
  'allowPartialTrustChain',
  'autoSelectFamily',
  'autoSelectFamilyAttemptTimeout',
  'ca',
  'cert',
  'certificateCompression',
  'checkServerIdentity',
  'ciphers',
  'clientCertEngine',
  'crl',
  'dhparam',
  'ecdhCurve',
  'enableTrace',
  'family',
  'highWaterMark',
  'hints',
  'honorCipherOrder',
  'host',
  'keepAlive',
  'keepAliveInitialDelay',
  'key',
  'localAddress',
  'localPort',
  'lookup',
  'maxVersion',
  'minDHSize',
  'minVersion',
  'noDelay',
  'onread',
  'passphrase',
  'path',
  'pfx',
  'port',
  'privateKeyEngine',
  'privateKeyIdentifier',
  'pskCallback',
  'rejectUnauthorized',
  'requestCert',
  'requestOCSP',
  'secureContext',
  'secureOptions',
  'secureProtocol',
  'servername',
  'session',
  'sessionIdContext',
  'sessionTimeout',
  'sigalgs',
  'signal',
  'socket',
  'ticketKeys',
  'timeout',
];

/** Those that node:tls takes as PEM alone, and what they hold. */
const pem: Readonly<Record<string, string | undefined>> = {
  ca: 'certificates',
  cert: 'a certificate',
  crl: 'revocation lists',
  key: 'a private key',
};

/**
 * The option `tls`, as far as it can be checked without OpenSSL: what node:tls would pass over in silence, and the names of
 * files in place of what is in them. Throws a TypeError, ERR_INVALID_ARG_VALUE, that shows no text, which may be a secret.
 */
export function checkTls(name: string, value: unknown): void {
  if (!isRecord(value)) throw invalidArgument(`option '${name}'`, value, 'an object with node:tls options');
  for (const [part, one] of Object.entries(value) as [string, unknown][]) {
    const what = `option '${name}.${part}'`;
    if (!known.includes(part)) throw unknownName(what, part, concealed(one), known);
    const holds = pem[part];
    if (holds !== undefined) checkPem(what, one, holds);
    if (part === 'rejectUnauthorized' && one !== undefined && one !== null && typeof one !== 'boolean')
      throw invalidArgument(what, one, 'true or false');
  }
}

function checkPem(what: string, given: unknown, holds: string): void {
  for (const one of Array.isArray(given) ? (given as unknown[]) : [given]) {
    const text = isRecord(one) && 'pem' in one ? one.pem : one;
    if (isPem(text)) continue;
    const allowed = `${holds} as PEM, which begins with -----BEGIN; to give a file, read it: readFileSync(name)`;
    throw invalidArgument(what, concealed(text), allowed);
  }
}

/** True also for what is of another type, or empty: node:tls says itself what is wrong with that. */
function isPem(value: unknown): boolean {
  if (typeof value === 'string') return value === '' || value.includes('-----BEGIN ');
  if (!(value instanceof Uint8Array)) return true;
  return value.length === 0 || Buffer.from(value.buffer, value.byteOffset, value.byteLength).includes('-----BEGIN ');
}
