// Tests sendFds, recvFds and socketpair, and the facts of unix(7) that they rest on. Each fact holds for
// the functions of fdkit and of fdkit/promises.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'

import test, { type ExecutionContext } from 'ava'
import * as fdkit from 'fdkit'
import * as promises from 'fdkit/promises'

import { child } from '../helpers/child.js'
import { countFds, identity, isOpen } from '../helpers/fds.js'
import { emulated, notLinux, notRoot, unless } from '../helpers/platform.js'
import { makeTree } from '../helpers/tree.js'

const { MSG_CTRUNC, MSG_DONTWAIT, MSG_PEEK, MSG_TRUNC, memfdCreate, socketpair } = fdkit

// Descriptors are numbers of the whole process, so one test runs at a time.
const onLinux = unless(notLinux, test.serial)

/** The functions that both kinds share, as promises. */
interface Functions {
  sendFds(...args: Parameters<typeof fdkit.sendFds>): number | Promise<number>
  recvFds(...args: Parameters<typeof fdkit.recvFds>): fdkit.ReceivedFds | Promise<fdkit.ReceivedFds>
}

const kinds: [string, Functions][] = [
  ['fdkit', fdkit],
  ['fdkit/promises', promises],
]

function closing(t: ExecutionContext, fds: number[]): void {
  t.teardown(() => {
    for (const fd of fds) if (isOpen(fd)) fs.closeSync(fd)
  })
}

function pair(t: ExecutionContext, type?: fdkit.SocketType): [number, number] {
  const made = socketpair(type)
  closing(t, made)
  return made
}

function file(t: ExecutionContext, contents = ''): number {
  const fd = memfdCreate('file')
  fs.writeSync(fd, contents)
  closing(t, [fd])
  return fd
}

const dontWait = { flags: MSG_DONTWAIT }
const text = (fd: number) => fs.readFileSync(`/proc/self/fd/${fd}`, 'utf8')
/** Calls a function that throws or rejects. */
const failure = async (run: () => unknown): Promise<NodeJS.ErrnoException> => {
  try {
    await run()
  } catch (error) {
    return error as NodeJS.ErrnoException
  }
  throw new Error('nothing was thrown')
}

