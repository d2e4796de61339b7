// The suites, in the order of the document.
import { grpcInterop } from './grpc-interop.mjs';
import { h2spec } from './h2spec.mjs';
import { connectConformance } from './connect-conformance.mjs';
import { curl } from './curl.mjs';
import { got } from './got.mjs';
import { undici } from './undici.mjs';
import { wpt } from './wpt.mjs';

export const suites = [h2spec, grpcInterop, connectConformance, undici, got, wpt, curl];
