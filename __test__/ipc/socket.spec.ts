// Tests FdSocket: each way to get one, each type, each option, and what ends a call.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

import test from 'ava'
import { dup, memfdCreate, pidfdGetfd, socketpair } from 'fdkit'
import { FdListener, FdMessage, FdSocket, stat } from 'fdkit/promises'

import { child } from '../helpers/child.js'
import { countFds, identity, isOpen, reopen } from '../helpers/fds.js'
import { patience } from '../helpers/patience.js'
import { notLinux, notRoot, unless } from '../helpers/platform.js'
import { fileOf, pairOf, received, until } from '../helpers/sockets.js'
import { makeTree } from '../helpers/tree.js'

const onLinux = unless(notLinux, test.serial)
const asRoot = unless(notLinux || notRoot, test.serial)

const types = ['stream', 'seqpacket', 'dgram'] as const
const canceled = { code: 'ECANCELED', message: /operation canceled/ }
const closed = { code: 'ERR_INVALID_STATE' }

onLinux('a pair sends bytes and descriptors both ways, of each type', async (t) => {
  for (const type of types) {
    const [one, other] = pairOf(t, type)
    t.deepEqual([one.type, other.type], [type, type])
    await one.send('there', [fileOf(t, 'a'), fileOf(t, 'b')])
    await other.send('back', [fileOf(t, 'c')])
    t.deepEqual(await received(other), ['there', ['a', 'b']])
    t.deepEqual(await received(one), ['back', ['c']])
  }
})

onLinux('messages keep their boundaries and lengths, unless on a stream', async (t) => {
  for (const type of types) {
    const [one, other] = pairOf(t, type)
    await one.send('one')
    await one.send(Buffer.alloc(150_000, 'x'))
    if (type === 'dgram') await one.send('')
    await one.send('last', [fileOf(t, 'f')])
    if (type === 'stream') {
      let [text, fds] = ['', 0]
      while (!text.endsWith('last')) {
        using message = (await other.receive())!
        t.true(message.data.length <= 65_536)
        text += message.data
        fds += message.fdCount
      }
      t.deepEqual([text.length, fds], [150_007, 1])
      continue
    }
    t.is((await received(other))![0], 'one')
    t.is((await received(other))![0].length, 150_000)
    if (type === 'dgram') t.deepEqual(await received(other), ['', []])
    t.deepEqual(await received(other), ['last', ['f']])
  }
})

onLinux('a long send resolves when all bytes are sent, and sends the descriptors once', async (t) => {
  const [one, other] = pairOf(t)
  let isSent = false
  const sending = one.send(Buffer.alloc(10 << 20), [fileOf(t)]).then(() => (isSent = true))
  const next = one.send('next', [fileOf(t)])
  await sleep(20)
  t.false(isSent)
  let [bytes, fds] = [0, 0]
  while (bytes < (10 << 20) + 4) {
    using message = (await other.receive())!
    bytes += message.data.length
    fds += message.fdCount
  }
  await Promise.all([sending, next])
  t.deepEqual([bytes, fds], [(10 << 20) + 4, 2])
})

onLinux('data is copied and descriptors are duplicated before send returns', async (t) => {
  const [one, other] = pairOf(t)
  const fill = one.send(Buffer.alloc(5 << 20))
  const [bytes, fd] = [Buffer.from('before'), memfdCreate('closed')]
  const id = identity(fd)
  const sending = one.send(bytes, [fd])
  bytes.fill('x')
  fs.closeSync(fd)
  const reused = memfdCreate('reused')
  t.is(reused, fd)
  let message: FdMessage
  let text = ''
  do {
    message = (await other.receive())!
    text = message.data.toString('latin1')
  } while (message.fdCount === 0)
  t.true(text.endsWith('before'))
  t.deepEqual(message.fds.map(identity), [id])
  for (const each of [...message.fds, reused]) fs.closeSync(each)
  await Promise.all([fill, sending])
})

