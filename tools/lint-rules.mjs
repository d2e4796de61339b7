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
    return { PropertyDefinition: check, MethodDefinition: check };
  },
};

export const house = {
  rules: { 'no-private-numbers': noPrivateNumbers, privacy },
};
