// Tests that descriptors are tracked like those of node:fs, in every thread of every runtime.
import * as fs from 'node:fs'

import { Memfd, open } from 'fdkit'

import { child } from '../helpers/child.js'
import { notLinux, unless } from '../helpers/platform.js'
import { runOn, runtimes } from '../helpers/runtimes.js'

interface Findings {
  closed: Record<string, unknown[]>
  count: unknown
  text: unknown
  taken: unknown[][]
  inheritable: boolean[]
  warnings: string[]
}

interface Report {
  main: Findings
  true: { found: Findings; left: string[]; others: string[] }
  false: { found: Findings; left: string[]; others: string[] }
}

const onLinux = unless(notLinux)

for (const { name, runtime, missing } of runtimes) {
  unless(notLinux || missing)(
    `${name}: node:fs closes what fdkit opened, Memfd.from closes what node:fs opened, without a warning`,
    async (t) => {
      if (runtime === undefined) throw new Error('skipped')
      const report = JSON.parse(await runOn(runtime, '__test__/helpers/tracking-probe.mjs')) as Report
      for (const found of [report.main, report.true.found, report.false.found]) {
        t.deepEqual(Object.keys(found.closed), [
          'open',
          'dup',
          'memfdCreate',
          'promises.open',
          'promises.memfdCreate',
        ])
        // JSON replaces undefined with null.
        for (const [maker, states] of Object.entries(found.closed))
          t.deepEqual(states, [true, null, false], maker)
        t.deepEqual([found.count, found.text], [4, 'text'])
        // The copy has its own number, and the original descriptor is closed.
        t.deepEqual(found.taken, [
          [null, 'text', false, false],
          [null, 'text', false, false],
        ])
        t.deepEqual(found.inheritable, [true, false, false])
        t.deepEqual(found.warnings, [])
      }
      // A descriptor that a worker took over and closed is closed once, however the worker ends.
      for (const { others } of [report.true, report.false]) t.deepEqual([...new Set(others)], ['/dev/null'])
      // A descriptor that a worker left open is closed like one of node:fs; Bun closes nothing.
      const closed = (paths: string[]) => paths.filter((path) => path === null).length
      t.is(closed(report.true.left), name === 'bun' ? 0 : 3)
      t.is(closed(report.false.left), name === 'deno' ? 3 : 0)
    },
  )
}

onLinux(
  'a descriptor that a worker took over with Memfd.from is closed once, by close(), by the garbage collector or by the end of the worker',
  (t) => {
    const script = `
    import { once } from 'node:events'
    import { Worker } from 'node:worker_threads'
    const memfd = fdkit.Memfd.create('given', { contents: 'text' })
    const program = \`
      import { openSync } from 'node:fs'
      import { parentPort, workerData } from 'node:worker_threads'
      import { Memfd } from \${JSON.stringify(import.meta.resolve('fdkit'))}
      const fd = openSync(workerData.path, 'r')
      globalThis.taken = Memfd.from(fd)
      const numbers = [fd, taken.fd]
      if (workerData.how === 'close') taken.close()
      if (workerData.how === 'collect') {
        delete globalThis.taken
        for (let round = 0; round < 10; round++) {
          globalThis.gc()
          await new Promise((resolve) => setTimeout(resolve, 5))
        }
      }
      parentPort.postMessage(numbers)
      setInterval(() => {}, 1000)\`
    const seen = []
    for (const how of ['close', 'collect', 'end']) {
      const url = new URL('data:text/javascript,' + encodeURIComponent(program))
      const worker = new Worker(url, { workerData: { path: memfd.path, how } })
      const [numbers] = await once(worker, 'message')
      const others = Array.from({ length: 5 }, () => fs.openSync('/dev/null', 'r'))
      await worker.terminate()
      const left = numbers.filter((fd) => !others.includes(fd) && fs.existsSync('/proc/self/fd/' + fd))
      seen.push([how, numbers.filter((fd) => others.includes(fd)).length, left.length])
      for (const fd of others) fs.closeSync(fd)
    }
    answer(seen)
  `
    t.deepEqual(child(script, { nodeArguments: ['--expose-gc'] }), [
      ['close', 2, 0],
      ['collect', 2, 0],
      ['end', 1, 0],
    ])
  },
)

onLinux('a worker that is terminated while it opens descriptors leaks none', (t) => {
  const script = `
    import { Worker } from 'node:worker_threads'
    import { once } from 'node:events'
    import { setTimeout as sleep } from 'node:timers/promises'
    const program = \`
      import { closeSync } from 'node:fs'
      import { parentPort } from 'node:worker_threads'
      import * as fdkit from \${JSON.stringify(import.meta.resolve('fdkit'))}
      const { FdSocket } = fdkit.promises
      const [one, other] = fdkit.socketpair()
      const [a, b] = FdSocket.pair()
      parentPort.postMessage('ready')
      for (;;) {
        closeSync(fdkit.dup(0))
        closeSync(await fdkit.promises.open('/dev/null'))
        fdkit.sendFds(one, 'x', [0, 1])
        for (const fd of fdkit.recvFds(other, 1, 2).fds) closeSync(fd)
        a.send('x', [0, 1])
        for (const fd of (await b.receive()).fds) closeSync(fd)
        for (const fd of fdkit.socketpair()) closeSync(fd)
      }\`
    const url = new URL('data:text/javascript,' + encodeURIComponent(program))
    const run = async (milliseconds) => {
      const worker = new Worker(url)
      await once(worker, 'message')
      await sleep(milliseconds)
      await worker.terminate()
    }
    await run(1)
    await sleep(100)
    const before = countFds()
    for (let round = 0; round < 40; round++) await run(round % 5)
    for (let i = 0; i < 500 && countFds() > before; i++) await sleep(10)
    answer(countFds() - before)
  `
  t.is(child(script), 0)
})