onLinux('receives wait in order, and so do sends', async (t) => {
  const [one, other] = pairOf(t, 'seqpacket')
  const order: string[] = []
  const receives = Array.from({ length: 300 }, async (_, index) => {
    const message = await other.receive()
    order.push(`${index}:${message?.data}`)
  })
  for (let index = 0; index < 300; index++) await one.send(String(index))
  await Promise.all(receives)
  t.deepEqual(
    order,
    Array.from({ length: 300 }, (_, index) => `${index}:${index}`),
  )
})

onLinux('the end of a connection is undefined, each time', async (t) => {
  for (const type of ['stream', 'seqpacket'] as const) {
    const [one, other] = pairOf(t, type)
    const waiting = other.receive()
    await one.send('x')
    one.close()
    t.is((await waiting)?.data.toString(), 'x')
    t.is(await other.receive(), undefined)
    t.is(await other.receive(), undefined)
    await t.throwsAsync(other.send('x'), { code: 'EPIPE', message: /^EPIPE: broken pipe, sendmsg/ })
  }
})

onLinux(
  'for await ends with the connection, or when the socket is closed; leaving it closes nothing',
  async (t) => {
    const [one, other] = pairOf(t)
    await one.send('a')
    for await (const message of other) {
      t.is(message.data.toString(), 'a')
      break
    }
    await one.send('b')
    const seen: string[] = []
    for await (const message of other) {
      seen.push(message.data.toString())
      if (seen.length === 1) await one.send('c')
      else one.close()
    }
    t.deepEqual(seen, ['b', 'c'])
    const [mine] = pairOf(t)
    setTimeout(() => mine.close(), 20)
    for await (const _ of mine) t.fail()
    for await (const _ of mine) t.fail()
  },
)

onLinux('close ends waiting calls with ECANCELED, and later ones with ERR_INVALID_STATE', async (t) => {
  const [one] = pairOf(t)
  const { fd } = one
  const sending = one.send(Buffer.alloc(10 << 20), [fileOf(t)])
  const receives = [one.receive(), one.receive()]
  one.close()
  t.false(isOpen(fd))
  for (const waiting of [sending, ...receives]) await t.throwsAsync(waiting, canceled)
  one.close()
  await t.throwsAsync(one.receive(), { ...closed, message: 'Invalid state: the FdSocket is closed' })
  await t.throwsAsync(one.send('x'), closed)
  for (const read of [() => one.fd, () => one.peer, () => one.pidfd(), () => one.type, () => one.toDuplex()])
    t.throws(read, closed)
})

onLinux('a connection lives on in a duplicate: close is no shutdown', async (t) => {
  const [one, other] = pairOf(t)
  const kept = FdSocket.from(dup(one.fd))
  t.teardown(() => kept.close())
  const waiting = one.receive()
  one.close()
  await t.throwsAsync(waiting, canceled)
  await kept.send('still here')
  t.deepEqual(await received(other), ['still here', []])
  kept.close()
  t.is(await other.receive(), undefined)
})

onLinux('a socket is given to a child process', async (t) => {
  const [ours, theirs] = pairOf(t)
  const script = `
    import { FdSocket } from 'fdkit/promises'
    const socket = FdSocket.from(3)
    for await (const message of socket) await socket.send('got ' + message.data, message.fds)
  `
  const node = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'inherit', 'inherit', theirs.fd],
  })
  theirs.close()
  await ours.send('a file', [fileOf(t, 'contents')])
  t.deepEqual(await received(ours), ['got a file', ['contents']])
  ours.close()
  t.deepEqual(await once(node, 'close'), [0, null])
})

