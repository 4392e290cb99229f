// Tests the stream over a socket: bytes, descriptors, ends, errors, and what its listeners may do.
import { once } from 'node:events'
import * as fs from 'node:fs'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'

import test, { type ExecutionContext } from 'ava'
import { memfdCreate } from 'fdkit'
import type { FdDuplex } from 'fdkit/promises'

import { child } from '../helpers/child.js'
import { countFds, identity } from '../helpers/fds.js'
import { notLinux, unless } from '../helpers/platform.js'
import { contentsOf, fileOf, pairOf, until } from '../helpers/sockets.js'

const onLinux = unless(notLinux, test.serial)

function streamsOf(t: ExecutionContext): [FdDuplex, FdDuplex] {
  const [one, other] = pairOf(t).map((socket) => socket.toDuplex())
  t.teardown(() => {
    one!.destroy()
    other!.destroy()
  })
  return [one!, other!]
}

onLinux('bytes and descriptors arrive in order, descriptors before their bytes', async (t) => {
  const [one, other] = streamsOf(t)
  const events: string[] = []
  other.on('fds', (fds: number[]) => events.push(...fds.map((fd) => `fd ${contentsOf(fd)}`)))
  other.on('data', (data) => events.push(`data ${data}`))
  one.write('a')
  one.writeWithFds('b', [fileOf(t, '1'), fileOf(t, '2')])
  await once(other, 'fds')
  await until(() => events.some((event) => event.includes('b')))
  one.writeWithFds(Buffer.from('c'), [{ fd: fileOf(t, '3') }])
  one.end('d')
  await once(other, 'end')
  const fds = events.filter((event) => event.startsWith('fd'))
  t.deepEqual(fds, ['fd 1', 'fd 2', 'fd 3'])
  const bytes = events.filter((event) => event.startsWith('data')).map((event) => event.slice(5))
  t.is(bytes.join(''), 'abcd')
  t.true(events.indexOf('fd 2') < events.findIndex((event) => /data a?b/.test(event)))
})

onLinux('both sides end when one does, and close their sockets', async (t) => {
  const before = countFds()
  const [one, other] = streamsOf(t)
  one.resume().end('last words')
  t.is(await text(other), 'last words')
  await until(() => one.closed && other.closed)
  t.is(countFds(), before)
})

onLinux('long data goes through a pipeline, and back', async (t) => {
  const [one, other] = streamsOf(t)
  const data = Buffer.alloc(5 << 20, 'fdkit')
  const echo = pipeline(other, other)
  one.end(data)
  t.is((await text(one)).length, data.length)
  await echo
})

onLinux('write waits for the other side: backpressure', async (t) => {
  const [one, other] = streamsOf(t)
  while (one.write(Buffer.alloc(65_536))) await sleep(1)
  t.true(one.writableNeedDrain)
  t.false(one.writeWithFds('x', [fileOf(t)]))
  other.resume()
  await once(one, 'drain')
  await once(other, 'fds').then(([fds]) => fs.closeSync(fds[0]))
})

onLinux('descriptors are duplicated when writeWithFds is called', async (t) => {
  const [one, other] = streamsOf(t)
  while (one.write(Buffer.alloc(65_536))) await sleep(1)
  const fd = memfdCreate('closed')
  const id = identity(fd)
  let isSent = false
  one.writeWithFds('x', [fd], () => (isSent = true))
  fs.closeSync(fd)
  const reused = memfdCreate('reused')
  t.is(reused, fd)
  other.resume()
  const [fds] = await once(other, 'fds')
  t.deepEqual(fds.map(identity), [id])
  await until(() => isSent)
  for (const each of [...fds, reused]) fs.closeSync(each)
})

onLinux('descriptors that nobody listens for are closed', async (t) => {
  const [one, other] = streamsOf(t)
  const fd = fileOf(t)
  other.resume()
  one.write('x')
  await once(other, 'data')
  const before = countFds()
  let count = 0
  other.on('data', (data) => (count += data.length))
  for (let index = 0; index < 100; index++) one.writeWithFds('x', [fd, fd])
  await until(() => count === 100)
  t.is(countFds(), before)
})

onLinux('wrong arguments throw at the call and leave the stream alone', async (t) => {
  const [one, other] = streamsOf(t)
  const fd = fileOf(t)
  const before = countFds()
  const wrong: [unknown[], string][] = [
    [['', [fd]], 'ERR_INVALID_ARG_VALUE'],
    [[5, [fd]], 'ERR_INVALID_ARG_TYPE'],
    [['x', fd], 'ERR_INVALID_ARG_TYPE'],
    [['x', [-1]], 'ERR_OUT_OF_RANGE'],
    [['x', [fd, 999_999]], 'EBADF'],
    [['x', Array(254).fill(fd)], 'ERR_INVALID_ARG_VALUE'],
    [['x', [fd], 5], 'ERR_INVALID_ARG_TYPE'],
  ]
  for (const [args, code] of wrong) {
    t.throws(() => one.writeWithFds(...(args as Parameters<FdDuplex['writeWithFds']>)), { code })
  }
  t.is(countFds(), before)
  one.end('fine')
  t.is(await text(other), 'fine')
})

