// Makes each operation of a Root once, each in a tree of its own, and reports what it returned or threw,
// and how many descriptors are left.
import * as fs from 'node:fs'

import * as sync from 'fdkit'
import * as promises from 'fdkit/promises'

import { answer, args, countFds } from '../context.mjs'

const [top, kind] = args
const { closeSync } = fs
const { getuid = () => 0, getgid = () => 0 } = process

/** The operations by the names of their trees. */
const operations = {
  access: (root) => root.access('dir/file', fs.constants.R_OK),
  accessAny: (root) => root.access('dir/file'),
  appendFile: (root) => root.appendFile('dir/file', '+'),
  chmod: (root) => root.chmod('dir/file', 0o600),
  chown: (root) => root.chown('dir/file', getuid(), getgid()),
  exists: async (root) => {
    // It does not tell why not.
    if (!(await root.exists('dir/file'))) throw Object.assign(new Error(), { code: 'EIO' })
  },
  fd: (root) => root.fd > 2,
  fwalk: async (root) => {
    const paths = []
    const onerror = (error) => {
      throw error
    }
    for await (const [path, , names] of root.fwalk('dir', { onerror })) paths.push(path, ...names.toSorted())
    return paths.toSorted()
  },
  link: (root) => root.link('dir/file', 'dir/new'),
  lstat: async (root) => (await root.lstat('in')).isSymbolicLink(),
  mkdir: (root) => root.mkdir('dir/new'),
  mkdirAll: (root) => root.mkdir('dir/new/a/b', { recursive: true }),
  mkdtemp: async (root) => (await root.mkdtemp('dir/t-')).length,
  open: async (root) => closeSync(await root.open('dir/file')),
  openFile: async (root) => (await root.openFile('dir/new', 'w')).close(),
  openRoot: async (root) => (await root.openRoot('dir')).close(),
  readFile: (root) => root.readFile('dir/file', 'utf8'),
  readdir: (root) => root.readdir('dir'),
  readdirAll: async (root) => {
    const entries = await root.readdir('.', { recursive: true, withFileTypes: true })
    return entries.map((entry) => [entry.name, entry.isDirectory()])
  },
  readlink: (root) => root.readlink('in'),
  realpath: (root) => root.realpath('in/file'),
  rename: (root) => root.rename('dir/file', 'dir/new'),
  rm: (root) => root.rm('dir/file'),
  rmAll: (root) => root.rm('dir', { recursive: true }),
  rmdir: (root) => root.rmdir('dir/empty'),
  stat: async (root) => (await root.stat('dir/file')).size,
  statLink: async (root) => (await root.stat('in/file')).size,
  symlink: (root) => root.symlink('x', 'dir/new'),
  truncate: (root) => root.truncate('dir/file', 2),
  unlink: (root) => root.unlink('dir/file'),
  utimes: (root) => root.utimes('dir/file', 5, 5),
  writeFile: (root) => root.writeFile('dir/file', 'changed'),
  atomicNew: (root) => root.writeFile('dir/new', 'changed', { atomic: true, flush: true }),
  atomicOld: (root) => root.writeFile('dir/file', 'changed', { atomic: true, flush: true }),
  atomicOnly: (root) => root.writeFile('dir/new', 'changed', { atomic: true, flag: 'wx' }),
  atomicLink: (root) => root.writeFile('to', 'changed', { atomic: true }),
}

async function outcomeOf(name) {
  let root
  let value
  const errors = []
  try {
    root = kind === 'sync' ? sync.openRoot(`${top}/${name}`) : await promises.openRoot(`${top}/${name}`)
    value = await operations[name](root)
  } catch (error) {
    errors.push(error)
  }
  try {
    await root?.close()
  } catch (error) {
    errors.push(error)
  }
  if (errors.length === 0) return { value }
  const [{ code, syscall, message }] = errors
  return { code, syscall, message }
}

async function run(name) {
  const before = countFds()
  const outcome = await outcomeOf(name)
  return { ...outcome, left: countFds() - before }
}

if (top === undefined) answer(Object.keys(operations))
else {
  // The thread pool is started.
  await fs.promises.stat('/')
  const outcomes = {}
  for (const name of Object.keys(operations)) outcomes[name] = await run(name)
  answer(outcomes)
}