onLinux('a signal ends a receive at each moment, and no message is lost', async (t) => {
  const [one, other] = pairOf(t, 'seqpacket')
  const reason = new Error('enough')
  const aborted = { name: 'AbortError', code: 'ABORT_ERR' }
  const signal = AbortSignal.abort(reason)
  const error = await t.throwsAsync(other.receive({ signal }), aborted)
  t.is(error?.cause, reason)
  await one.send('0')
  await t.throwsAsync(other.receive({ signal }), aborted)
  let count = 0
  const next = async () => {
    t.is((await other.receive())?.data.toString(), String(count))
    count += 1
  }
  await next()
  for (let turns = 0; turns < 60; turns++) {
    const controller = new AbortController()
    const waiting = other.receive({ signal: controller.signal }).then(
      (message) => message?.data.toString(),
      (error) => error.name,
    )
    const abort = async () => {
      for (let turn = 0; turn < turns % 6; turn++) await new Promise((resolve) => setImmediate(resolve))
      controller.abort()
    }
    // The message arrives before, with or after the abort.
    await Promise.all(
      turns % 2 === 0 ? [abort(), one.send(String(count))] : [one.send(String(count)), abort()],
    )
    const outcome = await waiting
    if (outcome === 'AbortError') await next()
    else t.is(outcome, String(count++))
  }
  t.is(count, 61)
})

onLinux('a signal ends one of several receives', async (t) => {
  const [one, other] = pairOf(t, 'seqpacket')
  const controller = new AbortController()
  const [first, second, third] = [
    other.receive(),
    other.receive({ signal: controller.signal }),
    other.receive(),
  ]
  controller.abort()
  await t.throwsAsync(second!, { name: 'AbortError' })
  await one.send('a')
  await one.send('b')
  t.deepEqual([String((await first!)?.data), String((await third!)?.data)], ['a', 'b'])
})

onLinux('many receives share a signal without a warning', async (t) => {
  const warnings: Error[] = []
  const listener = (warning: Error) => void warnings.push(warning)
  process.on('warning', listener)
  const [, other] = pairOf(t)
  const controller = new AbortController()
  const all = Array.from({ length: 50 }, () => other.receive({ signal: controller.signal }))
  controller.abort()
  for (const each of await Promise.allSettled(all)) t.is(each.status, 'rejected')
  await sleep(1)
  process.off('warning', listener)
  t.deepEqual(warnings, [])
})

// Connecting and listening

onLinux('a server listens at a path, and each connection has the ids of its peer', async (t) => {
  for (const type of ['stream', 'seqpacket'] as const) {
    const path = `${makeTree(t, {})}/server.sock`
    await using server = await FdSocket.listen(path, { type, mode: 0o600 })
    t.true(server instanceof FdListener)
    t.is(fs.statSync(path).mode & 0o777, 0o600)
    using client = await FdSocket.connect(path, { type })
    using connection = (await server.accept())!
    t.is(connection.type, type)
    const expected = { pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() }
    t.deepEqual([client.peer, connection.peer], [expected as never, expected as never])
    await client.send('hello', [fileOf(t, 'f')])
    t.deepEqual(await received(connection), ['hello', ['f']])
  }
})

onLinux('the iterable of a server yields connections until it is closed', async (t) => {
  const path = `${makeTree(t, {})}/server.sock`
  const server = await FdSocket.listen(path)
  const clients = await Promise.all(Array.from({ length: 20 }, () => FdSocket.connect(path)))
  let count = 0
  for await (const connection of server) {
    await connection.send(String(count))
    connection.close()
    count += 1
    if (count === 10) break
  }
  const waiting = (async () => {
    for await (const connection of server) {
      connection.close()
      count += 1
    }
  })()
  await until(() => count === 20)
  const accepting = server.accept()
  server.close()
  server.close()
  await waiting
  t.is(await accepting, undefined)
  t.is(await server.accept(), undefined)
  for await (const _ of server) t.fail()
  t.throws(() => server.fd, { ...closed, message: 'Invalid state: the FdListener is closed' })
  for (const client of clients) client.close()
})

onLinux('a signal ends accept, and no connection is lost', async (t) => {
  const path = `${makeTree(t, {})}/server.sock`
  using server = await FdSocket.listen(path)
  const controller = new AbortController()
  const accepting = server.accept({ signal: controller.signal })
  controller.abort()
  await t.throwsAsync(accepting, { name: 'AbortError' })
  await t.throwsAsync(server.accept({ signal: controller.signal }), { name: 'AbortError' })
  using client = await FdSocket.connect(path)
  using connection = (await server.accept())!
  await client.send('x')
  t.deepEqual(await received(connection), ['x', []])
})

