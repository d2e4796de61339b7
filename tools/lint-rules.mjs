/** `H15` and the like: the numbers of a list that the reader does not have. The ledger in conformance/ has them. */
const privateNumber = /\b[A-K][0-9]{1,2}\b/;

/** Comments say the reason or the section of the RFC, and a test's title is a sentence. */
const noPrivateNumbers = {
  meta: {
    type: 'problem',
    schema: [],
    messages: { found: '{{number}} numbers a list that the reader does not have.' },
  },
  create(context) {
    const check = (node, text) => {
      const number = privateNumber.exec(text)?.[0];
      if (number !== undefined) context.report({ loc: node.loc, messageId: 'found', data: { number } });
    };
    return {
      Program: (program) => program.comments.forEach((comment) => check(comment, comment.value)),
      'CallExpression[callee.name=/^(test|it|describe)$/] > Literal.arguments:first-child': (title) =>
        check(title, String(title.value)),
      'CallExpression[callee.name=/^(test|it|describe)$/] > TemplateLiteral.arguments:first-child': (title) =>
        title.quasis.forEach((part) => check(part, part.value.raw)),
    };
  },
};

/** One idiom of privacy in each file: docs/decisions/0015-two-kinds-of-private.md says why there are two. */
const privacy = {
  meta: {
    type: 'problem',
    schema: [{ enum: ['#', 'private'] }],
    messages: {
      hash: '# is for classes that users hold; in here it is private.',
      keyword: 'Users hold this class: # keeps its inside from them, private only says so.',
      friend: 'What other modules may see of # members is assigned in a static block of the class, and nowhere else.',
    },
  },
  create(context) {
    const [idiom] = context.options;
    const check = (member) => {
      if (idiom === 'private' && member.key.type === 'PrivateIdentifier')
        context.report({ node: member.key, messageId: 'hash' });
      else if (idiom === '#' && member.accessibility === 'private' && member.kind !== 'constructor')
        context.report({ node: member.key, messageId: 'keyword' });
    };
    const lets = new Map();
    const friends = new Set();
    return {
      PropertyDefinition: check,
      MethodDefinition: check,
      'ExportNamedDeclaration > VariableDeclaration[kind="let"] > VariableDeclarator': ({ id }) =>
        lets.set(id.name, id),
      'StaticBlock > ExpressionStatement > AssignmentExpression[left.type="Identifier"]': ({ left }) =>
        friends.add(left.name),
      'Program:exit': () => {
        for (const [name, node] of lets) if (!friends.has(name)) context.report({ node, messageId: 'friend' });
      },
    };
  },
};

/** Words that only this code would use, and the field's: docs/decisions/0016-the-fields-words.md. */
const fieldWords = new Map(
  Object.entries({
    carrier: 'connection',
    detour: 'bypass connection',
    hungry: 'drain',
    lend: 'retain, or a zero-copy read',
    lending: 'retain, or a zero-copy read',
    lent: 'retain, or a zero-copy read',
    loan: 'retain, or a zero-copy read',
    newer: 'current',
    older: 'legacy',
    provoke: 'owed reply',
    provoked: 'owed reply',
    settling: 'awaiting SETTINGS',
    shut: 'a stream limit of 0',
    trail: 'tracer',
    unready: 'awaiting SETTINGS',
    verdict: 'what it decides, by name',
  }),
);
/** These are words of the field in other places, so only as whole names. */
const fieldNames = new Map(
  Object.entries({ Names: 'Resolver', Turn: 'Http1Exchange', Tunnel: 'TunnelStream', Way: 'RedirectState' }),
);
const older = /\bolder\b|\bnewer\b/gi;

/** Names and comments use the field's words. */
const words = {
  meta: {
    type: 'problem',
    schema: [],
    messages: { found: "'{{word}}' is no word of the field's: {{better}}." },
  },
  create(context) {
    const report = (loc, word, better) => context.report({ loc, messageId: 'found', data: { word, better } });
    const check = (loc, text) => {
      for (const [found] of text.matchAll(/[A-Z]?[a-z]+/g)) {
        const word = found.toLowerCase();
        const better = fieldWords.get(word) ?? fieldWords.get(word.replace(/s$/, ''));
        if (better !== undefined) report(loc, found, better);
      }
    };
    const name = ({ name, loc }) => {
      check(loc, name);
      const better = fieldNames.get(name);
      if (better !== undefined) report(loc, name, better);
    };
    return {
      // "An older entry" is plain English; the names of two contracts it is not.
      Program: ({ comments }) => comments.forEach(({ loc, value }) => check(loc, value.replace(older, ''))),
      Identifier: name,
      PrivateIdentifier: name,
    };
  },
};

export const house = {
  rules: { 'no-private-numbers': noPrivateNumbers, privacy, words },
};
