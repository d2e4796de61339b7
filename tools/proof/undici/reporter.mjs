// One line of JSON for each test that has none within it.
export default async function* report(events) {
  let depth = 0;
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const { nesting, name, details, skip, todo } = data;
    const parent = depth > nesting;
    depth = nesting;
    if (parent || details?.type === 'suite') continue;
    const error =
      type === 'test:fail' ? String(details.error?.cause?.message ?? details.error?.message ?? '') : undefined;
    const skipped = (skip !== undefined && skip !== false) || (todo !== undefined && todo !== false);
    yield `${JSON.stringify({ name, passed: type === 'test:pass', skipped, error })}\n`;
  }
}
