// Valid arguments for every exported function, and the names of all its options. This is the only list
// of them. It is JavaScript, and needs no addon, because programs without either use it.

// The paths of a Root start from it.
const goodArgumentsOfRoot = {
  'Root#access': () => ['.', 0],
  'Root#appendFile': () => ['file', 'x', { encoding: 'utf8', mode: 0o600, flag: 'a', flush: false }],
  'Root#chmod': () => ['.', 0o700],
  'Root#chown': () => ['.', -1, -1],
  'Root#exists': () => ['.'],
  'Root#fwalk': () => ['.', { topdown: true, onerror() {}, maxOpen: 4, exact: true, threads: 1 }],
  'Root#link': () => ['file', 'linked'],
  'Root#lstat': () => ['.', { bigint: false, throwIfNoEntry: true }],
  'Root#mkdir': () => ['dir', { recursive: false, mode: 0o700 }],
  'Root#mkdtemp': () => ['tmp-', { encoding: 'utf8' }],
  'Root#open': () => ['file', 'w', { mode: 0o600 }],
  'Root#openFile': () => ['file', 'w', { mode: 0o600 }],
  'Root#openRoot': () => ['.'],
  'Root#readFile': () => ['file', { encoding: 'utf8', flag: 'r' }],
  'Root#readdir': () => ['.', { encoding: 'utf8', withFileTypes: false, recursive: false }],
  'Root#readlink': () => ['link', { encoding: 'utf8' }],
  'Root#realpath': () => ['.', { encoding: 'utf8' }],
  'Root#rename': () => ['file', 'renamed', { noReplace: false, exchange: false }],
  'Root#rm': () => ['dir', { recursive: false, force: false }],
  'Root#rmdir': () => ['dir'],
  'Root#stat': () => ['.', { bigint: false, throwIfNoEntry: true }],
  'Root#symlink': () => ['file', 'link'],
  'Root#truncate': () => ['file', 0],
  'Root#unlink': () => ['renamed'],
  'Root#utimes': () => ['.', 0, 0],
  'Root#writeFile': () => [
    'file',
    'x',
    { encoding: 'utf8', mode: 0o600, flag: 'w', flush: false, atomic: false },
  ],
}

/**
 * Returns the arguments of every function by its name; `Class.name` is a static method, and
 * `Class#name` a method. An object at the end has all options. The `world` has the values that depend
 * on the test:
 *
 * - `at(name)` returns a path for a name
 * - `directory` is the descriptor of a directory
 * - `memfd()` and `page()` return descriptors of memory files that are empty and have 4096 bytes
 * - `mapping()` returns a mapped buffer
 * - `words` is an Int32Array over memory for futexes
 * - `socket()` returns the descriptor of a socket on which no call waits
 * - `pidfd` is the descriptor of a process
 */
