// The rules for prose of CONTRIBUTING.md that a machine can check, in Markdown, comments and titles of
// tests. Prints each violation as FILE:LINE: RULE. `// prose-ignore` on the line before allows one.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

import { sentencesIn } from './prose-text.mjs'

/** What a sentence must not match, and what to do about it. */
const rules = [
  [
    /^(?:Who|What|Whose|Whoever|Whatever)\b[^?]*$/,
    'a sentence that opens with "Who" or "What" is a question, or needs a subject',
  ],
  [
    /^(?:Of|That of|Those of|That which|As) (?:a|an|the|what|which|each|this|these)\b[^,]*\.$/,
    'a fragment without a verb: give it a subject',
  ],
  [/^As (?:\{@link|`)/, 'say what it does, not only what it is like: "Like …, but …"'],
  [/\b(?:is|are|as is|as was) said\b/i, 'name who says it, or leave it out'],
  [
    /\bwhere (?:it|that|this|there|none|one|neither) (?:is|are|was|does|has|can|cannot|fails)\b/i,
    'use "if" or "when" for a condition',
  ],
  [/\bmeanwhile[.:;]/i, 'say during what: "while the walk runs"'],
  [
    /\bfor (?:him|those) who\b|\bwho(?:m|ever) it (?:may )?concern/i,
    'name the caller, the thread or the process',
  ],
  [
    /\b(?:perhaps|to be sure|so to speak|as it were|of course|obviously)\b/i,
    'leave it out, or give the condition',
  ],
  [
    /\bevery now and then|\bnow and then\b|\bin due time\b|\bin time\b(?! for)/i,
    'give the time or the condition',
  ],
  [/\b(?:heretofore|thereof|therein|whereof|wherein|therefrom|thereby|hereby|albeit)\b/i, 'use plain words'],
  [/\bmust needs\b|\bone likes\b|\bas one (?:likes|wants)\b/i, 'use plain words'],
]

/** The violations of a text: `[line, message, sentence]`. */
export function check(path, text) {
  return sentencesIn(path, text).flatMap(({ line, sentence }) =>
    rules.filter(([pattern]) => pattern.test(sentence)).map(([, message]) => [line, message, sentence]),
  )
}

const generated = /^(?:index|promises)\.d\.ts$|^lib\/runtime\/binding\.d\.ts$|^LICENSE$|-lock\.json$/
// These pages quote what they forbid.
const quoting = /^CONTRIBUTING\.md$|^scripts\/checks\/prose/

function main() {
  const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    encoding: 'utf8',
  })
  const given = process.argv.slice(2)
  const files =
    given.length > 0
      ? given
      : tracked.split('\n').filter((path) => /\.(?:md|ts|mjs|rs|ya?ml|toml|py)$/.test(path))
  let count = 0
  for (const path of files) {
    if (generated.test(path) || quoting.test(path)) continue
    for (const [line, message, sentence] of check(path, readFileSync(path, 'utf8'))) {
      console.log(`${path}:${line}: ${message}\n    ${sentence.slice(0, 100)}`)
      count++
    }
  }
  if (count > 0) console.log(`\nprose: ${count} sentences to rewrite`)
  process.exitCode = count > 0 ? 1 : 0
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main()