onLinux('closing a server removes its file, but not that of another', async (t) => {
  const top = makeTree(t, {})
  const path = `${top}/server.sock`
  const first = await FdSocket.listen(path)
  await t.throwsAsync(FdSocket.listen(path), { code: 'EADDRINUSE', message: /bind '.*server.sock'/ })
  fs.renameSync(path, `${top}/moved.sock`)
  const second = await FdSocket.listen(path)
  first.close()
  t.deepEqual(fs.readdirSync(top).toSorted(), ['moved.sock', 'server.sock'])
  second.close()
  t.deepEqual(fs.readdirSync(top), ['moved.sock'])
})

onLinux('a relative path stays in its place when the working directory changes', async (t) => {
  const top = makeTree(t, { a: {}, b: {} })
  const cwd = process.cwd()
  t.teardown(() => process.chdir(cwd))
  process.chdir(`${top}/a`)
  const server = await FdSocket.listen('server.sock')
  process.chdir(`${top}/b`)
  fs.writeFileSync('server.sock', '')
  server.close()
  t.deepEqual([fs.readdirSync('../a'), fs.readdirSync('.')], [[], ['server.sock']])
})

onLinux('paths start from dirFd, and may be of any length, or bytes', async (t) => {
  const deep = `${'d'.repeat(200)}/${'e'.repeat(200)}`
  const top = makeTree(t, { dir: {} })
  fs.mkdirSync(`${top}/${deep}`, { recursive: true })
  const dirFd = fs.openSync(top, 'r')
  t.teardown(() => fs.closeSync(dirFd))
  const before = countFds()
  const all: [string | Buffer | URL, number | undefined][] = [
    ['dir/s', dirFd],
    [`${deep}/s`, dirFd],
    [`${top}/${deep}/s`, undefined],
    [Buffer.from(`${top}/s`), undefined],
    [Buffer.from('s'), dirFd],
    [new URL(`file://${top}/s`), undefined],
    [Buffer.from([0x73, 0xff]), dirFd],
  ]
  for (const [path, fd] of all) {
    const server = await FdSocket.listen(path, { dirFd: fd })
    const client = await FdSocket.connect(path, { dirFd: fd })
    const connection = (await server.accept())!
    await client.send('x')
    t.deepEqual(await received(connection), ['x', []])
    for (const each of [server, client, connection]) each.close()
  }
  t.is(countFds(), before)
  t.deepEqual(fs.readdirSync(top).toSorted(), ['d'.repeat(200), 'dir'])
  t.deepEqual(fs.readdirSync(`${top}/${deep}`), [])
})

onLinux('dirFd may be closed and reused while a call is pending', async (t) => {
  const top = makeTree(t, { one: {}, two: {} })
  // The call opens descriptors on its thread. Lower numbers are free for them.
  const lower = Array.from({ length: 20 }, () => fs.openSync(top, 'r'))
  const dirFd = fs.openSync(`${top}/one`, 'r')
  for (const fd of lower) fs.closeSync(fd)
  const listening = FdSocket.listen('s', { dirFd })
  fs.closeSync(dirFd)
  reopen(dirFd, `${top}/two`)
  const server = await listening
  t.deepEqual([fs.readdirSync(`${top}/one`), fs.readdirSync(`${top}/two`)], [['s'], []])
  server.close()
  t.deepEqual(fs.readdirSync(`${top}/one`), [])
  fs.closeSync(dirFd)
})

