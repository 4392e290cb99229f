// The claims of examples: comments that say what an expression is, or what a statement throws.

const literal = /^(true|false|null|undefined|-?\d[\d_]*(\.\d+)?n?|0x[\da-f_]+|'[^']*'|"[^"]*")$/i
const statement = /^(const|let|var|import|export|for|if|while|return|throw|try|function|class)\b|^[})]/

/** `line // throws: TEXT` and `expression // VALUE` become assertions. */
function withAssertion(line: string): string {
  const [, indent = '', code = '', comment = ''] = /^(\s*);?(\S.*?)\s+\/\/ (.*)$/.exec(line) ?? []
  if (comment.startsWith('throws: ')) {
    const text = JSON.stringify(comment.slice('throws: '.length))
    const [await_, fails, async] = /\bawait\b/.test(code)
      ? ['await ', 'rejects', 'async ']
      : ['', 'throws', '']
    return `${indent}${await_}$assert.${fails}(${async}() => { ${code} }, (error) => error.message.includes(${text}))`
  }
  if (literal.test(comment) && !statement.test(code.trim())) {
    return `${indent}$assert.deepStrictEqual(${code}, ${comment})`
  }
  return line
}

/** Returns a program that fails if a claim does not hold. The numbers of its lines are the same plus 1. */
export function withAssertions(lines: string[]): string {
  return ["import $assert from 'node:assert/strict'; ", ...lines.map(withAssertion)].join('\n')
}
