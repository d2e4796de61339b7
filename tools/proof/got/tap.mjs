/** What ava prints with --tap: `ok 1 - title`, and the failure's message in the lines behind. */
export function readTap(output) {
  const results = [];
  let last;
  for (const line of output.split('\n')) {
    const match = /^(ok|not ok) \d+ - (.*)$/.exec(line);
    if (match !== null) {
      const [, word, rest] = match;
      const skipped = / # (SKIP|TODO)/i.test(rest);
      last = { name: rest.replace(/ # (SKIP|TODO).*$/i, ''), passed: word === 'ok', skipped, error: '' };
      results.push(last);
    } else if (last !== undefined && !last.passed && /^ {4,}\S/.test(line)) {
      last.error += `${line.trim()}\n`;
    }
  }
  return results;
}