onLinux('an abstract name is in no directory', async (t) => {
  const name = `fdkit-test-${process.pid}`
  for (const path of [`\0${name}`, Buffer.from(`\0${name}`)]) {
    using server = await FdSocket.listen(path, { dirFd: 0 })
    await t.throwsAsync(FdSocket.listen(path), { code: 'EADDRINUSE' })
    using client = await FdSocket.connect(path)
    using connection = (await server.accept())!
    await client.send('x')
    t.deepEqual(await received(connection), ['x', []])
    t.true(fs.readFileSync('/proc/net/unix', 'latin1').includes(`@${name}`))
  }
  await t.throwsAsync(FdSocket.connect(`\0${name}`), { code: 'ECONNREFUSED' })
  await t.throwsAsync(FdSocket.connect('\0'), { code: 'ERR_INVALID_ARG_VALUE', message: /a name after/ })
  await t.throwsAsync(FdSocket.connect('\0a\0b'), { code: 'ERR_INVALID_ARG_VALUE', message: /null bytes/ })
  await t.throwsAsync(FdSocket.connect(`\0${'x'.repeat(200)}`), {
    code: 'ENAMETOOLONG',
    message: /, connect /,
  })
})

onLinux('a socket of type dgram is bound, and receives from everybody', async (t) => {
  const path = `${makeTree(t, {})}/log.sock`
  const bound = await FdSocket.bind(path, { mode: 0o700 })
  t.is(fs.statSync(path).mode & 0o777, 0o700)
  const senders = await Promise.all([1, 2].map(() => FdSocket.connect(path, { type: 'dgram' })))
  for (const [index, sender] of senders.entries())
    await sender.send(`from ${index}`, [fileOf(t, String(index))])
  t.deepEqual(await received(bound), ['from 0', ['0']])
  t.deepEqual(await received(bound), ['from 1', ['1']])
  t.throws(() => bound.peer, { code: 'ENOTCONN' })
  bound.close()
  t.false(fs.existsSync(path))
  await t.throwsAsync(senders[0]!.send('x'), { code: 'ECONNREFUSED' })
  for (const sender of senders) sender.close()
})

onLinux('connecting fails as the kernel says', async (t) => {
  const top = makeTree(t, { file: '' })
  await t.throwsAsync(FdSocket.connect(`${top}/none`), {
    code: 'ENOENT',
    message: /^ENOENT: no such file or directory, connect '.*\/none'/,
  })
  await t.throwsAsync(FdSocket.connect(`${top}/file`), { code: 'ECONNREFUSED' })
  await t.throwsAsync(FdSocket.connect(''), { code: 'ENOENT' })
  await t.throwsAsync(FdSocket.listen(`${top}/none/s`), { code: 'ENOENT' })
  using server = await FdSocket.listen(`${top}/s`)
  void server
  await t.throwsAsync(FdSocket.connect(`${top}/s`, { type: 'seqpacket' }), { code: 'EPROTOTYPE' })
  const dirFd = fs.openSync(top, 'r')
  t.teardown(() => fs.closeSync(dirFd))
  const error = await t.throwsAsync(FdSocket.connect('none', { dirFd }))
  t.regex(error!.message, /connect 'none' in '.*' \(FdSocket.connect\)$/)
  await t.throwsAsync(FdSocket.connect('none', { dirFd: 999_999 }), { code: 'EBADF' })
})

asRoot('the mode decides who may connect', (t) => {
  const top = makeTree(t, {})
  fs.chmodSync(top, 0o755)
  const found = child<string[]>(
    `
    import { FdSocket } from 'fdkit/promises'
    const [closed, open] = [await FdSocket.listen(args[0] + '/closed', { mode: 0o700 }), await FdSocket.listen(args[0] + '/open', { mode: '0777' })]
    nobody()
    const outcome = (name) => FdSocket.connect(args[0] + name).then((socket) => socket.type, (error) => error.code)
    answer([await outcome('/closed'), await outcome('/open')])
    process.exit()
  `,
    { args: [top], shell: 'umask 0' },
  )
  t.deepEqual(found, ['EACCES', 'stream'])
})

