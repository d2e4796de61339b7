import { test } from 'node:test';
import { rules } from './rules.js';
import { isTranscript, play, ruleName } from './transcript.js';

rules.forEach((rule, number) => {
  if (isTranscript(rule)) test(ruleName(rule, number + 1), () => play(rule));
});
