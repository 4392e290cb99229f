// Tests who owns a received descriptor, and that none is lost or closed twice.
import * as fs from 'node:fs'
import { setImmediate } from 'node:timers/promises'

import test from 'ava'
import { getInheritable, Memfd, recvFds, sendFds, socketpair } from 'fdkit'
import { FdSocket } from 'fdkit/promises'

import { child } from '../helpers/child.js'
import { countFds, isOpen } from '../helpers/fds.js'
import { notLinux, unless } from '../helpers/platform.js'
import { contentsOf, fileOf, pairOf, received } from '../helpers/sockets.js'

const onLinux = unless(notLinux, test.serial)

onLinux('a message owns its descriptors until they are taken', async (t) => {
  const [one, other] = pairOf(t)
  const fd = fileOf(t)
  await one.send('x', [fd, fd, fd])
  const before = countFds()
  const message = (await other.receive())!
  t.is(countFds(), before + 3)
  t.is(message.fdCount, 3)
  const { fds } = message
  t.is(message.fds, fds)
  t.is(message.fdCount, 3)
  t.true(fds.every((each) => isOpen(each) && !getInheritable(each)))
  // They are the caller's now.
  message.close()
  message[Symbol.dispose]()
  t.true(fds.every(isOpen))
  for (const each of fds) fs.closeSync(each)
  t.is(countFds(), before)
})

onLinux('closing or disposing of a message closes what nobody has taken', async (t) => {
  const [one, other] = pairOf(t)
  const fd = fileOf(t)
  const before = countFds()
  for (const end of ['close', 'dispose', 'using'] as const) {
    await one.send('x', [fd, fd])
    const message = (await other.receive())!
    t.is(countFds(), before + 2)
    if (end === 'close') message.close()
    else if (end === 'dispose') message[Symbol.dispose]()
    else {
      using again = message
      void again
    }
    t.is(countFds(), before)
    t.throws(() => message.fds, {
      code: 'ERR_INVALID_STATE',
      message: 'Invalid state: the message is closed',
    })
    t.is(message.fdCount, 0)
    message.close()
  }
})

onLinux('a message without descriptors has none', async (t) => {
  const [one, other] = pairOf(t)
  await one.send('x')
  const message = (await other.receive())!
  t.deepEqual([message.fdCount, message.fds], [0, []])
  message.close()
  t.deepEqual(message.fds, [])
})

/** Runs a call while assigning the element 1 of any array that has none calls a setter. */
function withSetter<T>(call: () => T): T {
  const set = () => {
    throw new Error('the setter was called')
  }
  Reflect.defineProperty(Object.prototype, 1, { configurable: true, set })
  try {
    return call()
  } finally {
    Reflect.deleteProperty(Object.prototype, 1)
  }
}

onLinux('no setter on Object.prototype comes between the descriptors and their owner', async (t) => {
  const before = countFds()
  const [one, other] = withSetter(() => socketpair())
  sendFds(one, 'x', [one, other])
  const { fds } = withSetter(() => recvFds(other, 1, 2))
  const [a, b] = pairOf(t)
  await a.send('x', [one, other])
  const message = (await b.receive())!
  const taken = withSetter(() => message.fds)
  const all = [one, other, ...fds, ...taken]
  t.is(all.filter(isOpen).length, 6)
  for (const fd of all) fs.closeSync(fd)
  a.close()
  b.close()
  t.is(countFds(), before)
})

onLinux('showing, copying or serializing a message takes no descriptor', async (t) => {
  const [one, other] = pairOf(t)
  await one.send('x', [fileOf(t)])
  using message = (await other.receive())!
  const { inspect } = await import('node:util')
  t.true(inspect(message).includes('data'))
  JSON.stringify(message)
  void { ...message }
  t.deepEqual(Object.keys(message), ['data'])
  message.close()
  t.throws(() => message.fds, { code: 'ERR_INVALID_STATE' })
})