export function goodArguments({ at, directory, memfd, page, mapping, words, socket, pidfd }) {
  const dirFd = directory
  const ends = { srcDirFd: directory, dstDirFd: directory }
  const access = { dirFd, followSymlinks: true, effectiveIds: false }
  const walk = {
    topdown: true,
    onerror() {},
    followSymlinks: false,
    dirFd,
    maxOpen: 4,
    exact: true,
    threads: 1,
    stats: true,
    bigint: true,
  }
  const file = {
    size: 4096,
    contents: 'x',
    sealing: true,
    exec: false,
    hugePageSize: undefined,
    inheritable: false,
  }
  const share = { offset: 0, length: 100, allowShrink: false, populate: false }
  const map = { ...share, writable: true }
  return {
    ...goodArgumentsOfRoot,
    access: () => [at('.'), 0, access],
    addAuditHook: () => [() => {}],
    addSeals: () => [memfd(), 0],
    canAccess: () => [at('.'), 0, access],
    chmod: () => [at('.'), 0o700, { dirFd, followSymlinks: true }],
    chown: () => [at('.'), -1, -1, { dirFd, followSymlinks: true }],
    copyFrom: () => [words, 0, 4],
    diskUsage: () => [
      at('.'),
      { dirFd, threads: 1, oneFileSystem: true, largest: 2, onerror() {}, onprogress() {} },
    ],
    dup: () => [directory],
    exists: () => [at('.'), { dirFd, followSymlinks: true }],
    futexWait: () => [words, 0, 1, 5],
    futexWake: () => [words, 0, 1],
    fwalk: () => [at('.'), walk],
    getInheritable: () => [directory],
    getSeals: () => [memfd()],
    getpagesize: () => [],
    hugePageSizes: () => [],
    link: () => [at('file'), at('linked'), { ...ends, followSymlinks: false }],
    listdir: () => [at('.'), { dirFd }],
    lstat: () => [at('.'), { dirFd, bigint: false }],
    'Memfd.create': () => ['name', file],
    'Memfd.from': () => [memfd()],
    'Memfd#blob': () => [{ type: 'text/plain' }],
    'Memfd#map': () => [map],
    'Memfd#read': () => [Buffer.alloc(100), 0],
    'Memfd#seal': () => ['grow', 'shrink'],
    'Memfd#share': () => [share],
    'Memfd#stream': () => [],
    'Memfd#truncate': () => [8192],
    'Memfd#unmap': () => [new ArrayBuffer(8)],
    'Memfd#write': () => ['x', 0],
    memfdCreate: () => ['name', 1],
    mkdir: () => [at('dir'), 0o700, { dirFd }],
    mkfifo: () => [at('fifo'), 0o600, { dirFd }],
    mknod: () => [at('node'), 0o600, 0, { dirFd }],
    mmap: () => [page(), map],
    mmapShared: () => [page(), share],
    munmap: () => [mapping()],
    open: () => [at('file'), 'w', { mode: 0o600, resolve: 0, dirFd }],
    openRoot: () => [at('.'), { symlinks: 'beneath', crossDevice: true }],
    pidfdGetfd: () => [pidfd, directory],
    pidfdOpen: () => [globalThis.process.pid],
    readlink: () => [at('link'), { dirFd }],
    recvFds: () => [socket(), 10, 1, { flags: 0 }],
    rename: () => [at('file'), at('renamed'), { ...ends, flags: 0 }],
    replace: () => [at('renamed'), at('file'), ends],
    rmdir: () => [at('dir'), { dirFd }],
    rmtree: () => [at('dir'), { ignoreErrors: false, onerror() {}, threads: 1, dirFd }],
    scandir: () => [at('.'), { dirFd }],
    sendFds: () => [socket(), 'x', [directory], { flags: 0 }],
    setInheritable: () => [directory, false],
    socketpair: () => ['stream'],
    stat: () => [at('.'), { dirFd, bigint: false, followSymlinks: true }],
    statAll: () => [[at('.'), at('none')], { dirFd, bigint: false, followSymlinks: true }],
    statvfs: () => [at('.'), { dirFd, bigint: false }],
    symlink: () => ['file', at('link'), { dirFd }],
    unlink: () => [at('file'), { dirFd }],
    utime: () => [at('.'), { times: [0, 0], ns: undefined, dirFd, followSymlinks: true }],
  }
}

/** Returns the same for the functions that only `fdkit/promises` has, or that take more options there. */
export function goodArgumentsOfPromises(world) {
  const { 'Memfd.create': create, diskUsage, fwalk, rmtree } = goodArguments(world)
  const { signal } = new AbortController()
  const dirFd = world.directory
  const withSignal = (args) => [...args.slice(0, -1), { ...args.at(-1), signal }]
  return {
    ...goodArgumentsOfRoot,
    'Root#fwalk': () => withSignal(goodArgumentsOfRoot['Root#fwalk']()),
    'Root#lstat': () => ['.', { bigint: false }],
    'Root#stat': () => ['.', { bigint: false }],
    createMemfd: () => withSignal(create()),
    diskUsage: () => withSignal(diskUsage()),
    futexWaitAsync: () => [world.words, 0, 1, { timeout: 5, signal }],
    'FdListener#accept': () => [{ signal }],
    'FdListener#ref': () => [],
    'FdListener#unref': () => [],
    'FdSocket.bind': () => [world.at('socket'), { mode: 0o600, dirFd }],
    'FdSocket.connect': () => [world.at('socket'), { type: 'stream', dirFd, signal }],
    'FdSocket.from': () => [world.socket()],
    'FdSocket.listen': () => [world.at('socket'), { type: 'stream', mode: 0o600, backlog: 1, dirFd }],
    'FdSocket.pair': () => ['stream'],
    'FdSocket#pidfd': () => [],
    'FdSocket#receive': () => [{ signal }],
    'FdSocket#ref': () => [],
    'FdSocket#send': () => ['x', [dirFd]],
    'FdSocket#toDuplex': () => [],
    'FdSocket#unref': () => [],
    fwalk: () => withSignal(fwalk()),
    rmtree: () => withSignal(rmtree()),
  }
}

/** Returns the options at the end of the arguments, if there are any. */
export function optionsAmong(args) {
  const last = args.at(-1)
  const isOptions =
    typeof last === 'object' && last !== null && Object.getPrototypeOf(last) === Object.prototype
  return isOptions ? last : undefined
}
