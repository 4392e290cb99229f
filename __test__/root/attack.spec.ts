// Several processes exchange directories and links, below and above a root, while others work in it:
// nothing outside is read, made, changed or removed. ROOT_ATTACK is the number of operations in each
// mode; by default, a few thousand.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { fileURLToPath } from 'node:url'

import test, { type ExecutionContext } from 'ava'

import { patience } from '../helpers/patience.js'
import { missing, notLinux, unless } from '../helpers/platform.js'
import { modes } from '../helpers/root-modes.js'
import { startSwapper } from '../helpers/swapper.js'
import { link, makeTreeInMemory, writeTree, type Tree } from '../helpers/tree.js'

const OPERATIONS = Number(process.env['ROOT_ATTACK'] ?? 6_000)
// The tree is worn out after a while, and is made anew.
const ROUND = 4_000

const worker = fileURLToPath(new URL('../helpers/root-attack.mjs', import.meta.url))

const INSIDE: Tree = {
  a: { b: { c: {}, file: 'public' }, file: 'public' },
  out: link('../outside'),
  deep: { er: { est: {} }, file: 'public' },
  link: link('a/b'),
}
const OUTSIDE: Tree = { file: 'secret', b: { file: 'secret', c: { file: 'secret' }, secret: '' } }

/** Describes everything outside, byte for byte, with the attributes that an operation could change. */
function describe(directory: string): string {
  const lines = fs.readdirSync(directory, { recursive: true, withFileTypes: true }).map((entry) => {
    const path = `${(entry as unknown as { parentPath?: string }).parentPath ?? entry.path}/${entry.name}`
    const { mode, nlink, uid, size, mtimeMs, ino } = fs.lstatSync(path)
    const data = entry.isFile() ? fs.readFileSync(path, 'hex') : ''
    return [path, mode, entry.isFile() && nlink, uid, size, mtimeMs, ino, data].join(' ')
  })
  return lines.toSorted().join('\n')
}

async function work(shell: string, ...args: string[]): Promise<{ done: number; secrets: number }> {
  const child = spawn('bash', ['-c', `${shell}; exec "$@"`, 'bash', process.execPath, worker, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: patience(300_000),
  })
  let printed = ''
  child.stdout.on('data', (data) => (printed += data))
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`the worker ended with ${code}`)
  return JSON.parse(printed) as { done: number; secrets: number }
}

async function world(t: ExecutionContext) {
  const top = makeTreeInMemory(t, { outside: OUTSIDE, pit: { er: { est: {} } } })
  const [root, pit] = [`${top}/root`, `${top}/pit`]
  const renew = () => {
    for (const [path, tree] of [
      [root, INSIDE],
      [pit, { er: { est: {} } }],
    ] as const) {
      fs.rmSync(path, { recursive: true, force: true })
      writeTree(path, tree)
    }
  }
  renew()
  // Nothing outside is reached through a name that is swapped: the attack itself would carry it in.
  const pairs: [string, string][] = [
    [`${root}/a`, `${root}/out`],
    [`${root}/deep`, `${pit}/er`],
    [`${root}/a`, `${root}/deep`],
    [`${root}/link`, `${root}/out`],
  ]
  return { top, root, renew, pairs }
}

for (const { title, shell, missing: lacking } of modes) {
  unless(notLinux || missing('python3') || lacking, test.serial)(
    `nothing leads out while everything is swapped, ${title}`,
    async (t) => {
      t.timeout(patience(600_000) + OPERATIONS)
      const { top, root, renew, pairs } = await world(t)
      const before = describe(`${top}/outside`)
      let [done, swaps, secrets] = [0, 0, 0]
      for (let round = 1; done < OPERATIONS; round++) {
        const each = String(Math.min(ROUND, OPERATIONS) >> 1)
        const swappers = await Promise.all([startSwapper(t, pairs), startSwapper(t, pairs.toReversed())])
        const results = await Promise.all(
          ['sync', 'promises'].map((kind, index) =>
            work(shell, root, kind, each, String(7919 * round + index)),
          ),
        )
        for (const swapper of swappers) {
          swaps += swapper.swaps()
          await swapper.stop()
        }
        for (const result of results) {
          done += result.done
          secrets += result.secrets
        }
        t.is(describe(`${top}/outside`), before)
        renew()
      }
      t.is(secrets, 0)
      t.true(swaps > done / 10, `${swaps} swaps are not enough`)
      t.log(`${done} operations, ${swaps} swaps`)
    },
  )
}

unless(notLinux || missing('python3'), test.serial)(
  'the control, which resolves by path, is led out',
  async (t) => {
    const { root, pairs } = await world(t)
    const swapper = await startSwapper(t, pairs)
    const { secrets, done } = await work(':', root, 'control', '1000000', '1')
    await swapper.stop()
    t.is(secrets, 1, `${done} attempts`)
  },
)
