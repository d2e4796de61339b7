/** A process that makes a request through a proxy, and leaves its transport as it is. */
import { Transport } from '../../dist/index.js';

const [, , proxy = '', url = '', ca = ''] = process.argv;
const transport = new Transport({ proxy, tls: { ca } });
const response = await transport.request(url);
process.stdout.write(await response.body.text());