for (const [name, { sendFds, recvFds }] of kinds) {
  onLinux(`${name}: bytes and descriptors arrive, of each type`, async (t) => {
    for (const type of ['stream', 'seqpacket', 'dgram'] as const) {
      const [one, other] = pair(t, type)
      const sent = [file(t, 'first'), file(t, 'second')]
      t.is(await sendFds(one, 'héllo', sent), 6)
      const { data, fds, flags } = await recvFds(other, 100, 5)
      closing(t, fds)
      t.deepEqual([data.toString(), fds.map(text), flags], ['héllo', ['first', 'second'], 0])
      t.true(Buffer.isBuffer(data))
      t.deepEqual(fds.map(identity), sent.map(identity))
      t.true(fds.every((fd) => !sent.includes(fd)))
    }
  })

  onLinux(`${name}: data may be a string, a view or a buffer`, async (t) => {
    const [one, other] = pair(t, 'seqpacket')
    const bytes = Uint8Array.of(1, 2, 3, 4)
    const shared = new SharedArrayBuffer(4)
    new Uint8Array(shared).set(bytes)
    const all = [bytes, bytes.buffer, shared, new DataView(bytes.buffer, 1, 2), Buffer.from(bytes), 'text']
    for (const data of all) {
      const length = typeof data === 'string' ? 4 : data.byteLength
      t.is(await sendFds(one, data as Uint8Array, []), length)
      t.is((await recvFds(other, 100, 0)).data.length, length)
    }
  })

  onLinux(`${name}: descriptors may be objects with an fd`, async (t) => {
    const [one, other] = pair(t)
    await using handle = await fs.promises.open('/dev/null')
    await sendFds({ fd: one }, 'x', [handle])
    const { fds } = await recvFds({ fd: other }, 1, 1)
    closing(t, fds)
    t.is(identity(fds[0]!), identity(handle.fd))
  })

  onLinux(`${name}: descriptors without a byte of data are an error, on each type`, async (t) => {
    for (const type of ['stream', 'seqpacket', 'dgram'] as const) {
      const [one, other] = pair(t, type)
      const error = await failure(() => sendFds(one, '', [one]))
      t.deepEqual([error.code, error.syscall], ['EINVAL', 'sendmsg'])
      t.regex(error.message, /descriptors need at least one byte of data$/)
      t.is((await failure(() => recvFds(other, 1, 1, dontWait))).code, 'EAGAIN')
    }
  })

  onLinux(`${name}: bytes that were sent before arrive with the message that has descriptors`, async (t) => {
    const [one, other] = pair(t)
    await sendFds(one, 'before,', [])
    await sendFds(one, 'with,', [file(t)])
    await sendFds(one, 'after', [])
    const { data, fds } = await recvFds(other, 100, 1)
    closing(t, fds)
    t.deepEqual([data.toString(), fds.length], ['before,with,', 1])
    t.is((await recvFds(other, 100, 1)).data.toString(), 'after')
  })

  onLinux(`${name}: read drops the descriptors of the bytes silently`, async (t) => {
    const [one, other] = pair(t)
    const fd = file(t)
    await sendFds(one, 'x', [fd])
    const before = countFds()
    t.is(fs.readSync(other, Buffer.alloc(10)), 1)
    t.is(countFds(), before)
    await sendFds(one, 'y', [fd])
    const { fds } = await recvFds(other, 1, 1)
    closing(t, fds)
    t.is(fds.length, 1)
  })

  unless(notLinux || (emulated && 'the emulator leaks descriptors that have no room'))(
    `${name}: too little room for descriptors sets MSG_CTRUNC and closes the others`,
    async (t) => {
      const [one, other] = pair(t)
      const fd = file(t)
      for (const room of [0, 1, 2, 3]) {
        await sendFds(one, 'x', [fd, fd, fd, fd, fd])
        const before = countFds()
        const { data, fds, flags } = await recvFds(other, 10, room)
        t.is(data.toString(), 'x')
        // The kernel rounds the room up to pairs.
        t.true(fds.length >= room && fds.length <= room + 1, String(fds.length))
        t.is(countFds(), before + fds.length)
        t.is(flags, MSG_CTRUNC)
        for (const each of fds) fs.closeSync(each)
      }
    },
  )

  onLinux(`${name}: 253 descriptors arrive, and 254 are EINVAL`, async (t) => {
    const [one, other] = pair(t)
    const fd = file(t)
    const before = countFds()
    const error = await failure(() => sendFds(one, 'x', Array(254).fill(fd)))
    t.deepEqual([error.code, error.syscall], ['EINVAL', 'sendmsg'])
    t.regex(error.message, /a message has at most 253 descriptors$/)
    t.is((await failure(() => recvFds(other, 1, 254))).code, 'EINVAL')
    await sendFds(one, 'x', Array(253).fill(fd))
    const { fds, flags } = await recvFds(other, 1, 253)
    t.deepEqual([fds.length, flags], [253, 0])
    for (const each of fds) fs.closeSync(each)
    t.is(countFds(), before)
  })

  onLinux(`${name}: child processes do not inherit received descriptors`, async (t) => {
    const [one, other] = pair(t)
    const fd = file(t)
    fdkit.setInheritable(fd, true)
    await sendFds(one, 'x', [fd])
    const { fds } = await recvFds(other, 1, 1)
    closing(t, fds)
    t.false(fdkit.getInheritable(fds[0]!))
    t.deepEqual([one, other].map(fdkit.getInheritable), [false, false])
  })

  onLinux(
    `${name}: a long send that must not wait sends part of the bytes, and the descriptor once`,
    async (t) => {
      const [one, other] = pair(t)
      const sent = await sendFds(one, Buffer.alloc(10 << 20), [file(t)], dontWait)
      t.true(sent > 0 && sent < 10 << 20)
      let [bytes, count] = [0, 0]
      while (bytes < sent) {
        const { data, fds } = await recvFds(other, 1 << 20, 253)
        bytes += data.length
        count += fds.length
        closing(t, fds)
      }
      t.deepEqual([bytes, count], [sent, 1])
      t.is((await failure(() => recvFds(other, 1, 1, dontWait))).code, 'EAGAIN')
    },
  )

  onLinux(`${name}: flags are passed on and returned`, async (t) => {
    const [one, other] = pair(t, 'seqpacket')
    await sendFds(one, 'longer', [file(t)])
    const peeked = await recvFds(other, 3, 1, { flags: MSG_PEEK })
    t.deepEqual([peeked.data.toString(), peeked.fds.length, peeked.flags & MSG_TRUNC], ['lon', 1, MSG_TRUNC])
    const received = await recvFds(other, 10, 1)
    closing(t, [...peeked.fds, ...received.fds])
    t.deepEqual([received.data.toString(), received.fds.length, received.flags & MSG_TRUNC], ['longer', 1, 0])
  })

  onLinux(`${name}: the end of a stream has no bytes, and a closed other side is EPIPE`, async (t) => {
    const [one, other] = pair(t)
    fs.closeSync(one)
    t.deepEqual(await recvFds(other, 10, 1), { data: Buffer.alloc(0), fds: [], flags: 0 })
    const error = await failure(() => sendFds(other, 'x', []))
    t.deepEqual([error.code, error.syscall], ['EPIPE', 'sendmsg'])
  })

  onLinux(`${name}: descriptors that are not open, or no sockets, are errors`, async (t) => {
    const [one] = pair(t)
    const codes = async (fd: number) => [
      (await failure(() => sendFds(fd, 'x', []))).code,
      (await failure(() => recvFds(fd, 1, 1))).code,
    ]
    t.deepEqual(await codes(999_999), ['EBADF', 'EBADF'])
    t.deepEqual(await codes(file(t)), ['ENOTSOCK', 'ENOTSOCK'])
    t.is((await failure(() => sendFds(one, 'x', [999_999]))).code, 'EBADF')
    t.is((await failure(() => sendFds(one, 'x', [0, 999_999, 1]))).code, 'EBADF')
  })

  onLinux(`${name}: too many descriptors in flight are ETOOMANYREFS`, (t) => {
    // As another user, since root has no limit of descriptors in flight.
    const found = child<unknown[]>(
      `
      import * as promises from 'fdkit/promises'
      const { sendFds } = args[0] === 'fdkit' ? fdkit : promises
      if (process.getuid() === 0) nobody()
      const [one] = fdkit.socketpair()
      const file = fs.openSync('/dev/null')
      let sent = 0
      try {
        for (; sent < 10_000; sent += 100) await sendFds(one, 'x', Array(100).fill(file), { flags: fdkit.MSG_DONTWAIT })
      } catch ({ code, syscall }) {
        answer([code, syscall, sent])
      }
    `,
      { args: [name], shell: 'ulimit -n 200' },
    )
    t.deepEqual(found.slice(0, 2), ['ETOOMANYREFS', 'sendmsg'])
    t.true((found[2] as number) <= 400)
  })

  onLinux(`${name}: descriptors are sent as they are at the time of the call`, async (t) => {
    const [one, other] = pair(t)
    const fd = memfdCreate('closed at once')
    const id = identity(fd)
    const sending = sendFds(one, 'x', [fd])
    fs.closeSync(fd)
    await sending
    const { fds } = await recvFds(other, 1, 1)
    closing(t, fds)
    t.is(identity(fds[0]!), id)
  })
}

