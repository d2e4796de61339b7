const normalized = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT']);

/** The method as it goes out: these six in upper case, any other as it is (Fetch Standard, section 2.2.1). */
export function normalizeMethod(method: string): string {
  if (normalized.has(method)) return method;
  const upper = method.toUpperCase();
  return normalized.has(upper) ? upper : method;
}
