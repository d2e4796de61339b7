import { type TunnelBody, TunnelStream } from '../request/index.js';
import { toUndiciError } from './undici-error.js';

/** The two directions of a CONNECT (RFC 9113 section 8.5, RFC 8441) as one stream, which fails with undici's errors. */
export class UpgradedSocket extends TunnelStream {
  /**
   * @param allowHalfOpen as of a socket: whether it can still be written to when the server has ended
   * @param source the body of the request that the server has accepted
   */
  constructor(allowHalfOpen: boolean, source: TunnelBody) {
    super(allowHalfOpen, toUndiciError, source);
  }
}
