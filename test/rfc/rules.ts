import { frameRules } from './rules-frames.js';
import { messageRules } from './rules-messages.js';
import { semanticRules } from './rules-semantics.js';
import type { Rule } from './transcript.js';

/** Every rule that the RFCs lay on a client or on any endpoint, in the order of the RFCs. */
export const rules: readonly Rule[] = [...frameRules, ...messageRules, ...semanticRules].sort(
  (one, other) => rank(one) - rank(other) || compareSections(one.section, other.section),
);

function rank({ rfc }: Rule): number {
  return [9113, 7541, 9110, 8441, 9218, 7838, 8336].indexOf(rfc);
}

function compareSections(one: string, other: string): number {
  const [left, right] = [one.split('.').map(Number), other.split('.').map(Number)];
  for (let i = 0; i < 4; i++) {
    const difference = (left[i] ?? -1) - (right[i] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}
