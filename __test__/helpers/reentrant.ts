// A program that calls every function with arguments that run user code at every point where fdkit
// allows it: getters and proxies while arguments are read, audit hooks and channels before the system
// call, onerror and abort listeners during it. That code calls back into fdkit, or closes a descriptor
// that the call is about to use and reuses its number. It prints the outcomes as lines of JSON. The
// current directory must be empty.
import { subscribe } from 'node:diagnostics_channel'
import * as fs from 'node:fs'

import * as fdkit from 'fdkit'
import * as promises from 'fdkit/promises'

import { settledFds } from '../programs/fds.mjs'

type AnyFunction = (...args: any[]) => any

const say = (line: object) => fs.writeSync(1, `${JSON.stringify(line)}\n`)

let depth = 0
let runs = 0

/** Runs the code of a callback, but not recursively. */
function during(act: () => void): void {
  if (depth > 0) return
  depth++
  runs++
  try {
    act()
  } finally {
    depth--
  }
}

const attempt = (call: () => unknown) => {
  try {
    const result = call()
    if (result instanceof Promise) result.catch(() => {})
    return result
  } catch {
    return undefined
  }
}

/** The environment of a call, which is created anew for each. */
interface World {
  dirFd: number
  memfd: fdkit.Memfd
  bytes: Buffer
  /** Descriptors that were opened in place of closed ones. */
  taken: number[]
  walk: fdkit.FwalkIterator | undefined
}

function makeWorld(): World {
  for (const top of ['world', 'decoy']) {
    // A promise of the last round may still remove files there. With `force`, Node.js 22 and later then stop in
    // silence and leave the rest.
    while (fs.existsSync(top)) fs.rmSync(top, { recursive: true, force: true })
  }
  for (const top of ['world', 'decoy']) {
    fs.mkdirSync(`${top}/dir/sub`, { recursive: true })
    fs.writeFileSync(`${top}/file`, 'text')
    fs.symlinkSync('file', `${top}/alias`)
  }
  const bytes = Buffer.from(new ArrayBuffer(4))
  bytes.write('file')
  return {
    dirFd: fs.openSync('world', 'r'),
    memfd: fdkit.Memfd.create('x', { size: 4096 }),
    bytes,
    taken: [],
    walk: undefined,
  }
}

function endWorld(world: World): void {
  for (const fd of [world.dirFd, ...world.taken]) {
    try {
      fs.closeSync(fd)
    } catch {}
  }
  attempt(() => world.walk?.return())
  attempt(() => world.memfd.close())
}

const acts: Record<string, (world: World) => void> = {
  'calls everything': ({ dirFd, memfd, walk }) => {
    attempt(() => fdkit.stat('file', { dirFd }))
    attempt(() => fdkit.listdir(dirFd))
    attempt(() => [...fdkit.scandir('dir', { dirFd })])
    attempt(() => [...fdkit.fwalk('.', { dirFd, topdown: false, onerror() {} })])
    attempt(() => fdkit.rmtree('dir', { dirFd }))
    attempt(() => fdkit.mkdir('dir', 0o777, { dirFd }))
    attempt(() => fdkit.rename('file', 'file', { srcDirFd: dirFd, dstDirFd: dirFd }))
    attempt(() => fdkit.utime('file', { dirFd, times: [1, 2] }))
    attempt(() => fdkit.munmap(memfd.map()))
    attempt(() => memfd.write('x'))
    attempt(() => walk?.next())
    attempt(() => promises.stat('file', { dirFd }))
    attempt(() => promises.rmtree('dir', { dirFd, onerror() {} }))
  },
  'closes the descriptor and reuses its number': (world) => {
    try {
      fs.closeSync(world.dirFd)
    } catch {}
    world.taken.push(fs.openSync('decoy', 'r'))
  },
  'closes the Memfd': ({ memfd }) => attempt(() => memfd.close()),
  'detaches the memory of the path': ({ bytes }) => {
    attempt(() => structuredClone(bytes.buffer, { transfer: [bytes.buffer as ArrayBuffer] }))
  },
  'ends the walk': ({ walk }) => {
    attempt(() => walk?.return())
    attempt(() => walk?.throw(new Error('ended')))
  },
  throws: () => {
    throw Object.assign(new Error('thrown on the occasion'), { code: 'THROWN' })
  },
}

let onOccasion: () => void = () => {}
fdkit.addAuditHook((event) => {
  if (event !== 'sys.addaudithook') onHook()
})
let onHook: () => void = () => {}
let onChannel: () => void = () => {}
for (const event of [
  'os.listdir',
  'os.remove',
  'os.rename',
  'os.mkdir',
  'os.fwalk',
  'shutil.rmtree',
  'fdkit.diskUsage',
  'open',
  'mmap.__new__',
]) {
  subscribe(event, () => onChannel())
}

