// Tests that workers and processes end with sockets open and calls pending, and that two copies of the
// package work side by side.
import test from 'ava'

import { child } from '../helpers/child.js'
import { patience } from '../helpers/patience.js'
import { notLinux, unless } from '../helpers/platform.js'

const onLinux = unless(notLinux, test.serial)

// Everything that can be pending at the same time.
const work = (path: string) => `
  import * as fs from 'node:fs'
  import * as fdkit from 'fdkit'
  const { FdSocket, recvFds, sendFds } = fdkit.promises
  const quiet = (promise) => promise.catch(() => {})
  const file = fdkit.memfdCreate('file')
  const { signal } = new AbortController()
  const server = await FdSocket.listen('\\0${path}-' + process.pid + '-' + Math.random())
  quiet(server.accept({ signal }))
  for (let i = 0; i < 10; i++) {
    const [one, other] = FdSocket.pair()
    quiet(other.receive({ signal }))
    quiet(other.receive())
    const [full] = FdSocket.pair()
    quiet(full.send(Buffer.alloc(5 << 20), [file, file]))
    const [a, b] = FdSocket.pair().map((socket) => socket.toDuplex())
    a.on('error', () => {}).resume()
    b.on('error', () => {}).resume()
    b.on('fds', (fds) => fds.forEach((fd) => fs.closeSync(fd)))
    a.writeWithFds(Buffer.alloc(2 << 20), [file])
    const [x, y] = fdkit.socketpair()
    quiet(recvFds(x, 10, 10))
    quiet(sendFds(y, Buffer.alloc(2 << 20), [file, file]))
    // Messages that arrive while the thread ends.
    const [p, q] = FdSocket.pair()
    const flood = async () => { for (;;) await p.send('x', [file, file]) }
    const drain = async () => { for (;;) await q.receive() }
    quiet(flood())
    quiet(drain())
  }
`

for (const [title, end] of [
  ['by terminate', 'worker.terminate()'],
  ['by process.exit', "worker.postMessage('exit')"],
  ['by an error', "worker.postMessage('throw')"],
] as const) {
  onLinux(`a worker ends ${title} with everything pending, and leaks nothing`, (t) => {
    const script = `
      import { Worker } from 'node:worker_threads'
      import { once } from 'node:events'
      import { setTimeout as sleep } from 'node:timers/promises'
      const program = args[0] + \`
        import { parentPort } from 'node:worker_threads'
        parentPort.on('message', (message) => { if (message === 'exit') process.exit(); else throw new Error('thrown') })
        parentPort.postMessage('ready')
      \`
      const run = async (milliseconds) => {
        const worker = new Worker(program, { eval: true })
        worker.on('error', ({ message }) => { if (message !== 'thrown') throw new Error(message) })
        await once(worker, 'message')
        await sleep(milliseconds)
        const exit = new Promise((resolve) => worker.on('exit', resolve))
        ${end}
        await exit
      }
      const settle = async (most) => {
        for (let i = 0; i < 500 && countFds() > most; i++) await sleep(10)
        return countFds() - most
      }
      await run(5)
      await sleep(200)
      const before = countFds()
      for (const milliseconds of [0, 0, 1, 2, 5, 10, 20]) await run(milliseconds)
      answer(await settle(before))
    `
    t.is(child(script, { args: [work('fdkit-worker')] }), 0)
  })
}

onLinux('the poll thread outlives the worker that started it', (t) => {
  const script = `
    import { Worker } from 'node:worker_threads'
    import { once } from 'node:events'
    const program = \`
      import * as fdkit from 'fdkit'
      const { FdSocket } = fdkit.promises
      const [one, other] = FdSocket.pair()
      const receiving = other.receive()
      await one.send('x')
      await receiving
    \`
    await once(new Worker(program, { eval: true }), 'exit')
    gc()
    const { FdSocket } = fdkit.promises
    const [one, other] = FdSocket.pair()
    const receiving = other.receive()
    await one.send('after')
    answer(String((await receiving).data))
  `
  t.is(child(script, { nodeArguments: ['--expose-gc'] }), 'after')
})

onLinux('several workers and the main thread exchange messages at the same time', (t) => {
  const script = `
    import { Worker } from 'node:worker_threads'
    import { once } from 'node:events'
    const { FdSocket } = fdkit.promises
    const program = \`
      import { workerData } from 'node:worker_threads'
      import * as fdkit from 'fdkit'
      const socket = fdkit.promises.FdSocket.from(workerData)
      for await (const message of socket) {
        await socket.send(message.data, message.fds)
        for (const fd of message.fds) fs.closeSync(fd)
      }
    \`
    const before = countFds()
    const file = fdkit.memfdCreate('file')
    const talk = async (index) => {
      const [ours, theirs] = FdSocket.pair('seqpacket')
      const worker = new Worker("import * as fs from 'node:fs'\\n" + program, {
        eval: true, workerData: fdkit.dup(theirs.fd), trackUnmanagedFds: false,
      })
      const exit = once(worker, 'exit')
      theirs.close()
      for (let count = 0; count < 200; count++) {
        const sending = ours.send(index + ':' + count, [file, file])
        const message = await ours.receive()
        await sending
        if (String(message.data) !== index + ':' + count || message.fdCount !== 2) throw new Error('wrong')
        message.close()
      }
      ours.close()
      await exit
    }
    await Promise.all([0, 1, 2].map(talk))
    // The file, and the two descriptors of the poll thread.
    answer(countFds() - before)
  `
  t.true(child<number>(script) <= 4)
})

for (const [title, end, status] of [
  ['at its normal end', 'for (const timer of [1]) void timer', 0],
  ['by process.exit', 'process.exit(7)', 7],
  ['by an exception', "setTimeout(() => { throw new Error('thrown') }, 1)", 1],
] as const) {
  onLinux(`a process ends ${title} with everything pending`, async (t) => {
    const { spawnSync } = await import('node:child_process')
    const { packageRoot } = await import('../helpers/child.js')
    // Without these, it would never end by itself.
    const unref = status === 0 ? 'setTimeout(() => process.exit(0), 50)' : ''
    for (let round = 0; round < 3; round++) {
      // Node.js 24 and 26 hang at their end if V8 compiles or collects in the background just then
      // (nodejs/node#54918), and the work that is pending here fills the heap.
      const argv = [
        '--single-threaded',
        '--input-type=module',
        '-e',
        `${work('fdkit-process')}\n${unref}\n${end}`,
      ]
      const result = spawnSync(process.execPath, argv, {
        cwd: packageRoot,
        encoding: 'utf8',
        timeout: patience(60_000),
      })
      t.deepEqual([result.status, result.signal], [status, null], result.stderr)
    }
  })
}
