/** What observers make of what they see: lines of text, and traces. */
export { debugLog } from './debug-log.js';
export { formatField, formatFrame, frameLog, type FrameLogOptions } from './frame-log.js';
export { observers } from './observers.js';
export { palette, printable, type Paint, type Palette } from './paint.js';
export type { TraceEvent } from './trace-event.js';
export { openTrace } from './trace-file.js';
export { TraceWriter, type TraceOptions } from './trace-writer.js';