/** Returns an object whose properties run the code of the test when they are read. */
const getters = (values: object): never =>
  Object.defineProperties(
    {},
    Object.fromEntries(
      Object.entries(values).map(([name, value]) => [
        name,
        {
          enumerable: true,
          get() {
            onOccasion()
            return value
          },
        },
      ]),
    ),
  ) as never

/** Returns a Proxy that runs the code of the test in every trap. */
const proxy = (values: object): never =>
  new Proxy(
    values,
    Object.fromEntries(
      (['get', 'has', 'ownKeys', 'getOwnPropertyDescriptor', 'getPrototypeOf'] as const).map((trap) => [
        trap,
        (...args: unknown[]) => {
          onOccasion()
          return (Reflect[trap] as AnyFunction)(...args)
        },
      ]),
    ),
  ) as never

const wrappers = { getters, proxy, plain: (values: object) => values as never }
type Wrap = (values: object) => never

const calls: Record<string, (api: typeof fdkit, world: World, wrap: Wrap) => unknown> = {
  access: (api, { dirFd, bytes }, wrap) => api.access(bytes, 0, wrap({ dirFd, followSymlinks: true })),
  canAccess: (api, { dirFd, bytes }, wrap) => api.canAccess(bytes, 0, wrap({ dirFd, effectiveIds: true })),
  chmod: (api, { dirFd, bytes }, wrap) => api.chmod(bytes, 0o600, wrap({ dirFd, followSymlinks: true })),
  chown: (api, { dirFd, bytes }, wrap) => api.chown(bytes, -1, -1, wrap({ dirFd, followSymlinks: true })),
  diskUsage: (api, { dirFd, bytes }, wrap) =>
    api.diskUsage(bytes, wrap({ dirFd, oneFileSystem: true, largest: 2, onerror: () => onOccasion() })),
  'diskUsage of a directory': (api, { dirFd }, wrap) =>
    api.diskUsage('.', wrap({ dirFd, onerror: () => onOccasion() })),
  exists: (api, { dirFd, bytes }, wrap) => api.exists(bytes, wrap({ dirFd: wrap({ fd: dirFd }) })),
  fwalk: async (api, world, wrap) => {
    const onerror = () => onOccasion()
    const { signal } = new AbortController()
    signal.addEventListener('abort', () => onOccasion())
    const more = (api as unknown) === promises ? { signal } : {}
    const walk = api.fwalk('.', wrap({ dirFd: world.dirFd, onerror, maxOpen: 4, stats: true, ...more }))
    world.walk = walk
    for await (const [, dirs] of walk) {
      if (dirs.includes('none')) break
      dirs.push('none', 'file')
      onOccasion()
    }
  },
  link: (api, { dirFd, bytes }, wrap) =>
    api.link(bytes, 'linked', wrap({ srcDirFd: dirFd, dstDirFd: dirFd })),
  listdir: (api, { dirFd }, wrap) => api.listdir('.', wrap({ dirFd: wrap({ fd: dirFd }) })),
  'listdir of an fd': (api, { dirFd }, wrap) => api.listdir(wrap({ fd: dirFd })),
  lstat: (api, { dirFd, bytes }, wrap) => api.lstat(bytes, wrap({ dirFd, bigint: true })),
  mkdir: (api, { dirFd }, wrap) => api.mkdir('made', 0o777, wrap({ dirFd })),
  mkfifo: (api, { dirFd }, wrap) => api.mkfifo('made', 0o666, wrap({ dirFd })),
  mknod: (api, { dirFd }, wrap) => api.mknod('made', 0o600, 0, wrap({ dirFd })),
  open: async (api, { dirFd, bytes }, wrap) =>
    fs.closeSync(await api.open(bytes, 'r', wrap({ dirFd, mode: 0o600 }))),
  readlink: (api, { dirFd }, wrap) => api.readlink('alias', wrap({ dirFd })),
  rename: (api, { dirFd, bytes }, wrap) =>
    api.rename(bytes, 'renamed', wrap({ srcDirFd: dirFd, dstDirFd: dirFd, flags: 0 })),
  replace: (api, { dirFd, bytes }, wrap) =>
    api.replace(bytes, 'renamed', wrap({ srcDirFd: dirFd, dstDirFd: dirFd })),
  rmdir: (api, { dirFd }, wrap) => api.rmdir('dir/sub', wrap({ dirFd })),
  rmtree: (api, { dirFd }, wrap) => {
    const onerror = () => onOccasion()
    return api.rmtree('dir', wrap({ dirFd, onerror, ignoreErrors: false }))
  },
  'rmtree of nothing': (api, { dirFd }, wrap) =>
    api.rmtree('none', wrap({ dirFd, onerror: () => onOccasion() })),
  scandir: async (api, { dirFd, bytes }, wrap) => {
    for (const entry of await api.scandir('.', wrap({ dirFd }))) {
      attempt(() => entry.stat(wrap({ bigint: true, followSymlinks: true })))
      attempt(() => entry.isFile(wrap({ followSymlinks: true })))
    }
    void bytes
  },
  stat: (api, { dirFd, bytes }, wrap) =>
    api.stat(bytes, wrap({ dirFd, bigint: false, followSymlinks: true })),
  statAll: (api, { dirFd, bytes }, wrap) =>
    api.statAll([bytes, 'none'], wrap({ dirFd, bigint: false, followSymlinks: true })),
  'stat of a URL': (api, _, wrap) => api.stat(wrap({ href: 'file:///', protocol: 'file:' })),
  statvfs: (api, { dirFd, bytes }, wrap) => api.statvfs(bytes, wrap({ dirFd, bigint: true })),
  symlink: (api, { dirFd }, wrap) => api.symlink('x', 'made', wrap({ dirFd })),
  unlink: (api, { dirFd, bytes }, wrap) => api.unlink(bytes, wrap({ dirFd })),
  utime: (api, { dirFd, bytes }, wrap) =>
    api.utime(bytes, wrap({ dirFd, times: Object.assign([1, 2], wrap({})) })),
}
const memoryCalls: Record<string, (world: World, wrap: Wrap) => unknown> = {
  'Memfd.create': (_, wrap) =>
    fdkit.Memfd.create('x', wrap({ size: 8, contents: new Uint8Array(8), sealing: true })).close(),
  'Memfd#map': ({ memfd }, wrap) => memfd.map(wrap({ offset: 0, length: 8, writable: true })),
  'Memfd#share': ({ memfd }, wrap) => memfd.share(wrap({ offset: 0, length: 8 })),
  mmap: ({ memfd }, wrap) => fdkit.mmap(wrap({ fd: memfd.fd }), wrap({ offset: 0, length: 8 })),
  dup: ({ memfd }, wrap) => fs.closeSync(fdkit.dup(wrap({ fd: memfd.fd }))),
  getInheritable: ({ memfd }, wrap) => fdkit.getInheritable(wrap({ fd: memfd.fd })),
  setInheritable: ({ memfd }, wrap) => fdkit.setInheritable(wrap({ fd: memfd.fd }), false),
  getSeals: ({ memfd }, wrap) => fdkit.getSeals(wrap({ fd: memfd.fd })),
  addSeals: ({ memfd }, wrap) => fdkit.addSeals(wrap({ fd: memfd.fd }), 0),
  futexWaitAsync: ({ memfd }, wrap) =>
    promises.futexWaitAsync(
      new Int32Array(memfd.map()),
      0,
      0,
      wrap({ timeout: 1, signal: new AbortController().signal }),
    ),
  createMemfd: (_, wrap) =>
    promises
      .createMemfd('x', wrap({ contents: ['x'], signal: new AbortController().signal }))
      .then((made) => made.close()),
}