onLinux('fdkit/promises: a receive waits for its message, outside of libuv’s pool', async (t) => {
  const pairs = Array.from({ length: 20 }, () => pair(t))
  const receives = pairs.map(([, other]) => promises.recvFds(other, 10, 1))
  // All threads of the pool are free.
  await Promise.all(Array.from({ length: 20 }, () => promises.stat('/')))
  for (const [index, [one]] of pairs.entries()) fdkit.sendFds(one, String(index), [one])
  for (const [index, receive] of receives.entries()) {
    const { data, fds } = await receive
    closing(t, fds)
    t.deepEqual([data.toString(), fds.length], [String(index), 1])
  }
})

onLinux('fdkit/promises: a send waits until all bytes are sent', async (t) => {
  const [one, other] = pair(t)
  const sending = promises.sendFds(one, Buffer.alloc(5 << 20, 1), [file(t)])
  let [bytes, count] = [0, 0]
  while (bytes < 5 << 20) {
    const { data, fds } = await promises.recvFds(other, 1 << 20, 253)
    bytes += data.length
    count += fds.length
    closing(t, fds)
  }
  t.deepEqual([await sending, count], [5 << 20, 1])
})

onLinux('fdkit/promises: a socket that does not block fails with EAGAIN', async (t) => {
  const found = child<string[]>(`
    import * as promises from 'fdkit/promises'
    import { execFileSync } from 'node:child_process'
    const [one, other] = fdkit.socketpair()
    const code = (promise) => promise.then(() => 'none', (error) => error.code)
    // A program that sets O_NONBLOCK on its standard input, which shares the open file.
    const set = 'import fcntl; fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | 0o4000)'
    execFileSync('python3', ['-c', set], { stdio: [other, 'inherit', 'inherit'] })
    execFileSync('python3', ['-c', set], { stdio: [one, 'inherit', 'inherit'] })
    const received = await code(promises.recvFds(other, 1, 1))
    const sent = await promises.sendFds(one, Buffer.alloc(10 << 20), [])
    answer([received, String(sent < 10 << 20), await code(promises.sendFds(one, 'x', []))])
  `)
  t.deepEqual(found, ['EAGAIN', 'true', 'EAGAIN'])
})