// A worker and the number of a descriptor that it has opened and closed. When it ends, others have the number.
const closedOnce = (program: string) => `
  import { once } from 'node:events'
  import { Worker } from 'node:worker_threads'
  const program = ${JSON.stringify(program)}
  const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(program)), {
    workerData: ${JSON.stringify(import.meta.resolve('fdkit'))},
  })
  const [fd] = await once(worker, 'message')
  const others = Array.from({ length: 30 }, () => fs.openSync('/dev/null', 'r'))
  const before = others.includes(fd)
  await worker.terminate()
  answer([before, others.filter((other) => !fs.existsSync('/proc/self/fd/' + other))])`

for (const replaced of ['first', 'second']) {
  onLinux(
    `two copies of the package agree about who owns a descriptor, even if process.chdir is replaced for the ${replaced}`,
    (t) => {
      const program = `
        import { parentPort, workerData } from 'node:worker_threads'
        import { closeSync } from 'node:fs'
        const { chdir } = process
        const replacement = (directory) => chdir.call(process, directory)
        if (${replaced === 'first'}) process.chdir = replacement
        const first = await import(workerData)
        process.chdir = ${replaced === 'first' ? 'chdir' : 'replacement'}
        const second = await import(workerData + '?second')
        const fd = (${replaced === 'first'} ? first : second).open('/dev/zero')
        closeSync(fd)
        if (first.open === second.open) throw new Error('there is one copy')
        parentPort.postMessage(fd)
        setInterval(() => {}, 1000)`
      t.deepEqual(child(closedOnce(program)), [true, []])
    },
  )
}

onLinux('a node:fs that invents numbers costs the process no descriptor', (t) => {
  const script = `
    import { once } from 'node:events'
    import { Worker } from 'node:worker_threads'
    const program = \`
      import { parentPort, workerData } from 'node:worker_threads'
      import fs from 'node:fs'
      import { syncBuiltinESMExports } from 'node:module'
      const { openSync, closeSync } = fs
      fs.openSync = (path, ...rest) => (path === '/' ? workerData.fd : openSync(path, ...rest))
      fs.closeSync = (fd) => {
        if (fd === workerData.fd) throw new Error('there is no such file')
        closeSync(fd)
      }
      syncBuiltinESMExports()
      const { open } = await import(workerData.fdkit)
      parentPort.postMessage(open('/dev/zero'))
      setInterval(() => {}, 1000)\`
    const fd = fs.openSync('/dev/null', 'r')
    const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(program)), {
      workerData: { fd, fdkit: ${JSON.stringify(import.meta.resolve('fdkit'))} },
    })
    const [opened] = await once(worker, 'message')
    answer([fd, opened].map((each) => fs.readlinkSync('/proc/self/fd/' + each)))
    process.exit()
  `
  t.deepEqual(child(script), ['/dev/null', '/dev/zero'])
})

onLinux('Memfd.from leaves the descriptor open if it cannot be duplicated', (t) => {
  const script = `
    const fd = fdkit.memfdCreate('full')
    const rest = []
    let code
    try { for (;;) rest.push(fs.openSync('/dev/null', 'r')) } catch {}
    try { fdkit.Memfd.from(fd) } catch (error) { code = error.code }
    fs.closeSync(rest.pop())
    answer([code, fs.fstatSync(fd).isFile()])
  `
  t.deepEqual(child(script, { shell: 'ulimit -n 64' }), ['EMFILE', true])
})

onLinux(
  'a worker that cannot open the root directory still gets descriptors, with the warning of Node.js',
  (t) => {
    const script = `
    import { once } from 'node:events'
    import { Worker } from 'node:worker_threads'
    const program = \`
      import { parentPort } from 'node:worker_threads'
      const { default: fs } = await import('node:fs')
      const warnings = []
      process.on('warning', ({ message }) => warnings.push(message))
      const rest = []
      const { open } = await import(\${JSON.stringify(import.meta.resolve('fdkit'))})
      open('/dev/null')
      try { for (;;) rest.push(fs.openSync('/dev/null', 'r')) } catch {}
      fs.closeSync(rest.pop())
      const last = open('/dev/zero')
      const path = fs.existsSync('/proc/self/fd/' + last)
      fs.closeSync(last)
      for (const fd of rest) fs.closeSync(fd)
      setTimeout(() => parentPort.postMessage([path, warnings.length]), 20)\`
    const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(program)))
    const [found] = await once(worker, 'message')
    answer(found)
  `
    t.deepEqual(child(script, { shell: 'ulimit -n 64' }), [true, 1])
  },
)

onLinux('a descriptor gets the lowest free number in the main thread', (t) => {
  const [low, high] = [fs.openSync('/', 'r'), fs.openSync('/', 'r')]
  fs.closeSync(low)
  const fd = open('/')
  t.teardown(() => [fd, high].forEach((each) => fs.closeSync(each)))
  t.true(fd <= low)
})

onLinux('Memfd.from takes over only numbers', (t) => {
  const memfd = Memfd.create('object')
  t.teardown(() => memfd.close())
  t.throws(() => Memfd.from(memfd as never), { code: 'ERR_INVALID_ARG_TYPE' })
})
