// Writes docs/proof.md from what is recorded.
import { readFileSync, writeFileSync } from 'node:fs';
import { scoreTable } from '../mutants/scores.mjs';
import { documentOf } from './document.mjs';
import { servers } from './servers.mjs';
import { suites } from './suites.mjs';

const scoresFile = new URL('scores.json', import.meta.url);
const documentFile = new URL('../../docs/proof.md', import.meta.url);

export function readScores() {
  return JSON.parse(readFileSync(scoresFile, 'utf8'));
}

export function writeScores(scores) {
  writeFileSync(scoresFile, `${JSON.stringify(scores, null, 2)}\n`);
}

export function writeDocument() {
  writeFileSync(documentFile, `${documentOf(suites, readScores())}\n${servers}\n${scoreTable().join('\n')}`);
}
