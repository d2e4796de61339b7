/** A trace as a page. */
export { NotATrace, readTrace, type ViewModel } from './model.js';
export { viewPage } from './page.js';
