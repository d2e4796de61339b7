import { Transport, type TransportOptions } from '../index.js';
import { invalidArgument, orWasIt } from '../errors.js';

/** How the text of a variable says the value of its option; undefined where no text can. */
type Kind = 'number' | 'flag' | 'flag or number' | 'text' | 'JSON' | undefined;

const kinds: Readonly<Record<keyof TransportOptions, Kind>> = {
  tls: 'JSON',
  allowHTTP1: 'flag',
  cleartext: 'text',
  loadBalancing: 'text',
  resolveInterval: 'number',
  connectTimeout: 'number',
  maxConnectionsPerOrigin: 'number',
  strictMaxConcurrentStreams: 'flag',
  stallTimeout: 'number',
  probeAfter: 'number',
  readIdleTimeout: 'number',
  pingTimeout: 'number',
  writeTimeout: 'number',
  idleTimeout: 'number',
  maxConnectionAge: 'number',
  maxRequestsPerConnection: 'number',
  headersTimeout: 'number',
  bodyTimeout: 'number',
  retry: 'JSON',
  hedge: 'JSON',
  bulkIsolation: 'flag',
  maxHeaderListSize: 'number',
  maxFrameSize: 'number',
  headerTableSize: 'number',
  encoderTableSize: 'number',
  initialStreamWindow: 'number',
  maxStreamWindow: 'number',
  maxConnectionWindow: 'number',
  maxBufferedBytes: 'number',
  maxResponseSize: 'number',
  maxDecompressionRatio: 'number',
  decompress: 'flag',
  proxy: 'text',
  socketPath: 'text',
  lookup: undefined,
  localAddress: 'text',
  keepAlive: 'flag or number',
  createConnection: undefined,
  userAgent: 'text',
  observer: undefined,
};

/** `connectTimeout` is PASSINGLANE_CONNECT_TIMEOUT, and so on. */
const optionOf = new Map(
  (Object.keys(kinds) as (keyof TransportOptions)[])
    .filter((name) => kinds[name] !== undefined)
    .map((name) => [`PASSINGLANE_${name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase()}`, name]),
);

/** What Kubernetes sets in every container beside a service that is called passinglane. */
const ofKubernetes = /^PASSINGLANE_(SERVICE|PORT)(_|$)/;

/**
 * The options that PASSINGLANE_* variables say; an empty one says nothing. Throws a TypeError, ERR_INVALID_ARG_VALUE, that
 * names the variable whose text is none of its option's values, or that there is not.
 */
export function optionsFrom(environment: Readonly<Record<string, string | undefined>>): TransportOptions {
  const options: Record<string, unknown> = {};
  for (const [variable, text = ''] of Object.entries(environment)) {
    if (!variable.startsWith('PASSINGLANE_') || text === '' || ofKubernetes.test(variable)) continue;
    const name = optionOf.get(variable);
    if (name === undefined) {
      const known = [...optionOf.keys()];
      const allowed = `PASSINGLANE_* of ${known.join(', ')}${orWasIt(variable, known)}`;
      throw invalidArgument('environment variable', variable, allowed);
    }
    options[name] = checked(variable, name, text);
  }
  return options;
}

function checked(variable: string, name: keyof TransportOptions, text: string): unknown {
  const value = parsed(variable, kinds[name], text);
  try {
    new Transport({ [name]: value }).destroy();
  } catch (error) {
    throw Object.assign(error as Error, { message: `${variable}: ${(error as Error).message}` });
  }
  return value;
}

function parsed(variable: string, kind: Kind, text: string): unknown {
  const flag = text === 'true' ? true : text === 'false' ? false : undefined;
  if (kind === 'text') return text;
  if (kind === 'JSON') {
    try {
      return JSON.parse(text);
    } catch {
      // It may hold a secret.
      throw invalidArgument(`environment variable ${variable}`, Object(text), 'an object in JSON');
    }
  }
  if (kind !== 'number' && flag !== undefined) return flag;
  if (kind !== 'flag' && /^\d+$/.test(text)) return Number(text);
  const allowed = { flag: 'true or false', number: 'digits', 'flag or number': 'true, false, or digits' };
  throw invalidArgument(`environment variable ${variable}`, text, allowed[kind as keyof typeof allowed]);
}