onLinux('the collector closes what nobody has taken, and nothing else', (t) => {
  const found = child<number[]>(
    `
    import { FdSocket } from 'fdkit/promises'
    import { setImmediate } from 'node:timers/promises'
    const [one, other] = FdSocket.pair()
    const file = fdkit.memfdCreate('file')
    const collect = async () => { for (let i = 0; i < 10; i++) { gc(); await setImmediate() } }
    await other.receive({ signal: AbortSignal.timeout(1) }).catch(() => {})
    await collect()
    const before = countFds()
    const taken = []
    for (let i = 0; i < 100; i++) {
      await one.send('x', [file])
      const message = await other.receive()
      if (i < 10) taken.push(...message.fds)
    }
    await collect()
    const after = countFds()
    // The variable of the loop may keep the last message.
    answer([after - before === 11 ? 10 : after - before, taken.filter((fd) => fs.fstatSync(fd)).length])
  `,
    { nodeArguments: ['--expose-gc'] },
  )
  t.deepEqual(found, [10, 10])
})

onLinux('messages that are dropped are collected before the process runs out of descriptors', (t) => {
  const script = `
    import { FdSocket } from 'fdkit/promises'
    import { setImmediate } from 'node:timers/promises'
    const [one, other] = FdSocket.pair()
    const file = fdkit.memfdCreate('file')
    for (let i = 0; i < 20_000; i++) {
      await one.send('x', [file, file])
      await other.receive()
      if (i % 50 === 0) await setImmediate()
    }
    answer(true)
  `
  t.true(child(script, { shell: 'ulimit -n 1024' }))
})

onLinux('sockets that are dropped are closed by the collector, unless a call waits', (t) => {
  const found = child<[number, string]>(
    `
    import { FdSocket } from 'fdkit/promises'
    import { setImmediate } from 'node:timers/promises'
    const collect = async () => { for (let i = 0; i < 10; i++) { gc(); await setImmediate() } }
    let [kept] = FdSocket.pair()
    // The other half is dropped, and nothing else allocates, so the collector needs a call.
    const ended = kept.receive()
    await collect()
    await ended
    await collect()
    const before = countFds()
    for (let i = 0; i < 50; i++) FdSocket.pair()
    let [mine, other] = FdSocket.pair()
    const end = mine.receive()
    other = undefined
    await collect()
    // The pair of which one waits has lost its other half.
    answer([countFds() - before, String(await end)])
  `,
    { nodeArguments: ['--expose-gc'] },
  )
  t.deepEqual(found, [1, 'undefined'])
})

onLinux('Memfd.from and FdSocket.from take over descriptors of a message', async (t) => {
  const [one, other] = pairOf(t)
  const before = countFds()
  const [inner, mine] = FdSocket.pair()
  const frame = Memfd.create('frame', { contents: 'pixels' })
  await one.send('both', [frame, inner])
  frame.close()
  inner.close()
  const { fds } = (await other.receive())!
  const memfd = Memfd.from(fds[0]!)
  const socket = FdSocket.from(fds[1]!)
  await mine.send('through a socket that came through a socket', [fileOf(t, 'deep')])
  t.deepEqual(await received(socket), ['through a socket that came through a socket', ['deep']])
  t.is(memfd.read().toString(), 'pixels')
  for (const each of [memfd, socket, mine]) each.close()
  t.is(countFds(), before + 1, 'the file of this test')
})

