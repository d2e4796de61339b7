import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress, gunzip, gzip, type InputType, type ZlibOptions } from 'node:zlib';
import { Code, ConnectError } from '@connectrpc/connect';
import type { Compression } from '@connectrpc/connect/protocol';

type Inflate = (bytes: InputType, options: Pick<ZlibOptions, 'maxOutputLength'>) => Promise<Buffer>;

/** The message compression `gzip`, for `acceptCompression` and `sendCompression`. */
export const compressionGzip: Compression = compression('gzip', promisify(gzip), promisify(gunzip));

/** The message compression `br`, for `acceptCompression` and `sendCompression`. */
export const compressionBrotli: Compression = compression('br', promisify(brotliCompress), promisify(brotliDecompress));

function compression(name: string, deflate: (bytes: InputType) => Promise<Buffer>, inflate: Inflate): Compression {
  return {
    name,
    compress: async (bytes) => own(await deflate(bytes)),
    async decompress(bytes, readMaxBytes) {
      if (bytes.length === 0) return new Uint8Array(0);
      try {
        return own(await inflate(bytes, { maxOutputLength: readMaxBytes }));
      } catch (error) {
        throw decompressionFailed(error, readMaxBytes);
      }
    },
  };
}

/** The same bytes, as the plain array that Connect-ES's types ask for; what zlib returns is never shared memory. */
function own(bytes: Buffer): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
}

function decompressionFailed(error: unknown, readMaxBytes: number): ConnectError {
  const { code } = error as { readonly code?: string };
  if (code === 'ERR_BUFFER_TOO_LARGE') {
    const message = `message is larger than configured readMaxBytes ${readMaxBytes} after decompression`;
    return new ConnectError(message, Code.ResourceExhausted, undefined, undefined, error);
  }
  // The names that gzip and brotli have for data that is not theirs.
  const malformed =
    code === 'Z_DATA_ERROR' || code === 'ERR_PADDING_2' || code?.startsWith('ERR__ERROR_FORMAT_') === true;
  const kind = malformed ? Code.InvalidArgument : Code.Internal;
  return new ConnectError('decompression failed', kind, undefined, undefined, error);
}
