import type { Observer } from '../ports/index.js';
import { frameLog } from './frame-log.js';
import { palette } from './paint.js';

/** The frame log on standard error, where NODE_DEBUG asks for 'passinglane'; credentials stay hidden. */
export function debugLog(): Observer | undefined {
  // Imported by name, node:util would load what it exports and nobody here uses: 5 ms.
  const log = process.getBuiltinModule('node:util').debuglog('passinglane');
  if (!log.enabled) return undefined;
  const write = (text: string): void => log('%s', text.trimEnd());
  return frameLog({ write, palette: palette(false), showSecrets: false });
}
