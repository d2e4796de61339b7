/** `passinglane/register`: HTTP/2 under the fetch of an app before it starts. Loading it is all that there is to do. */
import { install } from '../undici/index.js';
import { optionsFrom } from './environment.js';

install(optionsFrom(process.env));
