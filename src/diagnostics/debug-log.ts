import { debuglog } from 'node:util';
import type { Observer } from '../conn/index.js';
import { frameLog } from './frame-log.js';
import { palette } from './paint.js';

const log = debuglog('passinglane');

/** The frame log on standard error, where NODE_DEBUG asks for 'passinglane'; credentials stay hidden. */
export function debugLog(): Observer | undefined {
  if (!log.enabled) return undefined;
  const write = (text: string): void => log('%s', text.trimEnd());
  return frameLog({ write, palette: palette(false), showSecrets: false });
}