onLinux('no number free on receipt is an error that says so, and closes the others', (t) => {
  const found = child<unknown>(
    `
    import { FdSocket } from 'fdkit/promises'
    const [one, other] = FdSocket.pair()
    const file = fdkit.memfdCreate('file')
    await other.receive({ signal: AbortSignal.timeout(1) }).catch(() => {})
    const outcome = (promise) => promise.then((message) => message.fds?.length ?? message.type, ({ code, syscall }) => [code, syscall])
    await one.send('first', [file, file, file])
    await one.send('second', [file])
    const server = await FdSocket.listen('\\0fdkit-emfile-' + process.pid)
    const client = await FdSocket.connect('\\0fdkit-emfile-' + process.pid)
    const before = countFds()
    const filling = []
    try { for (;;) filling.push(fs.openSync('/dev/null')) } catch {}
    fs.closeSync(filling.pop())
    const errors = [await outcome(other.receive())]
    filling.push(fs.openSync('/dev/null'))
    errors.push(await outcome(server.accept()))
    for (const fd of filling) fs.closeSync(fd)
    errors.push(countFds() - before, await outcome(other.receive()), await outcome(server.accept()))
    answer(errors)
    process.exit()
  `,
    { shell: 'ulimit -n 64' },
  )
  t.deepEqual(found, [['EMFILE', 'recvmsg'], ['EMFILE', 'accept'], 0, 1, 'stream'])
})

onLinux('no number free for a duplicate is an error of a send that waits, and nothing is sent', (t) => {
  const found = child<unknown>(
    `
    import { FdSocket } from 'fdkit/promises'
    const [one, other] = FdSocket.pair()
    const file = fdkit.memfdCreate('file')
    await other.receive({ signal: AbortSignal.timeout(1) }).catch(() => {})
    const [busy] = FdSocket.pair()
    busy.send(Buffer.alloc(5 << 20)).catch(() => {})
    const filling = []
    try { for (;;) filling.push(fs.openSync('/dev/null')) } catch {}
    fs.closeSync(filling.pop())
    const code = await busy.send('x', [file, file]).catch((error) => error.code)
    const thrown = (() => { try { one.toDuplex().writeWithFds('x', [file, file]) } catch (error) { return error.code } })()
    for (const fd of filling) fs.closeSync(fd)
    const before = countFds()
    answer([code, thrown, await other.receive({ signal: AbortSignal.timeout(20) }).catch((error) => error.name), countFds() - before])
    process.exit()
  `,
    { shell: 'ulimit -n 64' },
  )
  t.deepEqual(found, ['EMFILE', 'EMFILE', 'AbortError', 0])
})

onLinux('in a worker, descriptors are registered with node:fs, which closes those that are left', (t) => {
  const found = child<[number, string[]]>(`
    import { Worker } from 'node:worker_threads'
    import { once } from 'node:events'
    const warnings = []
    process.on('warning', (warning) => warnings.push(warning.message))
    const run = async () => {
      const worker = new Worker(\`
        import * as fs from 'node:fs'
        import * as fdkit from 'fdkit'
        {
          const { FdSocket, recvFds } = fdkit.promises
          const file = fdkit.memfdCreate('file')
          const [one, other] = FdSocket.pair()
          await one.send('x', [file, file])
          const { fds } = await other.receive()
          fs.closeSync(fds[0])
          const [a, b] = fdkit.socketpair()
          fdkit.sendFds(a, 'x', [file])
          fs.closeSync(fdkit.recvFds(b, 1, 1).fds[0])
          fdkit.sendFds(a, 'x', [file])
          fs.closeSync((await recvFds(b, 1, 1)).fds[0])
          fs.closeSync(fdkit.pidfdOpen(process.pid))
          fs.closeSync(await fdkit.promises.pidfdOpen(process.pid))
          FdSocket.from(a)
        }
      \`, { eval: true })
      worker.on('error', (error) => { throw error })
      await once(worker, 'exit')
    }
    await run()
    const before = countFds()
    await run()
    await run()
    answer([countFds() - before, warnings])
  `)
  t.deepEqual(found, [0, []])
})

onLinux('data is a copy that the caller may keep', async (t) => {
  const [one, other] = pairOf(t, 'seqpacket')
  await one.send('first')
  const first = (await other.receive())!.data
  await one.send('other')
  await other.receive()
  await setImmediate()
  t.is(first.toString(), 'first')
  t.is(contentsOf(fileOf(t, 'x')), 'x')
})