onLinux('a full queue makes connect wait, until its signal aborts', async (t) => {
  const path = `${makeTree(t, {})}/s`
  using server = await FdSocket.listen(path, { backlog: 1 })
  const clients: FdSocket[] = []
  const connecting = Array.from({ length: 10 }, async () => {
    clients.push(await FdSocket.connect(path))
  })
  await sleep(100)
  t.true(clients.length < 5, String(clients.length))
  const signal = AbortSignal.timeout(30)
  await t.throwsAsync(FdSocket.connect(path, { signal }), { name: 'AbortError' })
  await t.throwsAsync(FdSocket.connect(path, { signal }), { name: 'AbortError' })
  for (let count = 0; count < 10; count++) (await server.accept())!.close()
  await Promise.all(connecting)
  t.is(clients.length, 10)
  for (const client of clients) client.close()
})

onLinux('neither waiting nor connecting occupies libuv’s pool', async (t) => {
  const path = `${makeTree(t, {})}/s`
  using server = await FdSocket.listen(path, { backlog: 0 })
  const controller = new AbortController()
  const { signal } = controller
  const all = [
    ...Array.from({ length: 20 }, () => FdSocket.connect(path, { signal })),
    ...Array.from({ length: 20 }, () => pairOf(t)[0].receive({ signal })),
    ...Array.from({ length: 20 }, () => pairOf(t)[0].send(Buffer.alloc(5 << 20))),
  ]
  for (let round = 0; round < 20; round++) await stat('/')
  controller.abort()
  void server
  for (const outcome of await Promise.allSettled(all.slice(0, 40))) {
    if (outcome.status === 'fulfilled') (outcome.value as FdSocket).close()
  }
  for (const sending of all.slice(40)) sending.catch(() => {})
  t.pass()
})

// Descriptors of others

onLinux('from takes over a descriptor, and listen one that listens', async (t) => {
  const [one, other] = socketpair()
  const sockets = [one, other].map((fd) => FdSocket.from(fd))
  t.false(isOpen(one) && isOpen(other) && sockets.some(({ fd }) => fd === one || fd === other))
  await sockets[0]!.send('x')
  t.deepEqual(await received(sockets[1]!), ['x', []])
  for (const socket of sockets) socket.close()

  const path = `${makeTree(t, {})}/s`
  const first = await FdSocket.listen(path)
  const server = await FdSocket.listen(dup(first.fd))
  using client = await FdSocket.connect(path)
  using connection = (await server.accept())!
  await client.send('y')
  t.deepEqual(await received(connection), ['y', []])
  server.close()
  t.true(fs.existsSync(path), 'the file belongs to the first')
  first.close()
})

onLinux('from and listen leave a descriptor open that they do not take', async (t) => {
  const file = fileOf(t)
  const listening = await FdSocket.listen(`${makeTree(t, {})}/s`)
  t.teardown(() => listening.close())
  const [connected, other] = socketpair()
  const before = countFds()
  t.throws(() => FdSocket.from(file), { code: 'ENOTSOCK' })
  t.throws(() => FdSocket.from(999_999), { code: 'EBADF' })
  t.throws(() => FdSocket.from(-1), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => FdSocket.from({ fd: 1 } as never), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => FdSocket.from(listening.fd), { ...closed, message: /FdSocket.listen/ })
  await t.throwsAsync(FdSocket.listen(connected), { ...closed, message: /does not listen/ })
  const net = await import('node:net')
  const tcp = net.createServer().listen(0)
  await once(tcp, 'listening')
  const { fd } = Reflect.get(tcp, '_handle') as { fd: number }
  t.throws(() => FdSocket.from(fd), { code: 'EPROTOTYPE', message: /this is not a Unix socket$/ })
  tcp.close()
  await once(tcp, 'close')
  t.is(countFds(), before)
  fs.closeSync(connected)
  fs.closeSync(other)
})

