/** Problems of users, by number, of which a part or the whole waits for something that is not built, and for what. */
export const notYet: Readonly<Record<number, string>> = {};

/** How many problems there are. */
export const problems = 30;
