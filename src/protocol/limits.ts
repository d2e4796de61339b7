/** Numbers that keep the peer's behaviour from costing us without bound; named here so that one page shows them all. */

/** Sealed bytes at which sealing stops and the connection is no candidate for new requests: one chunk of the pump. */
export const highWaterMark = 65_536;
/**
 * The same where the socket has taken the last chunk within a millisecond: bulk costs less in larger chunks, and nothing
 * waits behind them. With a frame of 16 KiB that crosses it, it fits a buffer of 128 KiB.
 */
export const quickHighWaterMark = 112_640;

/** Replies owed to the peer, acks and resets, that have not been sealed (CVE-2019-9512, -9514, -9515). */
export const maxOwedReplies = 1_000;

/**
 * Frames that carry nothing (CVE-2019-9511, -9512, -9515, -9518): so many within so many milliseconds, with no
 * HEADERS or body byte of an open stream and no useful DATA of ours in between, are a flood.
 */
export const maxIdleFrames = 20_000;
export const idleFramesPeriod = 10_000;

/** Our DATA of this size or larger, or what ends a piece of a body, is worth the WINDOW_UPDATEs before it. In bytes. */
export const usefulData = 64;

/** Header blocks for streams that are over, for each request made, that are no flood yet: 1xx, headers, trailers. */
export const lateBlocksEach = 4;

/** Streams that we have reset whose IDs are remembered, so that what the peer had sent before it knew is no error. */
export const rememberedResets = 1_000;

/** CONTINUATION frames in one header block, and those among them that are empty (CVE-2024-27316). */
export const maxContinuations = 256;
export const maxEmptyContinuations = 4;

/** Streams assumed allowed before the peer's first SETTINGS, and after it when it names no limit. */
export const streamsBeforeSettings = 100;
export const streamsByDefault = 1_000;

/** Client stream IDs are odd and end here (RFC 9113 section 5.1.1). */
export const lastClientStreamId = 0x7fff_ffff;

/** PINGs of our own accord without a HEADERS or DATA from the peer in between, and the gap after that. */
export const freePings = 2;
export const pingGap = 300_000;

/** A stream that has moved more than so many bytes either way carries bulk. */
export const bulkStart = 16_384;
/** And one whose response declares more than this, from its first byte on. */
export const bulkDeclared = 65_536;
/**
 * So many bytes of bulk since the last measurement of a path are worth another, and so many milliseconds between two: where
 * we receive it, and where we send it.
 */
export const measureStep = 16_384;
/** The same where something small waits for its answer meanwhile. */
export const measureStepWaited = 2_048;
export const measureGap = 100;
export const measureSentGap = 500;
/**
 * That often only for so many questions after bulk has begun to move; from there on so many milliseconds apart, unless
 * something has changed.
 */
export const manyQuestions = 10;
export const manySentQuestions = 3;
export const rareGap = 4_000;
export const rareSentGap = 15_000;
/**
 * PINGs and SETTINGS that we send of our own accord, for whatever cause: so many at once, and one more in so many milliseconds. Apache
 * Traffic Server ends a connection with more than 60 PINGs or 14 SETTINGS within a minute; these are 56 and 13 in any.
 */
export const pingBurst = 32;
export const pingEvery = 2_500;
export const settingsBurst = 7;
export const settingsEvery = 10_000;
/** What measuring leaves of them to those that ask whether the peer lives, and whether it has seen a reset. */
export const pingsKept = 7;
export const settingsKept = 2;
/** Where bulk was found to fill a path, and has not moved since: when to look again, in milliseconds. */
export const remeasureAfter = 5_000;
/** A longer round trip than the least one counts for the path's own length once that is so old, in milliseconds. */
export const floorAge = 60_000;
/** How long credit may lead to nothing, beyond four round trips, until a trip begins with that of another stream. In milliseconds. */
export const creditPatience = 1_000;
/** What a stream whose credit is held may have on the way at the least, in bytes. */
export const leastHold = 4_096;

/**
 * Bulk that is sent at a pace: for how long that stays as it is once it was lowered, how long it takes from one rise to the next,
 * both in milliseconds, and how much more it is by each: every one twice as much as the last, up to the most.
 */
export const paceAfter = 4_000;
/** No pace is slower, in bytes a millisecond; and none is believed that is so many times slower than the one that it began with. */
export const leastPace = 16;
export const paceDoubted = 4;
export const paceRises = 200;
export const paceStep = 1.05;
export const mostPaceStep = 1.2;
/** So long after the last answer, in milliseconds, nobody is there whom a pace would be of use. */
export const paceForgotten = 5_000;
/** How long nothing is sent once a queue is empty, so that a trip can tell whether it was one. In milliseconds. */
export const paceTells = 100;
/** How late bulk may come to its turn without losing it, and how long it waits for one more than it must, so that it is worth it. */
export const paceSlack = 10;
export const paceTurn = 4;

/** A kernel takes bulk that is sent in pieces as far apart as this, in milliseconds. */
export const sentFor = 2_000;
/** No answer that was as short as the path has it for so long, in milliseconds: then it is its queue, and no server that sleeps. */
export const longFor = 500;

/** PINGs without an answer that are remembered: a peer that answers none may live for long. */
export const maxOutstandingPings = 1_000;

/** The most that the connection receive window is at the start; it grows like a stream's, up to `maxConnectionWindow`. */
export const initialConnectionWindow = 16_777_216;