onLinux('pidfd opens the process on the other side if the kernel can', async (t) => {
  const path = `${makeTree(t, {})}/s`
  using server = await FdSocket.listen(path)
  const script = `import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); sys.stdin.read()`
  const python = spawn('python3', ['-c', script, path], { stdio: ['pipe', 'ignore', 'inherit'] })
  using connection = (await server.accept())!
  t.is(connection.peer.pid, python.pid)
  try {
    const pidfd = connection.pidfd()
    t.regex(fs.readFileSync(`/proc/self/fdinfo/${pidfd}`, 'utf8'), new RegExp(`^Pid:\\s+${python.pid}$`, 'm'))
    if (process.getuid?.() === 0) fs.closeSync(pidfdGetfd(pidfd, 0))
    fs.closeSync(pidfd)
  } catch (error) {
    t.is((error as NodeJS.ErrnoException).code, 'ENOSYS')
  }
  python.stdin.end()
  await once(python, 'close')
})

// Life

const lives = (script: string) =>
  child<string>(`
    import { FdSocket } from 'fdkit/promises'
    const [one, other] = FdSocket.pair()
    let end = 'idle'
    process.on('exit', () => answer(end))
    ${script}
  `)

onLinux('an idle socket lets the process end, and a waiting call does not', (t) => {
  t.is(lives(''), 'idle')
  t.is(
    lives("other.receive().then(() => { end = 'received' }); setTimeout(() => one.send('x'), 100).unref()"),
    'received',
  )
  t.is(
    lives(
      "one.send(Buffer.alloc(5 << 20)).then(() => { end = 'sent' }); other.unref(); (async () => { for await (const _ of other); })()",
    ),
    'sent',
  )
})

onLinux('unref lets the process end although calls wait, and ref undoes it', (t) => {
  t.is(lives("other.unref().receive().then(() => { end = 'received' })"), 'idle')
  t.is(lives('const waiting = other.receive(); other.unref()'), 'idle')
  t.is(
    lives(
      "other.unref(); other.receive().then(() => { end = 'received' }); other.ref().ref(); setTimeout(() => one.send('x'), 100).unref()",
    ),
    'received',
  )
  // A timer of its own keeps the process alive, so the result is still delivered.
  t.is(
    lives(
      `other.unref(); other.receive().then(() => { end = 'received' }); setTimeout(() => one.send('x'), 50); setTimeout(() => {}, ${patience(500)})`,
    ),
    'received',
  )
  t.is(
    lives("const server = await FdSocket.listen('\\0fdkit-unref-' + process.pid); server.unref().accept()"),
    'idle',
  )
})

onLinux('process.exit ends a process with calls that wait', (t) => {
  t.is(
    lives(
      'for (let i = 0; i < 50; i++) { other.receive(); FdSocket.pair()[0].receive() }; end = "exit"; process.exit()',
    ),
    'exit',
  )
})

onLinux('a peer that floods does not stop the event loop', async (t) => {
  const [one, other] = pairOf(t)
  const end = new AbortController()
  const flood = (async () => {
    while (!end.signal.aborted) await one.send(Buffer.alloc(1000))
  })()
  const drain = (async () => {
    while (!end.signal.aborted) await other.receive()
  })()
  // Both loops have a result at once most of the time.
  for (let turn = 0; turn < 100; turn++) await sleep(1)
  end.abort()
  one.close()
  await Promise.allSettled([flood, drain])
  t.pass()
})

onLinux('the constructors are not public', (t) => {
  for (const type of [FdSocket, FdListener, FdMessage]) {
    t.throws(() => Reflect.construct(type, []), { code: 'ERR_ILLEGAL_CONSTRUCTOR' })
  }
})

