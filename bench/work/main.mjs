// A client process: does the work that its one argument describes, and prints what it measured as one line of JSON.
const job = JSON.parse(process.argv[2]);
const { run } = await import(`./${job.work}.mjs`);
const result = await run(job);
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
