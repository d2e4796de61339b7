import { bodyStart } from '../protocol/index.js';
import { RequestKind, type Demand } from '../ports/index.js';
import type { PreparedRequest } from './prepared-request.js';

/** A body of so many bytes at most is short; a longer one, or one of unknown length, is bulk. */
const shortBody = 65_536;

const light: Demand = { kind: RequestKind.Light, early: true, needs: 0 };

/** What a request asks of the connection that it goes out on. */
export function demandOf({
  body,
  length,
  protocol,
  method,
}: Pick<PreparedRequest, 'body' | 'length' | 'protocol' | 'method'>): Demand {
  const tunnel = protocol !== undefined || method === 'CONNECT';
  if (!tunnel && (body === undefined || length === 0)) return light;
  // Losing it before the peer's SETTINGS have come costs nothing where its body can be had again.
  const early = protocol === undefined && (body === undefined || body.repeatable);
  const known = length >= 0 && !tunnel;
  const kind = tunnel || (known && length <= shortBody) ? RequestKind.Short : RequestKind.Bulk;
  return { kind, early, needs: known ? Math.min(length, bodyStart) : bodyStart };
}
