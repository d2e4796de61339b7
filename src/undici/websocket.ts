import { createHash } from 'node:crypto';
import type { ClientResponse } from '../request/index.js';
import { fieldValue, withoutField } from '../field-list.js';

/** Whether the server has accepted a WebSocket: by 200 to an extended CONNECT, by 101 to HTTP/1.1's handshake. */
export function isUpgraded({ status, httpVersion }: ClientResponse): boolean {
  return status === (httpVersion === '1.1' ? 101 : 200);
}

/** RFC 6455 section 1.3. */
const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/**
 * The response fields to an extended CONNECT (RFC 8441) as those of the HTTP/1.1 handshake that it stands for, whose
 * status is 101: so the WebSocket of every undici takes it, and `upgrade` does. HTTP/2 leaves these fields out, since
 * it has no use for them (RFC 8441 section 5); one that a server sends all the same is no answer to a key that it never saw.
 */
export function asUpgraded(fields: readonly string[], requestFields: readonly string[]): string[] {
  const shown = [...withoutField(fields, 'sec-websocket-accept'), 'upgrade', 'websocket', 'connection', 'Upgrade'];
  const key = fieldValue(requestFields, 'sec-websocket-key');
  if (key !== undefined) {
    shown.push(
      'sec-websocket-accept',
      createHash('sha1')
        .update(key + guid)
        .digest('base64'),
    );
  }
  return shown;
}
