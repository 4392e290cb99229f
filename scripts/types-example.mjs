// Rewrites an example of a function of `fdkit` for the function of `fdkit/promises`.

/** Returns the calls of `names` in a program, and whether each is inside a function. */
function findCalls(ts, source, names) {
  const calls = []
  const visit = (node, isNested) => {
    if (ts.isCallExpression(node) && ts.isIdentifier(node.expression) && names.has(node.expression.text)) {
      calls.push({ node, isNested })
    }
    const isFunction = ts.isFunctionLike(node)
    ts.forEachChild(node, (child) => visit(child, isNested || isFunction))
  }
  visit(source, false)
  return calls
}

/** Returns whether a member of the result is used at once: then `await` needs parentheses. */
function isOperand(ts, node) {
  const { parent } = node
  const isUsed = [ts.isPropertyAccessExpression, ts.isElementAccessExpression, ts.isCallExpression]
  return isUsed.some((test) => test(parent)) && parent.expression === node
}

function rewriteImport(ts, statement, names) {
  const elements = statement.importClause.namedBindings.elements.map((element) => element.getText())
  const moved = elements.filter((name) => names.has(name))
  const left = elements.filter((name) => !names.has(name))
  const lines = left.length > 0 ? [`import { ${left.join(', ')} } from 'fdkit'`] : []
  if (moved.length > 0) lines.push(`import { ${moved.join(', ')} } from 'fdkit/promises'`)
  return [statement.getStart(), statement.getEnd(), lines.join('\n')]
}

function rewriteCode(ts, code, names) {
  const source = ts.createSourceFile('example.ts', code, ts.ScriptTarget.Latest, true)
  const edits = []
  for (const statement of source.statements) {
    const isOurs = ts.isImportDeclaration(statement) && statement.moduleSpecifier.text === 'fdkit'
    if (isOurs) edits.push(rewriteImport(ts, statement, names))
  }
  for (const { node, isNested } of findCalls(ts, source, names)) {
    if (isNested) throw new Error(`this example needs one of its own for promises:\n${code}`)
    const { parent } = node
    if (node.expression.text === 'fwalk' && ts.isForOfStatement(parent)) {
      edits.push([parent.getStart(), parent.getStart() + 'for'.length, 'for await'])
    } else if (isOperand(ts, node)) {
      // Without a semicolon, a parenthesis at the start of a line would call the line before.
      const isFirst = ts.findAncestor(node, ts.isExpressionStatement)?.getStart() === node.getStart()
      const open = isFirst ? ';(await ' : '(await '
      edits.push([node.getStart(), node.getStart(), open], [node.getEnd(), node.getEnd(), ')'])
    } else {
      edits.push([node.getStart(), node.getStart(), 'await '])
    }
  }
  let result = code
  for (const [start, end, text] of edits.toSorted((a, b) => b[0] - a[0])) {
    result = result.slice(0, start) + text + result.slice(end)
  }
  return result
}

/**
 * Returns the tag with the calls of its program awaited. `names` are the functions that return
 * promises.
 */
export function awaitExample(ts, tag, names) {
  return tag.replace(/(?<=^```ts\n)[^]*?(?=\n```$)/m, (code) => rewriteCode(ts, code, names))
}
