// Medians and spreads.

/** The value below which `share` of the values lie. */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

/** The median of a handful of values. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Three significant digits, with separators of thousands. */
export function short(value) {
  if (value === undefined || value === null || Number.isNaN(value)) return '';
  if (value === 0) return '0';
  if (Math.abs(value) >= 1_000) return Math.round(value).toLocaleString('en-US');
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 4));
}

/** A client's median of a metric and, of several rounds, its lowest and highest. */
export function withRange({ median: middle, samples }, metric) {
  if (samples.length < 2) return short(middle[metric]);
  const values = samples.map((sample) => sample[metric]);
  return `${short(middle[metric])} (${short(Math.min(...values))} to ${short(Math.max(...values))})`;
}
