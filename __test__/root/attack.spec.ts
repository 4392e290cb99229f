// Several processes exchange directories and links, below and above a root, while others work in it:
// nothing outside is read, made, changed or removed. ROOT_ATTACK is the number of operations in each
// mode; by default, a few thousand.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { constants, setPriority } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import test, { type ExecutionContext } from 'ava'
import { rename, rmtree } from 'fdkit'

import { programPath } from '../helpers/child.js'
import { patience } from '../helpers/patience.js'
import { missing, noMountNumbers, notLinux, notRoot, unless } from '../helpers/platform.js'
import { modes } from '../helpers/root-modes.js'
import { startSwapper } from '../helpers/swapper.js'
import { link, makeTreeInMemory, writeTree, type Tree } from '../helpers/tree.js'

const OPERATIONS = Number(process.env['ROOT_ATTACK'] ?? 6_000)
// A machine with two busy processors makes some thousand operations a second.
const TIME = patience(300_000) + 10 * OPERATIONS

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

interface Report {
  done: number
  succeeded: number
  escapes: number
  secrets: number
}

async function work(shell: string, ...args: string[]): Promise<Report> {
  const child = spawn('bash', ['-c', `${shell}; exec "$@"`, 'bash', process.execPath, worker, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: TIME,
  })
  let printed = ''
  child.stdout.on('data', (data) => (printed += data))
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`the worker ended with ${code}`)
  return JSON.parse(printed) as Report
}

async function world(t: ExecutionContext) {
  const top = makeTreeInMemory(t, { outside: OUTSIDE, root: INSIDE, pit: { er: { est: {} } }, spare: {} })
  const [root, pit, spare] = [`${top}/root`, `${top}/pit`, `${top}/spare`]
  // Nothing outside is reached through a name that is swapped: the attack itself would carry it in.
  const pairs: [string, string][] = [
    [`${root}/a`, `${root}/out`],
    [`${root}/deep`, `${pit}/er`],
    [`${root}/a`, `${root}/deep`],
    [`${root}/link`, `${root}/out`],
  ]
  const before = describe(`${top}/outside`)
  const isIntact = () => describe(`${top}/outside`) === before
  return { top, root, pit, spare, pairs, isIntact }
}

type World = Awaited<ReturnType<typeof world>>

/**
 * Puts a new tree in the place of what the operations have left, name by name: they wear it out within
 * some hundred operations. The old files are moved out of the root while others may be working in them.
 */
function renew({ root, pit, spare }: World): void {
  for (const [directory, tree] of [
    [root, INSIDE],
    [pit, { er: { est: {} } }],
  ] as const) {
    for (const name of fs.readdirSync(directory)) {
      if (!(name in tree)) move(`${directory}/${name}`, `${spare}/old-${name}`, false)
    }
    writeTree(`${spare}/fresh`, tree)
    for (const name of Object.keys(tree)) {
      const [fresh, old] = [`${spare}/fresh/${name}`, `${directory}/${name}`]
      if (!move(fresh, old, true)) move(fresh, old, false)
    }
    rmtree(spare, { onerror() {} })
    fs.mkdirSync(spare, { recursive: true })
  }
}

// Another process may have moved it first.
function move(src: string, dst: string, exchange: boolean): boolean {
  try {
    rename(src, dst, { flags: exchange ? 2 : 0 })
    return true
  } catch {
    return false
  }
}

for (const { title, shell, missing: lacking } of modes) {
  unless(notLinux || missing('python3') || lacking, test.serial)(
    `nothing leads out while everything is swapped, ${title}`,
    async (t) => {
      t.timeout(TIME + patience(60_000))
      const scene = await world(t)
      const swappers = await Promise.all([
        startSwapper(t, scene.pairs),
        startSwapper(t, scene.pairs.toReversed()),
      ])
      // There are enough swaps if the operations have most of the processors.
      for (const { pid } of swappers) setPriority(pid, constants.priority.PRIORITY_LOW)
      const workers = Promise.all(
        ['sync', 'promises'].map((kind, index) =>
          work(shell, scene.root, kind, String(OPERATIONS >> 1), String(7919 + index)),
        ),
      )
      let [rounds, isIntact] = [0, true]
      let results: Report[] | undefined
      for (; results === undefined; rounds++) {
        isIntact &&= scene.isIntact()
        renew(scene)
        results = await Promise.race([workers, sleep(20, undefined)])
      }
      const swaps = swappers.reduce((sum, swapper) => sum + swapper.swaps(), 0)
      await Promise.all(swappers.map((swapper) => swapper.stop()))
      const total = (key: keyof Report) => results!.reduce((sum, result) => sum + result[key], 0)
      const [done, succeeded, escapes] = [total('done'), total('succeeded'), total('escapes')]
      t.log(`${done} operations: ${succeeded} succeeded, ${escapes} led out; ${swaps} swaps, ${rounds} trees`)
      t.true(isIntact && scene.isIntact())
      t.is(total('secrets'), 0)
      t.true(done >= OPERATIONS)
      t.true(succeeded > done / 20, `${succeeded} operations that succeed are not enough`)
      t.true(escapes > done / 20, `${escapes} paths that lead out are not enough`)
      t.true(swaps > done / 10, `${swaps} swaps are not enough`)
    },
  )
}

unless(notLinux || missing('python3') || missing('unshare') || notRoot || noMountNumbers, test.serial)(
  'nothing leads out through a mount that comes and goes, without crossDevice',
  async (t) => {
    t.timeout(TIME + patience(60_000))
    const scene = await world(t)
    fs.mkdirSync(`${scene.top}/root/mount`)
    fs.writeFileSync(`${scene.top}/count`, Buffer.alloc(8))
    const mounter = ['python3', programPath('mounter.py'), `${scene.top}/count`]
    const mounts = [`${scene.top}/outside`, `${scene.root}/mount`]
    // In a mount namespace of their own. The first program ends with the second.
    const command = [...mounter, ...mounts].map((word) => `'${word}'`).join(' ')
    const shell = `set -- unshare -m --propagation private sh -c '${command.replaceAll("'", `'\\''`)} & exec "$@"' sh "$@"`
    const { done, secrets } = await work(shell, scene.root, 'mounts', String(OPERATIONS), '5')
    const count = Number(fs.readFileSync(`${scene.top}/count`).readBigUInt64LE())
    t.log(`${done} operations, ${count} mounts`)
    t.true(count > done / 100, `${count} mounts are not enough`)
    t.is(secrets, 0)
    t.true(scene.isIntact())
  },
)

unless(notLinux || missing('python3'), test.serial)(
  'the control, which resolves by path, is led out',
  async (t) => {
    const { root, pairs } = await world(t)
    const swapper = await startSwapper(t, pairs)
    const { secrets, done } = await work(':', root, 'control', '1000000', '1')
    await swapper.stop()
    t.log(`after ${done} attempts`)
    t.is(secrets, 1, `${done} attempts`)
  },
)