onLinux('fdkit/promises: a call that waits keeps the process alive until it has ended', (t) => {
  const script = (send: string) => `
    import * as promises from 'fdkit/promises'
    const [one, other] = fdkit.socketpair()
    promises.recvFds(other, 10, 1).then(({ data }) => answer(data.toString()))
    ${send}
  `
  const timer = "setTimeout(() => fdkit.sendFds(one, 'later', []), 100).unref()"
  t.is(child(script(timer)), 'later')
})

onLinux('descriptors arrive in a child process, which need not be Node.js', async (t) => {
  const [ours, theirs] = pair(t)
  const program = `
import array, os, socket, sys
sock = socket.socket(fileno=3)
data, fds, flags, address = socket.recv_fds(sock, 100, 4)
os.write(1, data + b':' + os.pread(fds[0], 100, 0))
  `
  const python = spawn('python3', ['-c', program], { stdio: ['ignore', 'pipe', 'inherit', theirs] })
  fs.closeSync(theirs)
  fdkit.sendFds(ours, 'name', [file(t, 'contents')])
  const [chunk] = await once(python.stdout!, 'data')
  t.is(String(chunk), 'name:contents')
  await once(python, 'close')
})

onLinux('socketpair has the three types, and rejects others', (t) => {
  for (const type of ['stream', 'seqpacket', 'dgram'] as const) {
    const [one, other] = pair(t, type)
    fdkit.sendFds(one, 'a', [])
    fdkit.sendFds(one, 'b', [])
    t.is(fdkit.recvFds(other, 9, 0).data.toString(), type === 'stream' ? 'ab' : 'a')
    t.true(fs.fstatSync(one).isSocket())
  }
  t.throws(() => socketpair('raw' as never), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /must be one of 'stream', 'seqpacket', 'dgram'/,
  })
})

