import { sentenceOf } from '../errors.js';
import type { Interceptor } from '../request/index.js';

const flag = '--experimental-network-inspection';

/** What node:inspector has of the domain Network of the Chrome DevTools Protocol, and more than its types say. */
type NetworkEvents = Record<
  'requestWillBeSent' | 'responseReceived' | 'loadingFinished' | 'loadingFailed',
  (params: Readonly<Record<string, unknown>>) => void
>;

let made = 0;

/**
 * Shows each request and fetch of a transport in the Network panel of Chrome DevTools, where Node was started with its flag for
 * that. What goes through undici's facade Node shows by itself.
 */
export function networkPanel(): Interceptor | undefined {
  if (!process.execArgv.includes(flag) && process.env['NODE_OPTIONS']?.includes(flag) !== true) return undefined;
  const { Network } = process.getBuiltinModule('node:inspector') as unknown as { Network?: NetworkEvents };
  return Network === undefined ? undefined : showIn(Network);
}

function showIn(network: NetworkEvents): Interceptor {
  return async (request, next) => {
    const requestId = `passinglane-${++made}`;
    const at = (): { requestId: string; timestamp: number } => ({ requestId, timestamp: performance.now() / 1000 });
    const { method, url, body } = request;
    const sent = {
      method,
      url,
      headers: Object.fromEntries(request.headers),
      hasPostData: body !== undefined && body !== null,
    };
    network.requestWillBeSent({ ...at(), wallTime: Date.now() / 1000, request: sent });
    const failed = (error: unknown): void =>
      network.loadingFailed({ ...at(), type: 'Fetch', errorText: sentenceOf(error) });
    try {
      const response = await next(request);
      const { status, headers } = response;
      const [mimeType = '', charset = ''] = (headers.get('content-type') ?? '').split(/; *charset=/i);
      const received = { url, status, statusText: '', headers: Object.fromEntries(headers), mimeType, charset };
      network.responseReceived({ ...at(), type: 'Fetch', response: received });
      response.trailers.then(() => network.loadingFinished(at()), failed);
      return response;
    } catch (error) {
      failed(error);
      throw error;
    }
  };
}
