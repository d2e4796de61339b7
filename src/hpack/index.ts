export { Decoder, type DecoderOptions, type FieldSink } from './decoder.js';
export type { DynamicTable } from './dynamic-table.js';
export { Encoder, type EncoderOptions } from './encoder.js';
export type { Field } from './field.js';
export { HpackError } from './hpack-error.js';
