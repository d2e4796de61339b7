import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import { invalidArgument } from '../errors.js';

export interface CertificateOptions {
  /** DNS names that the certificate is for; the first is its common name. */
  readonly names: readonly string[];
  /** IPv4 and IPv6 addresses (without brackets) that it is for. */
  readonly ips: readonly string[];
  /** How long it is valid from now, in days. Default: 30. */
  readonly days?: number | undefined;
}

export interface Certificate {
  /** The private key: PKCS #8 in PEM. */
  readonly key: string;
  /** The certificate in PEM: for a server's `cert`, and for a client's `ca`. */
  readonly cert: string;
}

/**
 * A new key (EC P-256) and an X.509 v3 certificate for it, signed by itself and its own CA (RFC 5280), for a
 * server on this machine. Throws ERR_INVALID_ARG_VALUE for something in `ips` that is no IP address.
 */
export function selfSignedCertificate(options: CertificateOptions): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ecdsaWithSha256 = sequence(objectId('1.2.840.10045.4.3.2'));
  const name = distinguishedName(options.names[0] ?? options.ips[0] ?? 'passinglane');
  const now = Date.now();
  const validity = sequence(
    time(now - 3_600_000), // the peer's clock may run a little behind
    time(now + (options.days ?? 30) * 86_400_000),
  );
  const toBeSigned = sequence(
    contextTag(0, integer(Buffer.of(2))), // version 3
    integer(serialNumber()),
    ecdsaWithSha256,
    name, // issuer
    validity,
    name, // subject
    publicKey.export({ type: 'spki', format: 'der' }),
    contextTag(3, sequence(basicConstraints(), subjectAltName(options))),
  );
  const signature = sign('sha256', toBeSigned, privateKey);
  const certificate = sequence(toBeSigned, ecdsaWithSha256, bitString(signature));
  return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), cert: pem('CERTIFICATE', certificate) };
}

/** At most 20 octets, positive and not guessable (RFC 5280 section 4.1.2.2). */
function serialNumber(): Buffer {
  const serial = randomBytes(16);
  serial[0] = (serial.readUInt8(0) & 0x7f) | 0x40;
  return serial;
}

function distinguishedName(commonName: string): Buffer {
  // A common name has at most 64 characters (RFC 5280 appendix A.1); names are checked against subjectAltName alone.
  const value = tagged(0x0c, Buffer.from(commonName.slice(0, 64)));
  return sequence(tagged(0x31, sequence(objectId('2.5.4.3'), value)));
}

function basicConstraints(): Buffer {
  const isCa = tagged(0x01, Buffer.of(0xff));
  return sequence(objectId('2.5.29.19'), tagged(0x01, Buffer.of(0xff)), octetString(sequence(isCa)));
}

function subjectAltName({ names, ips }: CertificateOptions): Buffer {
  const generalNames = [
    ...names.map((name) => tagged(0x82, Buffer.from(name, 'latin1'))), // dNSName
    ...ips.map((ip) => tagged(0x87, addressBytes(ip))), // iPAddress
  ];
  return sequence(objectId('2.5.29.17'), octetString(sequence(...generalNames)));
}

function addressBytes(ip: string): Buffer {
  if (isIPv4(ip)) return Buffer.from(ip.split('.').map(Number));
  if (!isIPv6(ip) || ip.includes('%')) throw invalidArgument('ips', ip, 'IPv4 and IPv6 addresses without a zone');
  // The URL parser writes every form, ::ffff:1.2.3.4 among them, as groups of hexadecimal digits.
  const [head = '', tail] = new URL(`http://[${ip}]`).hostname.slice(1, -1).split('::');
  const before = groups(head);
  const after = groups(tail ?? '');
  const zeros = new Array<number>(8 - before.length - after.length).fill(0);
  const bytes = Buffer.alloc(16);
  [...before, ...zeros, ...after].forEach((group, i) => bytes.writeUInt16BE(group, 2 * i));
  return bytes;
}

function groups(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => parseInt(group, 16));
}

// A DER writer (X.690): tag, length, content.

function tagged(tag: number, content: Uint8Array): Buffer {
  const length = content.length;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  if (length < 0x100) return Buffer.concat([Buffer.of(tag, 0x81, length), content]);
  return Buffer.concat([Buffer.of(tag, 0x82, length >> 8, length & 0xff), content]);
}

function sequence(...items: Uint8Array[]): Buffer {
  return tagged(0x30, Buffer.concat(items));
}

function contextTag(number: number, content: Uint8Array): Buffer {
  return tagged(0xa0 | number, content);
}

/** A positive integer from its bytes, whose highest bit must be clear. */
function integer(bytes: Uint8Array): Buffer {
  return tagged(0x02, bytes);
}

function octetString(content: Uint8Array): Buffer {
  return tagged(0x04, content);
}

function bitString(content: Uint8Array): Buffer {
  return tagged(0x03, Buffer.concat([Buffer.of(0), content])); // no unused bits
}

function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return tagged(0x06, Buffer.from([40 * first + second, ...rest.flatMap(base128)]));
}

function base128(value: number): number[] {
  const bytes = [value & 0x7f];
  for (let left = value >> 7; left > 0; left >>= 7) bytes.unshift((left & 0x7f) | 0x80);
  return bytes;
}

function time(milliseconds: number): Buffer {
  const digits = `${new Date(milliseconds).toISOString().slice(0, 19).replace(/[-T:]/g, '')}Z`;
  // UTCTime, with a year of two digits, through 2049; GeneralizedTime from then on (RFC 5280 section 4.1.2.5).
  return digits < '2050' ? tagged(0x17, Buffer.from(digits.slice(2))) : tagged(0x18, Buffer.from(digits));
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').replace(/.{64}(?!$)/g, '$&\n');
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}
