/** Problems of users, by number, of which a part or the whole waits for something that is not built, and for what. */
export const notYet: Readonly<Record<number, string>> = {
  21: 'a WebSocket to an origin without extended CONNECT fails, for there is no HTTP/1.1 upgrade',
};

/** How many problems there are. */
export const problems = 30;
