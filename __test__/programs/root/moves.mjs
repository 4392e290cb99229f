// The tests of Go's os.Root that have no table: directories that are renamed while a Root is open, roots
// that are closed while calls are pending, and names that stand for the root itself.
import * as fs from 'node:fs'
import { once } from 'node:events'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

import * as sync from 'fdkit'
import * as promises from 'fdkit/promises'

import { answer, args } from '../context.mjs'

const [top] = args

async function codeOf(run) {
  try {
    return JSON.stringify(await run()) ?? 'done'
  } catch ({ code }) {
    return code
  }
}

const tests = {
  /** RenameAfterOpen. */
  async renameAfterOpen(open, place) {
    fs.mkdirSync(`${place}/a/sub`, { recursive: true })
    fs.mkdirSync(`${place}/b`)
    const root = await open(`${place}/a`)
    fs.renameSync(`${place}/a`, `${place}/b/c`)
    // Another directory gets the old name.
    fs.mkdirSync(`${place}/a`)
    await root.writeFile('file', 'contents')
    await root.mkdir('sub/new')
    const found = [
      fs.readFileSync(`${place}/b/c/file`, 'utf8'),
      await root.readdir('.'),
      fs.existsSync(`${place}/b/c/sub/new`),
      fs.readdirSync(`${place}/a`),
      await codeOf(() => root.stat('../..')),
    ]
    await root.close()
    return found
  },

  /** SymlinkToRoot. */
  async symlinkToRoot(open, place) {
    fs.mkdirSync(`${place}/d`)
    fs.symlinkSync('..', `${place}/d/d`)
    const root = await open(place)
    const inner = await root.openRoot('d/d')
    const found = [
      await root.readdir('d/d'),
      await inner.readdir('.'),
      await root.realpath('d/d'),
      await codeOf(() => root.readdir('d/d/..')),
      await codeOf(() => root.rm('d/d/d', { recursive: true })),
    ]
    await root.close()
    await inner.close()
    return [...found, fs.readdirSync(place)]
  },

  /** RemoveDot. */
  async removeDot(open, place) {
    fs.mkdirSync(`${place}/dir`)
    const root = await open(place)
    const found = []
    for (const path of ['.', './', 'dir/..', 'dir/../', 'dir/.']) {
      for (const call of ['unlink', 'rmdir']) found.push(await codeOf(() => root[call](path)))
      found.push(await codeOf(() => root.rm(path, { recursive: true, force: true })))
      found.push(await codeOf(() => root.rename(path, 'new')))
    }
    await root.close()
    const refused = found.filter((code) => /^E(INVAL|BUSY|ISDIR|NOTEMPTY|EXIST|PERM)$/.test(code)).length
    return [refused === found.length || found, fs.readdirSync(place)]
  },

  /** OpenFileAsRoot. */
  async openFileAsRoot(open, place) {
    fs.writeFileSync(`${place}/file`, '')
    fs.symlinkSync('file', `${place}/link`)
    const root = await open(place)
    const codes = []
    for (const path of ['file', 'link', 'file/']) codes.push(await codeOf(() => root.openRoot(path)))
    codes.push(await codeOf(() => open(`${place}/file`)), await codeOf(() => open(`${place}/link`)))
    await root.close()
    return codes
  },

  /** NonPermissionMode: bits of a mode that are no permissions. */
  async nonPermissionMode(open, place) {
    const root = await open(place)
    const type = fs.constants.S_IFIFO
    await root.writeFile('file', 'x', { mode: type | 0o600 })
    await root.mkdir('dir', type | 0o700)
    const types = [(await root.stat('file')).isFile(), (await root.stat('dir')).isDirectory()]
    await root.close()
    return types
  },

  /** UseAfterClose and ConcurrentClose. */
  async close(open, place) {
    fs.writeFileSync(`${place}/file`, 'contents')
    const found = new Set()
    for (let round = 0; round < 20; round++) {
      const root = await open(place)
      const calls = Array.from({ length: 16 }, () => codeOf(() => root.readFile('file', 'utf8')))
      calls.push(
        codeOf(() => root.close()),
        codeOf(() => root.close()),
      )
      calls.push(
        codeOf(() => root.readFile('file', 'utf8')),
        codeOf(() => root.openRoot('.')),
      )
      for (const outcome of await Promise.all(calls)) found.add(outcome)
    }
    return [...found].toSorted()
  },

  /** RaceRenameDir: `..` in a path whose directory is moved away while it is resolved. */
  async raceRenameDir(open, place) {
    const DEPTH = 60
    const deep = Array(DEPTH).fill('a').join('/')
    fs.mkdirSync(`${place}/base/${deep}`, { recursive: true })
    fs.writeFileSync(`${place}/base/f`, 'secret')
    fs.writeFileSync(`${place}/base/a/f`, 'public')
    const root = await open(`${place}/base/a`)
    const stop = new Int32Array(new SharedArrayBuffer(4))
    const mover = new Worker(new URL(import.meta.url), {
      argv: process.argv.slice(2),
      workerData: { stop, base: `${place}/base` },
    })
    await once(mover, 'message')
    // Into a/a/…, and back up to where `f` is.
    const path = `${Array(DEPTH - 1)
      .fill('a')
      .join('/')}/${Array(DEPTH - 1)
      .fill('..')
      .join('/')}/f`
    const found = { public: 0, failed: 0, secret: 0 }
    for (let round = 0; round < 2_000; round++) {
      const outcome = await codeOf(() => root.readFile(path, 'utf8'))
      found[outcome === '"public"' ? 'public' : outcome === '"secret"' ? 'secret' : 'failed']++
    }
    Atomics.store(stop, 0, 1)
    const [moves] = await Promise.all([once(mover, 'message'), once(mover, 'exit')])
    await root.close()
    return [found.secret, found.public > 0, moves[0] > 100]
  },
}

if (isMainThread) {
  const found = {}
  for (const [kind, open] of Object.entries({ sync: sync.openRoot, promises: promises.openRoot })) {
    for (const [name, run] of Object.entries(tests)) {
      const place = `${top}/${kind}-${name}`
      fs.mkdirSync(place)
      found[`${kind} ${name}`] = await run(open, place)
    }
  }
  answer(found)
} else {
  /** @type {{ stop: Int32Array, base: string }} */
  const { stop, base } = workerData
  parentPort?.postMessage('ready')
  let moves = 0
  // A naive resolution that stands in a/a when it is moved goes up to `base`.
  for (; Atomics.load(stop, 0) === 0; moves++) {
    fs.renameSync(`${base}/a/a`, `${base}/b`)
    fs.renameSync(`${base}/b`, `${base}/a/a`)
  }
  parentPort?.postMessage(moves)
}
