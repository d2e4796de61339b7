// The declarations for require(): each names the types of the ES module beside it, so that there is one Transport to the
// compiler, whichever way it came.
import { writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import ts from 'typescript';

const { Class, Interface, TypeAlias, Alias, Value } = ts.SymbolFlags;

/** Writes index.d.cts beside each index.d.ts. */
export function writeCommonJsTypes(files) {
  const program = ts.createProgram(files, { noLib: true, types: [], module: ts.ModuleKind.NodeNext });
  const checker = program.getTypeChecker();
  for (const file of files) writeFileSync(file.replace(/\.d\.ts$/, '.d.cts'), declarations(program, checker, file));
}

function declarations(program, checker, file) {
  const from = `'./${basename(file, '.d.ts')}.js' with { 'resolution-mode': 'import' };`;
  const lines = [`import type * as esm from ${from}`, `export type * from ${from}`];
  for (const exported of checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(file)))) {
    const symbol = exported.flags & Alias ? checker.getAliasedSymbol(exported) : exported;
    const { name } = exported;
    if (!(symbol.flags & Value) || isTypeOnly(exported)) continue;
    lines.push(`export declare const ${name}: typeof esm.${name};`);
    if (!(symbol.flags & (Class | Interface | TypeAlias))) continue;
    if (symbol.declarations.some((declaration) => declaration.typeParameters !== undefined))
      throw new Error(
        `${file}: ${name} has type parameters, which ${basename(import.meta.filename)} does not write yet`,
      );
    lines.push(`export type ${name} = esm.${name};`);
  }
  return `${lines.join('\n')}\n`;
}

/** It came by `export type`: there is no value behind it. */
function isTypeOnly(symbol) {
  return (symbol.declarations ?? []).some((declaration) => ts.isTypeOnlyExportDeclaration(declaration));
}
