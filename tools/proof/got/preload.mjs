// Loaded before got's tests: the function that the copy of got asks for.
import { request } from '../../../lib/http/index.js';

globalThis[Symbol.for('passinglane.request')] = request;
