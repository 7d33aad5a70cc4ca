import { ts } from 'ts-json-schema-generator';

/** The classes whose first type argument is what a command prints under --json. */
const BASES: readonly string[] = ['D3Command', 'PluginCommand'];

/**
 * What the command of a file prints, as it is written where the command, or a class between, says it of its base.
 * @param file a module whose default export is a command
 */
export function resultType(program: ts.Program, file: string): ts.TypeNode {
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  let derived = source?.statements.find(
    (statement): statement is ts.ClassDeclaration =>
      ts.isClassDeclaration(statement) &&
      statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword) === true,
  );
  /** What the type parameters of the class stand for. */
  let bound = new Map<ts.Symbol | undefined, ts.TypeNode>();
  while (derived !== undefined) {
    const heritage = derived.heritageClauses?.find(({ token }) => token === ts.SyntaxKind.ExtendsKeyword)?.types[0];
    const base = heritage === undefined ? undefined : classOf(checker, heritage.expression);
    if (heritage === undefined || base === undefined) break;
    const next = new Map<ts.Symbol | undefined, ts.TypeNode>();
    for (const [index, parameter] of (base.typeParameters ?? []).entries()) {
      const given = heritage.typeArguments?.[index] ?? parameter.default;
      const meant =
        given !== undefined && ts.isTypeReferenceNode(given) ? bound.get(symbolOf(checker, given)) : undefined;
      const type = meant ?? given;
      if (type !== undefined) next.set(checker.getSymbolAtLocation(parameter.name), type);
    }
    const [result] = next.values();
    if (result !== undefined && BASES.includes(base.name?.text ?? '')) return result;
    [bound, derived] = [next, base];
  }
  throw new Error(`its default export is no class over ${BASES.join(' or ')} that says what its result is`);
}

function symbolOf(checker: ts.TypeChecker, { typeName }: ts.TypeReferenceNode): ts.Symbol | undefined {
  return checker.getSymbolAtLocation(typeName);
}

function classOf(checker: ts.TypeChecker, expression: ts.Expression): ts.ClassDeclaration | undefined {
  const symbol = checker.getSymbolAtLocation(expression);
  if (symbol === undefined) return undefined;
  const real = (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : checker.getAliasedSymbol(symbol);
  return real.declarations?.find(ts.isClassDeclaration);
}
