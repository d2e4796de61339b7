/** Problems of users, by number, of which a part or the whole waits for something that is not built, and for what. */
export const notYet: Readonly<Record<number, string>> = {
  23: 'there is no DNS cache: every dial asks `lookup`',
};

/** How many problems there are. */
export const problems = 30;
