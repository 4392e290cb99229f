// Tests the examples in comments: each one runs as a program, and its claims hold. pages.spec.ts runs
// those of the pages.
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import test, { type ExecutionContext } from 'ava'
import * as fdkit from 'fdkit'

import { withAssertions } from '../helpers/claims.js'
import { patience } from '../helpers/patience.js'
import { notLinux, unless } from '../helpers/platform.js'
import { noSharing, sharingNode } from '../helpers/runtimes.js'
import { link, makeTree } from '../helpers/tree.js'
import { inTurn } from '../helpers/turns.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const register = import.meta.resolve('@oxc-node/core/register')

interface Example {
  where: string
  lines: string[]
}

/** Returns the ts blocks of comments in code. */
function examplesIn(file: string): Example[] {
  const found: Example[] = []
  let open: Example | undefined
  for (const [index, line] of readFileSync(`${root}/${file}`, 'utf8').split('\n').entries()) {
    const text = line.replace(/^\s*\* ?/, '')
    if (open === undefined && /^\s*```ts\b/.test(text)) {
      open = { where: `${file}:${index + 2}`, lines: [] }
    } else if (open && /^\s*```\s*$/.test(text)) {
      found.push(open)
      open = undefined
    } else {
      open?.lines.push(text)
    }
  }
  return found
}

const inDirectory = (directory: string, ending: string): string[] =>
  existsSync(`${root}/${directory}`)
    ? readdirSync(`${root}/${directory}`, { recursive: true })
        .map(String)
        .filter((name) => name.endsWith(ending))
        .map((name) => `${directory}/${name}`)
    : []

// The files that the examples use.
const world = {
  'package.json': '{ "type": "module" }',
  src: { 'index.ts': 'export {}\n', 'b.ts': '', lib: { 'deep.ts': '' }, CVS: { Entries: '' } },
  config: { 'app.json': '{}' },
  cache: { 'a.tmp': '', kept: '', sub: { 'b.tmp': '' } },
  // Contains a link to a directory, which a walk lists among the directories.
  build: { out: { 'main.js': '' }, 'index.js': '', latest: link('out') },
  current: link('src'),
  precious: '',
  node_modules: {},
}

async function run(t: ExecutionContext, lines: string[], node = process.execPath) {
  const cwd = makeTree(t, world)
  symlinkSync(root, `${cwd}/node_modules/fdkit`)
  // The compiled form of `using` imports a helper from it.
  symlinkSync(`${root}/node_modules/@oxc-node`, `${cwd}/node_modules/@oxc-node`)
  writeFileSync(`${cwd}/example.ts`, withAssertions(lines))
  const argv = ['--import', register, 'example.ts']
  return inTurn(() => promisify(execFile)(node, argv, { cwd, timeout: patience(30_000) }))
}

const sources = inDirectory('lib', '.ts').filter((name) => !name.endsWith('.d.ts'))
// The build rewrites the examples of `fdkit` for `fdkit/promises`.
const files = [...sources, 'promises.d.ts']
const examples = files.flatMap(examplesIn)

for (const { where, lines } of examples) {
  const has = (what: RegExp) => lines.some((line) => what.test(line))
  const needsLinux = has(/memfdCreate\(|Memfd\.|mmap\(|RESOLVE_|\/proc\//)
  // Examples that check for support first run everywhere.
  const needsSharing = has(/\bshare\(|\bmmapShared\(/) && !has(/supportsSharedMapping \?/)
  const reason = (needsLinux && notLinux) || (needsSharing && noSharing)
  unless(reason)(`the example at ${where} runs and its claims hold`, async (t) => {
    await t.notThrowsAsync(run(t, lines, needsSharing ? sharingNode : undefined), lines.join('\n'))
  })
}

test('every function has an example', (t) => {
  const comment =
    /\/\*\*((?:(?!\*\/)[^])*)\*\/\nexport (?:(?:async )?(?:function|class) (\w+)|const (\w+) = operation\()/g
  const text = sources.map((file) => readFileSync(`${root}/${file}`, 'utf8')).join('')
  const documented = Array.from(text.matchAll(comment))
  const having = new Set(
    documented
      .filter(([, doc]) => doc?.includes('@example'))
      .map(([, , name, operation]) => name ?? operation),
  )
  const functions = Object.entries(fdkit).filter(([, value]) => typeof value === 'function')
  t.deepEqual(
    functions.map(([name]) => name).filter((name) => !having.has(name)),
    [],
  )
})

test('a wrong claim in an example fails', async (t) => {
  const claims = [
    ["import { stat } from 'fdkit'", "stat('src').isDirectory() // false"],
    ["import { stat } from 'fdkit'", "stat('src') // throws: ENOENT"],
    ["import { stat } from 'fdkit'", "stat('none') // throws: EACCES"],
    ["import { stat } from 'fdkit'", "stat('none')"],
    ["import { listdir } from 'fdkit'", "listdir('config').join() // 'other.json'"],
    ["import { stat } from 'fdkit/promises'", "await stat('src') // throws: ENOENT"],
    ["import { stat } from 'fdkit/promises'", "(await stat('src')).isDirectory() // false"],
  ]
  for (const claim of claims) await t.throwsAsync(run(t, claim), { message: /Error/ }, claim.join())
  const held = [
    "import { stat } from 'fdkit'",
    "stat('src').isDirectory() // true",
    "stat('no') // throws: ENOENT",
  ]
  await t.notThrowsAsync(run(t, held))
})