test('wrong arguments are errors in the words of Node', async (t) => {
  const wrong: [unknown[], string, RegExp][] = [
    [[-1, 'x', []], 'ERR_OUT_OF_RANGE', /"fd"/],
    [[0, 5, []], 'ERR_INVALID_ARG_TYPE', /"data"/],
    [[0, 'x', 5], 'ERR_INVALID_ARG_TYPE', /"fds" argument must be an instance of Array/],
    [[0, 'x'], 'ERR_INVALID_ARG_TYPE', /"fds"/],
    [[0, 'x', [0, 'y']], 'ERR_INVALID_ARG_TYPE', /"fds\[1\]"/],
    // oxlint-disable-next-line no-sparse-arrays -- a hole
    [[0, 'x', [0, , 1]], 'ERR_INVALID_ARG_TYPE', /"fds\[1\]"/],
    [[0, 'x', [], { flag: 1 }], 'ERR_INVALID_ARG_VALUE', /is not an option of sendFds/],
    [[0, 'x', [], { flags: 'x' }], 'ERR_INVALID_ARG_TYPE', /"options.flags"/],
  ]
  for (const [args, code, message] of wrong) {
    const call = () => fdkit.sendFds(...(args as Parameters<typeof fdkit.sendFds>))
    t.throws(call, { code, message }, JSON.stringify(args))
    await t.throwsAsync(promises.sendFds(...(args as Parameters<typeof fdkit.sendFds>)), { code, message })
  }
  const wrongReceives: [unknown[], string][] = [
    [['x', 1, 1], 'ERR_INVALID_ARG_TYPE'],
    [[0, -1, 1], 'ERR_OUT_OF_RANGE'],
    [[0, 2 ** 31, 1], 'ERR_OUT_OF_RANGE'],
    [[0, 1, 1.5], 'ERR_OUT_OF_RANGE'],
    [[0, 1], 'ERR_INVALID_ARG_TYPE'],
    [[0, 1, 1, 5], 'ERR_INVALID_ARG_TYPE'],
  ]
  for (const [args, code] of wrongReceives) {
    const call = () => fdkit.recvFds(...(args as Parameters<typeof fdkit.recvFds>))
    t.throws(call, { code }, JSON.stringify(args))
    await t.throwsAsync(promises.recvFds(...(args as Parameters<typeof fdkit.recvFds>)), { code })
  }
})

onLinux('nothing stays open after thousands of messages, whether they succeed or not', async (t) => {
  const [one, other] = pair(t)
  const fd = file(t)
  const exchange = async ({ sendFds, recvFds }: Functions) => {
    await sendFds(one, 'x', [fd, fd])
    for (const each of (await recvFds(other, 9, 9)).fds) fs.closeSync(each)
    await failure(() => sendFds(one, '', [fd]))
    await failure(() => sendFds(one, 'x', [fd, 999_999]))
    await failure(() => recvFds(other, 1, 1, dontWait))
  }
  for (const [, functions] of kinds) await exchange(functions)
  const before = countFds()
  for (let round = 0; round < 1000; round++) for (const [, functions] of kinds) await exchange(functions)
  t.is(countFds(), before)
})

onLinux('the audit event of Python is raised', (t) => {
  const events = child<unknown>(`
    const [one] = fdkit.socketpair()
    const events = []
    fdkit.addAuditHook((event, args) => events.push([event, args.length, args[0] === one]))
    fdkit.sendFds(one, 'x', [])
    answer(events)
  `)
  t.deepEqual(events, [['socket.sendmsg', 2, true]])
})

unless(notLinux || notRoot, test.serial)('the other process may be of another user', (t) => {
  const top = makeTree(t, {})
  fs.chmodSync(top, 0o777)
  const [ours, theirs] = pair(t)
  fdkit.sendFds(ours, 'x', [file(t, 'for everybody')])
  const script = `nobody(); const { fds } = fdkit.recvFds(3, 1, 1); answer(fs.readFileSync(fds[0], 'utf8').length)`
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', prelude + script], {
    stdio: ['ignore', 'pipe', 'inherit', theirs],
    encoding: 'utf8',
  })
  t.is(output, '0')
})

const prelude = `
import * as fs from 'node:fs'
import * as fdkit from 'fdkit'
const answer = (value) => fs.writeSync(1, JSON.stringify(value))
const nobody = () => { process.setgroups([]); process.setgid(65534); process.setuid(65534) }
`
