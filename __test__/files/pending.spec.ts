// Tests how many descriptors concurrent calls of fdkit/promises hold.
import { child } from '../helpers/child.js'
import { notLinux, unless } from '../helpers/platform.js'
import { hidingExactly, noSeccomp } from '../helpers/seccomp.js'
import { FIFO, makeTree, makeTreeInMemory } from '../helpers/tree.js'

const FILES = 5000

/** Creates files in one directory. A program does it because it is faster than JavaScript. */
function fill(top: string, files: number): void {
  const script = `
    for (let i = 0; i < args[1]; i++) fs.closeSync(fs.openSync(args[0] + '/' + i, 'w'))
    answer(null)`
  child(script, { args: [top, files] })
}

unless(notLinux)(`Promise.all over a directory of ${FILES} files holds few descriptors`, (t) => {
  const top = makeTreeInMemory(t)
  fill(top, FILES)
  const script = `
    const promises = await import('fdkit/promises')
    const { stat } = promises
    let found = 0
    for await (const [path, , files, dirFd] of promises.fwalk(args[0])) {
      const stats = await Promise.all(files.map((name) => stat(name, { dirFd })))
      found += stats.filter((stats) => stats.isFile()).length
    }
    answer(found)`
  t.is(child<number>(script, { args: [top], shell: 'ulimit -n 64' }), FILES)
})

// The only thread of the pool blocks until the FIFO is opened for writing, so calls stay pending.
const oneThread = 'export UV_THREADPOOL_SIZE=1'
const holdPool = `
  fs.open(args[0] + '/fifo', 'r', (error, fd) => fs.closeSync(fd))
  const releasePool = () => fs.closeSync(fs.openSync(args[0] + '/fifo', 'w'))`

const F_DUPFD_QUERY = 1027
const EINVAL = 22
const EPERM = 1
const { shell: noQuery } = hidingExactly('fcntl', EINVAL, F_DUPFD_QUERY)
const { shell: noKcmp } = hidingExactly('kcmp', EPERM)

// The ways in which kernels and filters let a process compare two open files.
const kernels: [title: string, shell: string, held: number, lacks: string | false][] = [
  ['compared with F_DUPFD_QUERY, or else kcmp', ':', 2, notLinux],
  ['compared with kcmp if the kernel has no F_DUPFD_QUERY', noQuery, 2, noSeccomp],
  ['not shared if the kernel has neither', `${noQuery}; ${noKcmp}`, 1000, noSeccomp],
]

for (const [title, shell, held, lacks] of kernels) {
  unless(lacks)(`pending calls share a descriptor: ${title}`, (t) => {
    const top = makeTree(t, { first: { a: '' }, second: { a: '' }, fifo: FIFO })
    const seen = child<{ held: number; wrong: number; left: number }>(
      `
      const { link, rename, stat } = await import('fdkit/promises')
      const top = args[0]
      ${holdPool}
      const before = countFds()
      // Each time, the descriptor is closed and reused for another directory while the calls are pending.
      const inodes = ['first', 'second'].map((name) => fs.statSync(top + '/' + name).ino)
      const pending = []
      let dirFd = fs.openSync(top + '/first', 'r')
      const number = dirFd
      for (let i = 0; i < 500; i++) pending.push(stat('.', { dirFd }))
      fs.closeSync(dirFd)
      dirFd = fs.openSync(top + '/second', 'r')
      if (dirFd !== number) throw new Error('the number was not used again')
      for (let i = 0; i < 500; i++) pending.push(stat('.', { dirFd }))
      fs.closeSync(dirFd)
      const closed = stat('.', { dirFd }).catch((error) => error.code)
      const held = countFds() - before
      releasePool()
      const found = await Promise.all(pending)
      if (await closed !== 'EBADF') throw new Error('a closed number was served')
      const wrong = found.filter(({ ino }, i) => ino !== inodes[i < 500 ? 0 : 1]).length
      // Alternates between two directories and includes calls that fail.
      const from = fs.openSync(top + '/first', 'r')
      const to = fs.openSync(top + '/second', 'r')
      const two = { srcDirFd: from, dstDirFd: to }
      await Promise.all(Array.from({ length: 20 }, (_, i) => link('a', 'b' + i, two)))
      await Promise.allSettled(Array.from({ length: 20 }, () => stat('missing', { dirFd: to })))
      await rename('b1', 'c', { srcDirFd: to, dstDirFd: from })
      await stat('c', { dirFd: from })
      fs.closeSync(from)
      fs.closeSync(to)
      answer({ held, wrong, left: countFds() - before })`,
      { args: [top], shell: `${oneThread}; ${shell}` },
    )
    t.deepEqual(seen, { held, wrong: 0, left: 0 })
  })
}

unless(notLinux)('calls on several directories hold one descriptor for each directory', (t) => {
  const directories = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`d${i}`, {}]))
  const top = makeTree(t, { directories, fifo: FIFO })
  const held = child<number>(
    `
    const { stat } = await import('fdkit/promises')
    ${holdPool}
    const directories = args[0] + '/directories/'
    const dirFds = fs.readdirSync(directories).map((name) => fs.openSync(directories + name, 'r'))
    const before = countFds()
    const pending = []
    for (let i = 0; i < 200; i++) for (const dirFd of dirFds) pending.push(stat('.', { dirFd }))
    const held = countFds() - before
    releasePool()
    await Promise.all(pending)
    if (countFds() !== before) throw new Error('something is left open')
    answer(held)`,
    { args: [top], shell: oneThread },
  )
  t.is(held, 10)
})
