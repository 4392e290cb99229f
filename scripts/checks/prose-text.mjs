// Extracts the prose of a file (paragraphs of Markdown, comments, titles of tests) and splits it
// into sentences.

const comment = { ts: /^\s*(?:\/\/|\/?\*\*?(?!\/)) ?/, rs: /^\s*\/\/[/!]? ?/, hash: /^\s*# ?/ }
const kinds = { ts: 'ts', mjs: 'ts', rs: 'rs', py: 'hash', toml: 'hash', yml: 'hash', yaml: 'hash' }

/** Returns the lines of prose as `[number, text]`, with an empty line between two paragraphs. */
function proseLines(path, text) {
  const extension = path.split('.').at(-1)
  const marker = comment[kinds[extension]]
  let isInFence = false
  return text.split('\n').map((line, index) => {
    const number = index + 1
    const isProse = marker === undefined || marker.test(line)
    if (!isProse) return [number, '']
    const stripped = marker === undefined ? line : line.replace(marker, '').replace(/\*\/\s*$/, '')
    if (/^\s*(?:```|~~~)/.test(stripped)) {
      isInFence = !isInFence
      return [number, '']
    }
    if (isInFence || /^ {4}|^\s*\||^#|^<|^@(?:see|example)\b/.test(stripped)) return [number, '']
    // Each item of a list and each tag starts a new paragraph.
    const item = /^\s*(?:[-*]|\d+\.)\s+|^@\w+(?:\s+`?\w+`?(?= [a-z]))?\s*/.exec(stripped)?.[0] ?? ''
    return [number, stripped.slice(item.length).trim(), item !== '']
  })
}

function titles(path, text) {
  if (!path.endsWith('.spec.ts')) return []
  const found = text.matchAll(/^\s*[\w.(), !|&'-]*\((['`])(.+?)\1, (?:async )?\(t\)/gm)
  return Array.from(found, (match) => ({
    line: text.slice(0, match.index).split('\n').length,
    sentence: match[2].replace(/^\w/, (letter) => letter.toUpperCase()),
  }))
}

/** Returns the sentences of a file, with the line on which each begins. */
export function sentencesIn(path, text) {
  const lines = proseLines(path, text)
  const ignored = new Set(
    text.split('\n').flatMap((line, index) => (/prose-ignore/.test(line) ? [index + 2] : [])),
  )
  const found = []
  let paragraph = []
  const flush = () => {
    let offset = 0
    const starts = paragraph.map(([number, part]) => {
      const start = offset
      offset += part.length + 1
      return [start, number]
    })
    const whole = paragraph.map(([, part]) => part).join(' ')
    for (const match of whole.matchAll(/\S[^]*?(?:[.?!:](?=\s+[A-Z`"({[])|$)/g)) {
      const line = starts.findLast(([start]) => start <= match.index)[1]
      found.push({ line, sentence: match[0].trim() })
    }
    paragraph = []
  }
  for (const [number, part, isItem] of lines) {
    if (part === '' || isItem) flush()
    if (part !== '') paragraph.push([number, part])
  }
  flush()
  return [...found, ...titles(path, text)].filter(({ line }) => !ignored.has(line))
}
