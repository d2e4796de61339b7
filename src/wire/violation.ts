/**
 * The peer broke a rule. Thrown inside layers 0 and 1 only, and caught at one place: the core's `receive`, which
 * turns it into an event and the frame that answers it (RFC 9113 section 5.4). `streamId` 0 means the connection.
 */
export class ProtocolViolation extends Error {
  /** An error code of RFC 9113 section 7. */
  readonly errorCode: number;
  readonly streamId: number;

  constructor(errorCode: number, message: string, streamId = 0) {
    super(message);
    this.name = 'ProtocolViolation';
    this.errorCode = errorCode;
    this.streamId = streamId;
  }
}
