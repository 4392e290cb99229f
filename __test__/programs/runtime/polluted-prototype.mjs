// Compares calls before and after properties are added to Object.prototype.
import * as fs from 'node:fs'

import * as fdkit from 'fdkit'

import { answer, args } from '../context.mjs'

process.chdir(args[0])
const dirFd = fs.openSync('other', 'r')
const cwd = fs.openSync('.', 'r')
const attempt = (call) => {
  try {
    const result = call()
    return typeof result === 'object' ? result.ino : (result ?? null)
  } catch (error) {
    return error.code
  }
}
const walk = (...args) =>
  [...fdkit.fwalk('.', ...args)].map(([path, dirs, files]) => [path, dirs.toSorted(), files.toSorted()])
const calls = () => [
  walk(),
  walk({}),
  walk({ topdown: false }),
  attempt(() => fdkit.stat('alias')),
  attempt(() => fdkit.stat('alias', { dirFd: cwd })),
  attempt(() => fdkit.lstat('alias')),
  attempt(() => fdkit.exists('file')),
  attempt(() => fdkit.canAccess('dir', 0, {})),
  attempt(() => fdkit.unlink('none')),
  attempt(() => fdkit.stat(/** @type {any} */ ({}))),
  attempt(() => fdkit.stat('.', { dirFd: /** @type {any} */ ({}) })),
  attempt(() => fdkit.replace('none', 'none2')),
  attempt(() => fdkit.readlink('alias')),
  attempt(() => String(fdkit.readlink(Buffer.from('alias')))),
  fdkit.listdir(Buffer.from('.')).map(String).sort(),
  [...fdkit.scandir('.')].map((entry) => entry.name).sort(),
  attempt(() => fdkit.utime('alias', {})),
  attempt(() => {
    const found = fdkit.stat('.')
    return found.atime instanceof Date
  }),
  attempt(() => fdkit.rmtree('none', {})),
]
const plain = calls()
const values = {
  dirFd,
  followSymlinks: 'x',
  syscall: 'x',
  errno: -1,
  code: 'X',
  topdown: 'x',
  onerror: 'x',
  maxOpen: 'x',
  bigint: 'x',
  srcDirFd: dirFd,
  dstDirFd: dirFd,
  flags: 'x',
  fd: dirFd,
  mode: 'x',
  resolve: 'x',
  effectiveIds: 'x',
  times: 'x',
  ns: 'x',
  ignoreErrors: 'x',
  signal: 'x',
  skipped: true,
  path: 'x',
  dir: 'x',
  destDir: 'x',
  href: 'file:///',
  protocol: 'file:',
  recursive: true,
  owner: 'x',
}
const differ = []
for (const [name, value] of Object.entries(values)) {
  for (const how of ['set', 'defined', 'getter']) {
    const descriptor = how === 'getter' ? { get: () => value, set: () => {} } : { value, writable: true }
    // oxlint-disable-next-line no-extend-native -- the subject of the test
    Object.defineProperty(Object.prototype, name, {
      // @ts-expect-error: not in the type
      __proto__: null,
      ...descriptor,
      enumerable: how === 'set',
      configurable: true,
    })
    // fdkit cannot protect the errors that Node creates.
    let found
    try {
      found = calls()
    } catch (error) {
      found = String(error.stack)
    }
    delete Object.prototype[name]
    if (JSON.stringify(found) !== JSON.stringify(plain)) {
      differ.push([
        name,
        how,
        found
          .map?.((each, index) => [index, each, plain[index]])
          .filter(([, a, b]) => JSON.stringify(a) !== JSON.stringify(b)) ?? found,
      ])
    }
  }
}
answer(differ)