onLinux('wrong arguments are rejected, in the words of Node', async (t) => {
  const [one] = pairOf(t)
  const wrong: [() => Promise<unknown>, string][] = [
    [() => FdSocket.connect(5 as never), 'ERR_INVALID_ARG_TYPE'],
    [() => FdSocket.connect('a\0b'), 'ERR_INVALID_ARG_VALUE'],
    [() => FdSocket.connect('x', { type: 'raw' as never }), 'ERR_INVALID_ARG_VALUE'],
    [() => FdSocket.connect('x', { mode: 5 } as never), 'ERR_INVALID_ARG_VALUE'],
    [() => FdSocket.connect('x', { signal: 5 as never }), 'ERR_INVALID_ARG_TYPE'],
    [() => FdSocket.connect('x', { dirFd: 'x' as never }), 'ERR_INVALID_ARG_TYPE'],
    [() => FdSocket.listen('x', { type: 'dgram' as never }), 'ERR_INVALID_ARG_VALUE'],
    [() => FdSocket.listen('x', { backlog: -1 }), 'ERR_OUT_OF_RANGE'],
    [() => FdSocket.listen('x', { mode: 'rwx' }), 'ERR_INVALID_ARG_VALUE'],
    [() => FdSocket.listen(999_999, { backlog: 'x' as never }), 'ERR_INVALID_ARG_TYPE'],
    [() => FdSocket.listen(-1), 'ERR_OUT_OF_RANGE'],
    [() => FdSocket.listen(999_999), 'EBADF'],
    [() => FdSocket.bind('x', { backlog: 1 } as never), 'ERR_INVALID_ARG_VALUE'],
    [() => one.send(5 as never), 'ERR_INVALID_ARG_TYPE'],
    [() => one.send('x', 5 as never), 'ERR_INVALID_ARG_TYPE'],
    [() => one.send('x', [-1]), 'ERR_OUT_OF_RANGE'],
    [() => one.send('x', [999_999]), 'EBADF'],
    [() => one.send(''), 'EINVAL'],
    [() => one.send('', [0]), 'EINVAL'],
    [() => one.send('x', Array(254).fill(0)), 'EINVAL'],
    [() => one.receive(5 as never), 'ERR_INVALID_ARG_TYPE'],
    [() => one.receive({ timeout: 5 } as never), 'ERR_INVALID_ARG_VALUE'],
    [() => one.receive({ signal: {} as never }), 'ERR_INVALID_ARG_TYPE'],
  ]
  const before = countFds()
  for (const [call, code] of wrong) await t.throwsAsync(call(), { code }, String(call))
  t.throws(() => FdSocket.pair('x' as never), { code: 'ERR_INVALID_ARG_VALUE' })
  t.is(countFds(), before)
})

onLinux('audit events of Python are raised, and can refuse', (t) => {
  const path = `${makeTree(t, {})}/s`
  const found = child<unknown[]>(
    `
    import { FdSocket } from 'fdkit/promises'
    const events = []
    fdkit.addAuditHook((event, args) => {
      events.push([event, ...args.map((arg) => arg instanceof FdSocket ? 'socket' : arg ?? null)])
      if (String(args[1]).includes('secret')) throw new Error('refused')
    })
    const server = await FdSocket.listen(args[0])
    const client = await FdSocket.connect(args[0], { dirFd: 0 })
    await client.send('x')
    const refused = await FdSocket.connect('secret').catch((error) => error.message)
    server.close()
    answer([...events, refused])
  `,
    { args: [path] },
  )
  t.deepEqual(found, [
    ['socket.bind', null, path, -1],
    ['socket.connect', null, path, 0],
    ['socket.sendmsg', 'socket', null],
    ['socket.connect', null, 'secret', -1],
    'refused',
  ])
})

onLinux('a server restarts: its old file is in the way only if it was killed', async (t) => {
  const path = `${makeTree(t, {})}/s`
  const script = `
    import { FdSocket } from 'fdkit/promises'
    const [path, end] = process.argv.slice(-2)
    const server = await FdSocket.listen(path)
    if (end === 'close') server.close()
    else process.kill(process.pid, 'SIGKILL')
  `
  const run = (end: string) =>
    execFileSync(process.execPath, ['--input-type=module', '-e', script, '--', path, end])
  run('close')
  t.false(fs.existsSync(path))
  t.throws(() => run('kill'))
  await t.throwsAsync(FdSocket.listen(path), { code: 'EADDRINUSE' })
  fs.unlinkSync(path)
  ;(await FdSocket.listen(path)).close()
})
