// Tests code of the caller that runs in the middle of a call of a Root: getters and audit hooks that
// close the root, close its `fd`, or change what was passed; and workers that end.
import { once } from 'node:events'
import * as fs from 'node:fs'
import { Worker } from 'node:worker_threads'

import test from 'ava'
import * as fdkit from 'fdkit'
import * as promises from 'fdkit/promises'

import { thrown } from '../helpers/errors.js'
import { countFds } from '../helpers/fds.js'
import { notLinux, unless } from '../helpers/platform.js'
import { makeTree } from '../helpers/tree.js'

const alone = unless(notLinux, test.serial)

alone('a getter or a hook that closes the root ends the call with ERR_INVALID_STATE', async (t) => {
  const top = makeTree(t, { file: 'text' })
  const before = countFds()
  const closing = (root: fdkit.Root | promises.Root, value: unknown) => ({
    get encoding() {
      void root.close()
      return value as 'utf8'
    },
  })
  const root = fdkit.openRoot(top)
  t.is(thrown(() => root.readFile('file', closing(root, 'utf8'))).code, 'ERR_INVALID_STATE')
  const later = await promises.openRoot(top)
  await t.throwsAsync(later.readFile('file', closing(later, 'utf8')), { code: 'ERR_INVALID_STATE' })
  let target: fdkit.Root | undefined = fdkit.openRoot(top)
  fdkit.addAuditHook((event) => {
    if (event === 'os.remove') target?.close()
  })
  const own = target
  t.is(thrown(() => own.unlink('file')).code, 'ERR_INVALID_STATE')
  target = undefined
  t.true(fs.existsSync(`${top}/file`))
  t.is(countFds(), before)
})

alone('a hook gets fd, and closing that number leads the call nowhere else', (t) => {
  const top = makeTree(t, { inside: { file: '' }, outside: { file: 'kept' } })
  const root = fdkit.openRoot(`${top}/inside`)
  let other = -1
  fdkit.addAuditHook((event, args) => {
    if (event !== 'os.mkdir' || other !== -1) return
    fs.closeSync((args as readonly unknown[])[2] as number)
    other = fs.openSync(`${top}/outside`, 'r')
  })
  root.mkdir('made')
  t.is(other, root.fd)
  t.deepEqual(fs.readdirSync(`${top}/outside`), ['file'])
  t.true(fs.existsSync(`${top}/inside/made`))
  root.close()
})

alone('options on Object.prototype are ignored, and detached contents are refused', async (t) => {
  const top = makeTree(t, { file: 'text', dir: { kept: '' } })
  const root = fdkit.openRoot(top)
  const prototype = Object.prototype as Record<string, unknown>
  Object.assign(prototype, { recursive: true, force: true, encoding: 'hex', atomic: true, flag: 'a' })
  try {
    t.is(thrown(() => root.rm('dir', {})).code, 'ERR_FS_EISDIR')
    t.is(thrown(() => root.rm('none', {})).code, 'ENOENT')
    t.true(Buffer.isBuffer(root.readFile('file', {})))
    root.writeFile('file', 'old', 'utf8')
    t.is(root.readFile('file', 'utf8'), 'old')
    root.writeFile('file', 'new', {})
    root.mkdir('made', 0o700)
  } finally {
    for (const name of ['recursive', 'force', 'encoding', 'atomic', 'flag']) delete prototype[name]
  }
  t.is(fs.readFileSync(`${top}/file`, 'utf8'), 'new')
  const bytes = new Uint8Array(4)
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
  t.is(thrown(() => root.writeFile('file', bytes)).code, 'ERR_INVALID_ARG_VALUE')
  t.is(fs.readFileSync(`${top}/file`, 'utf8'), 'new')
  const later = await promises.openRoot(top)
  const moved = new Uint8Array(1000).fill(120)
  const pending = later.writeFile('file', moved)
  structuredClone(moved.buffer, { transfer: [moved.buffer] })
  await pending
  t.is(fs.readFileSync(`${top}/file`, 'utf8'), 'x'.repeat(1000))
  root.close()
  await later.close()
})

alone('a worker that ends closes its roots, also those that are being opened', async (t) => {
  const top = makeTree(t, { file: 'text' })
  const source = `
    const { parentPort } = require('node:worker_threads')
    const { openRoot } = require('fdkit/promises')
    const run = async () => {
      for (let i = 0; i < 50; i++) {
        const root = await openRoot(${JSON.stringify(top)})
        void root.fd
        void root.readFile('file')
        void root.rm('none', { recursive: true, force: true })
      }
    }
    for (let i = 0; i < 8; i++) run()
    setTimeout(() => parentPort.postMessage('busy'), 5)`
  const open = () =>
    fs.readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return fs.readlinkSync(`/proc/self/fd/${fd}`) === top
      } catch {
        return false
      }
    }).length
  for (let i = 0; i < 4; i++) {
    const worker = new Worker(source, { eval: true, execArgv: [] })
    await once(worker, 'message')
    await worker.terminate()
  }
  t.is(open(), 0)
})
