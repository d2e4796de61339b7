/** What is wrong with a response, by the code that node:http has for it. The reason quotes no value that the server sent. */
export class MalformedResponse extends Error {
  readonly code: `HPE_${string}`;
  readonly reason: string;
  /** What came is an alert of TLS, which is what a TLS server makes of bytes in the clear (RFC 8446 section 5.1). */
  readonly speaksTls: boolean;

  constructor(code: `HPE_${string}`, reason: string, speaksTls = false) {
    super(`Parse Error: ${reason}`);
    this.code = code;
    this.reason = reason;
    this.speaksTls = speaksTls;
  }
}
