// Where a compiled module can be changed by a fault of one place, and what it is then.
import ts from 'typescript';

const { SyntaxKind: kind } = ts;

/** Operators by what stands for them in a mutant. */
const others = new Map([
  [kind.EqualsEqualsEqualsToken, '!=='],
  [kind.ExclamationEqualsEqualsToken, '==='],
  [kind.LessThanToken, '<='],
  [kind.LessThanEqualsToken, '<'],
  [kind.GreaterThanToken, '>='],
  [kind.GreaterThanEqualsToken, '>'],
  [kind.AmpersandAmpersandToken, '||'],
  [kind.BarBarToken, '&&'],
  [kind.PlusToken, '-'],
  [kind.MinusToken, '+'],
  [kind.PlusEqualsToken, '-='],
  [kind.MinusEqualsToken, '+='],
]);

/** What a node becomes: the part of the text that is replaced, and by what. Undefined: it stays. */
function changeOf(node, source) {
  if (ts.isBinaryExpression(node)) {
    const text = others.get(node.operatorToken.kind);
    // Text that is put together is no number.
    const joins = node.operatorToken.kind === kind.PlusToken && /['"`]/.test(node.getText(source));
    return text === undefined || joins ? undefined : { part: node.operatorToken, text };
  }
  if (node.kind === kind.TrueKeyword) return { part: node, text: 'false' };
  if (node.kind === kind.FalseKeyword) return { part: node, text: 'true' };
  if (ts.isIfStatement(node)) return { part: node.expression, text: 'false' };
  if (ts.isExpressionStatement(node) && ts.isCallExpression(node.expression)) {
    return node.expression.expression.kind === kind.SuperKeyword ? undefined : { part: node, text: ';' };
  }
  return undefined;
}

/**
 * Every mutant of a module's text, as `{ name, line, start, is, text }`, in the order of their places. The name stays the
 * same while code around it changes.
 */
export function mutantsOf(text) {
  const source = ts.createSourceFile('module.js', text, ts.ScriptTarget.Latest, true);
  const mutants = [];
  const names = new Map();
  const nameOf = (node, is) => {
    const name = `${node.getText(source).split('\n')[0]}  ->  ${is}`;
    const count = (names.get(name) ?? 0) + 1;
    names.set(name, count);
    return count === 1 ? name : `${name} (${count})`;
  };
  const visit = (node) => {
    const change = changeOf(node, source);
    if (change !== undefined) {
      const start = change.part.getStart(source);
      const end = change.part.getEnd();
      mutants.push({
        name: nameOf(node, change.text),
        line: source.getLineAndCharacterOfPosition(start).line + 1,
        start,
        is: change.text,
        text: text.slice(0, start) + change.text + text.slice(end),
      });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return mutants;
}
