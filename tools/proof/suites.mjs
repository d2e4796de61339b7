// The suites, in the order of the document.
import { h2spec } from './h2spec.mjs';

export const suites = [h2spec];
