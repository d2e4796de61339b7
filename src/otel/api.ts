type Api = typeof import('@opentelemetry/api');

/** The API, of which the application has a copy if it uses OpenTelemetry. Rejects with an Error that says what to install. */
export async function loadApi(): Promise<Api> {
  try {
    return await import('@opentelemetry/api');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') throw error;
    throw new Error('passinglane/otel needs @opentelemetry/api, which is not installed: npm i @opentelemetry/api', {
      cause: error,
    });
  }
}