// A call may succeed, fail in a system call, or throw an error of fdkit.
const codes =
  /^(E[A-Z0-9]+|ERR_INVALID_ARG_VALUE|ERR_INVALID_ARG_TYPE|ERR_OUT_OF_RANGE|ERR_INVALID_STATE|ABORT_ERR|THROWN)$/
const inWords = /already running/

async function tryOne(name: string, call: (world: World, wrap: Wrap) => unknown): Promise<void> {
  for (const [what, act] of Object.entries(acts)) {
    if (what === 'ends the walk' && !name.includes('fwalk')) continue
    for (const [how, wrap] of Object.entries(wrappers)) {
      for (const when of how === 'plain' ? ['hook', 'channel', 'callback'] : ['reading']) {
        const where = `${name}: ${when}, ${how}: ${what}`
        say({ trying: where })
        const world = makeWorld()
        const occasion = () => during(() => act(world))
        if (when === 'hook') onHook = occasion
        else if (when === 'channel') onChannel = what === 'throws' ? () => {} : occasion
        else onOccasion = occasion
        try {
          await call(world, wrap)
        } catch (error) {
          const { code = '', message } = error as NodeJS.ErrnoException
          if (!codes.test(code) && !inWords.test(message))
            say({ complaint: `${where}: ${String((error as Error).stack)}` })
        } finally {
          onOccasion = onHook = onChannel = () => {}
        }
        endWorld(world)
      }
    }
  }
}

export const names = [...Object.keys(calls), ...Object.keys(memoryCalls)]

if (process.argv[1]?.endsWith('reentrant.ts')) {
  // The first promise starts the thread pool, which opens descriptors.
  await promises.stat('.')
  const before = await settledFds()
  for (const [name, call] of Object.entries(calls)) {
    await tryOne(name, (world, wrap) => call(fdkit, world, wrap))
    await tryOne(`promises ${name}`, (world, wrap) => call(promises as never, world, wrap))
  }
  for (const [name, call] of Object.entries(memoryCalls)) await tryOne(name, call)
  // Leaves time for calls that were not awaited.
  await new Promise((resolve) => setTimeout(resolve, 200))
  const after = await settledFds()
  if (after > before) say({ complaint: `${after - before} descriptors are left` })
  say({ done: runs })
}
