import { CoreDispatcher } from './dispatcher.js';

/** Undici's Dispatcher over a Transport. */
export class H2Dispatcher extends CoreDispatcher {}