onLinux('a socket has one user: a stream, or the calls', async (t) => {
  const [one] = pairOf(t)
  const stream = one.toDuplex()
  const state = { code: 'ERR_INVALID_STATE', message: 'Invalid state: a stream uses the FdSocket' }
  await t.throwsAsync(one.send('x'), state)
  await t.throwsAsync(one.receive(), state)
  t.throws(() => one.toDuplex(), state)
  await t.throwsAsync(async () => {
    for await (const _ of one) t.fail()
  }, state)
  stream.destroy()
  for (const type of ['seqpacket', 'dgram'] as const) {
    const [other] = pairOf(t, type)
    t.throws(() => other.toDuplex(), { code: 'ERR_INVALID_STATE', message: /not of type 'stream'/ })
    await other.send('x')
  }
})

onLinux('a peer that is gone is an error of the writer', async (t) => {
  const [one, other] = streamsOf(t)
  other.destroy()
  one.write('x')
  const [error] = await once(one, 'error')
  t.is(error.code, 'EPIPE')
  t.true(one.destroyed)
})

onLinux('destroy in the middle of a receive and of a write closes the descriptors', async (t) => {
  const before = countFds()
  const [one, other] = streamsOf(t)
  other.resume()
  one.on('error', () => {})
  await sleep(1)
  const fd = fileOf(t)
  for (let index = 0; index < 10; index++) one.writeWithFds(Buffer.alloc(1 << 20), [fd])
  other.destroy()
  one.destroy()
  await until(() => one.closed && other.closed)
  // The duplicates of chunks that were never written are closed by the collector.
  const script = `
    import { FdSocket } from 'fdkit/promises'
    import { setImmediate } from 'node:timers/promises'
    let [one, other] = FdSocket.pair().map((socket) => socket.toDuplex())
    const file = fdkit.memfdCreate('file')
    other.resume()
    await setImmediate()
    const before = countFds()
    for (let i = 0; i < 10; i++) one.writeWithFds(Buffer.alloc(1 << 20), [file])
    const held = countFds() - before
    one.on('error', () => {}).destroy()
    other.on('error', () => {}).destroy()
    one = other = undefined
    for (let i = 0; i < 20; i++) { gc(); await setImmediate() }
    answer([held >= 9, countFds() - before])
  `
  t.deepEqual(child(script, { nodeArguments: ['--expose-gc'] }), [true, -2])
  // 10 duplicates, the file, and the two descriptors of the thread that polls.
  t.true(countFds() <= before + 13)
})

for (const what of ['destroy', 'close', 'pause', 'read', 'write'] as const) {
  onLinux(`a listener of 'fds' may ${what}`, async (t) => {
    const [mine, theirs] = pairOf(t)
    const [one, other] = [mine.toDuplex(), theirs.toDuplex()]
    t.teardown(() => {
      one.destroy()
      other.destroy()
    })
    one.on('error', () => {})
    const events: string[] = []
    other.on('data', (data) => events.push(`data ${data}`))
    other.once('fds', (fds: number[]) => {
      events.push(`fds ${fds.map(contentsOf)}`)
      if (what === 'destroy') other.destroy()
      if (what === 'close') theirs.close()
      if (what === 'pause') other.pause()
      if (what === 'read') other.read()
      if (what === 'write') other.writeWithFds('back', [fileOf(t, 'back')])
    })
    one.writeWithFds('x', [fileOf(t, 'f')])
    const back = what === 'write' ? once(one.resume(), 'fds') : undefined
    await until(() => events.length > 0)
    if (back) t.is(contentsOf((await back)[0][0]), 'back')
    await sleep(10)
    if (what === 'pause') {
      t.deepEqual(events, ['fds f'])
      other.resume()
      await until(() => events.length === 2)
    }
    const isCut = what === 'destroy'
    t.deepEqual(events, isCut ? ['fds f'] : ['fds f', 'data x'])
  })
}

onLinux('an exception of a listener is an uncaught exception, and the stream goes on', (t) => {
  const found = child<string[]>(`
    import { FdSocket } from 'fdkit/promises'
    const [one, other] = FdSocket.pair().map((socket) => socket.toDuplex())
    const seen = []
    process.on('uncaughtException', ({ message }, origin) => seen.push(message + ': ' + origin))
    other.on('fds', ([fd]) => { fs.closeSync(fd); throw new Error('fds') })
    other.on('data', (data) => { seen.push('data ' + data); throw new Error('data') })
    other.on('end', () => answer(seen))
    one.writeWithFds('a', [0], () => { throw new Error('callback') })
    setTimeout(() => one.end('b'), 100)
  `)
  t.deepEqual(found.toSorted(), [
    'callback: uncaughtException',
    'data a',
    'data b',
    'data: uncaughtException',
    'data: uncaughtException',
    'fds: uncaughtException',
  ])
})

onLinux('unref of the stream lets the process end, and ref undoes it', (t) => {
  const script = (ref: string) => `
    import { FdSocket } from 'fdkit/promises'
    const [one, other] = FdSocket.pair()
    const stream = other.toDuplex()
    let end = 'idle'
    stream.on('data', () => { end = 'data'; stream.destroy() })
    process.on('exit', () => answer(end))
    stream${ref}
    setTimeout(() => one.send('x'), 100).unref()
  `
  t.is(child(script('.unref()')), 'idle')
  t.is(child(script('.unref().ref()')), 'data')
  t.is(child(script('')), 'data')
})
