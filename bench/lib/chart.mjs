// The targets as an SVG chart: how far each line is from its first target, on a logarithmic scale.
import { short } from './statistics.mjs';
import { targetName } from './markdown.mjs';

const width = 960;
const labels = 470;
const line = 18;
const top = 56;

const escape = (text) => text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);

/** How many times better than its target a value is; below 1, worse. */
const margin = (sense, value, goal) => (sense === 'max' ? goal / value : value / goal);

export function chart(result) {
  const lines = result.scenarios.flatMap((scenario) =>
    scenario.variants.flatMap((variant) =>
      variant.targets
        .filter(({ missing, first, value }) => missing === undefined && first > 0 && value > 0)
        .map((target) => ({ target, label: `${scenario.name}, ${variant.name}: ${targetName(target)}` })),
    ),
  );
  const height = top + lines.length * line + 20;
  // From a tenth of the target to ten times it.
  const x = (ratio) => labels + ((Math.log10(Math.min(10, Math.max(0.1, ratio))) + 1) / 2) * (width - labels - 70);
  const bars = lines.map(({ target, label }, i) => {
    const { sense, first, value, lowest, highest, reached } = target;
    const y = top + i * line;
    const at = x(margin(sense, value, first));
    const ends = [lowest, highest].map((one) => x(margin(sense, one, first))).sort((a, b) => a - b);
    const middle = y + line / 2;
    return [
      `<text x="${labels - 8}" y="${middle + 4}" text-anchor="end">${escape(label)}</text>`,
      `<rect x="${Math.min(at, x(1)).toFixed(1)}" y="${y + 3}" width="${Math.abs(at - x(1)).toFixed(1)}" height="${line - 6}" ` +
        `fill="${reached === 'no' ? '#d1495b' : '#2e8b57'}"/>`,
      `<path d="M${ends[0].toFixed(1)} ${middle}H${ends[1].toFixed(1)}" stroke="#222" stroke-width="1.5"/>`,
      `<text x="${width - 62}" y="${middle + 4}">${short(value)}</text>`,
    ].join('\n');
  });
  const ticks = [0.1, 0.5, 1, 2, 10].map(
    (ratio) =>
      `<path d="M${x(ratio).toFixed(1)} ${top - 6}V${height - 14}" stroke="${ratio === 1 ? '#222' : '#bbb'}"/>` +
      `<text x="${x(ratio).toFixed(1)}" y="${top - 12}" text-anchor="middle">${ratio} ×</text>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
      'font-family="sans-serif" font-size="11">',
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="10" y="18" font-size="14">passinglane, Node ${result.node}: better (green) or worse (red) than the first ` +
      'target, that many times; the line is the spread</text>',
    ...ticks,
    ...bars,
    '</svg>',
    '',
  ].join('\n');
}
