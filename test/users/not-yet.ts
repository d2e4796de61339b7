/** Problems of users, by number, of which a part or the whole waits for something that is not built, and for what. */
export const notYet: Readonly<Record<number, string>> = {
  6: 'that an origin which turns out to speak HTTP/1.1 gets its fan-out back needs HTTP/1.1',
  21: 'WebSocket over undici needs the undici facade; its stream, extended CONNECT, is tested',
  23: 'there is no DNS cache: every dial asks `lookup`',
  24: 'accepting the handlers of old and new undici needs the undici facade',
  25: 'needs fetch and the undici facade',
  26: 'that the ALPN verdict for HTTP/1.1 is kept, and its socket used, needs HTTP/1.1',
};

/** How many problems there are. */
export const problems = 30;
