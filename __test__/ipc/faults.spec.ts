// Makes each system call of the sockets fail, by strace. Each failure is an error of the call that it
// belongs to: nothing hangs, and nothing leaks.
import test from 'ava'

import { noStrace, straced } from '../helpers/strace.js'
import { unless } from '../helpers/platform.js'

const onStrace = unless(noStrace, test.serial)

const prelude = `
  const { FdSocket, recvFds, sendFds } = fdkit.promises
  const code = (promise) => promise.then(() => 'none', (error) => error.code + ' ' + error.syscall)
  const now = (run) => { try { run(); return 'none' } catch (error) { return error.code + ' ' + error.syscall } }
  const name = '\\0fdkit-faults-' + process.pid
  const path = '/tmp/fdkit-faults-' + process.pid
`

// Neither libuv nor the runtime makes these calls while the script runs.
const faults: [what: string, inject: string, script: string, expected: unknown][] = [
  [
    'socketpair',
    'socketpair:error=EMFILE',
    'answer([now(() => fdkit.socketpair()), now(() => FdSocket.pair())])',
    ['EMFILE socketpair', 'EMFILE socketpair'],
  ],
  [
    'socket',
    'socket:error=EMFILE',
    'answer([await code(FdSocket.connect(name)), await code(FdSocket.listen(name)), await code(FdSocket.bind(name))])',
    ['EMFILE socket', 'EMFILE socket', 'EMFILE socket'],
  ],
  [
    'bind',
    'bind:error=EROFS',
    'answer([await code(FdSocket.listen(path)), await code(FdSocket.bind(path))])',
    ['EROFS bind', 'EROFS bind'],
  ],
  ['listen', 'listen:error=EADDRINUSE', 'answer(await code(FdSocket.listen(name)))', 'EADDRINUSE listen'],
  [
    'connect',
    'connect:error=EACCES',
    'const server = await FdSocket.listen(name); answer(await code(FdSocket.connect(name))); server.close()',
    'EACCES connect',
  ],
  [
    'accept4',
    'accept4:error=ENFILE',
    'const server = await FdSocket.listen(name); await FdSocket.connect(name); answer(await code(server.accept())); server.close()',
    'ENFILE accept',
  ],
  [
    'accept4 once',
    'accept4:error=ECONNABORTED:when=1',
    'const server = await FdSocket.listen(name); const client = await FdSocket.connect(name); answer([await code(server.accept()), (await server.accept()).type]); server.close()',
    ['ECONNABORTED accept', 'stream'],
  ],
  [
    'sendmsg',
    'sendmsg:error=ENOBUFS',
    'const [a, b] = fdkit.socketpair(); const [one] = FdSocket.pair(); answer([now(() => fdkit.sendFds(a, "x", [0])), await code(sendFds(a, "x", [0])), await code(one.send("x", [0]))])',
    ['ENOBUFS sendmsg', 'ENOBUFS sendmsg', 'ENOBUFS sendmsg'],
  ],
  [
    'sendmsg that is interrupted',
    'sendmsg:error=EINTR:when=1',
    'const [a, b] = fdkit.socketpair(); answer([fdkit.sendFds(a, "x", [0]), fdkit.recvFds(b, 9, 9).fds.length])',
    [1, 1],
  ],
  [
    'recvmsg',
    'recvmsg:error=ECONNRESET',
    'const [a, b] = fdkit.socketpair(); const [one, other] = FdSocket.pair(); await one.send("x", [0]); answer([now(() => fdkit.recvFds(a, 1, 1)), await code(recvFds(a, 1, 1)), await code(other.receive())])',
    ['ECONNRESET recvmsg', 'ECONNRESET recvmsg', 'ECONNRESET recvmsg'],
  ],
  [
    'recvmsg that is interrupted',
    'recvmsg:error=EINTR:when=1',
    'const [a, b] = fdkit.socketpair(); fdkit.sendFds(a, "x", [0]); answer(fdkit.recvFds(b, 9, 9).fds.length)',
    1,
  ],
  [
    'poll that is interrupted',
    'poll:error=EINTR:when=1..2',
    'const [one, other] = FdSocket.pair(); const r = other.receive(); await one.send("x"); answer(String((await r).data))',
    'x',
  ],
  [
    'poll without memory',
    'poll:error=ENOMEM:when=1..2',
    'const [one, other] = FdSocket.pair(); const r = other.receive(); await one.send("x"); answer(String((await r).data))',
    'x',
  ],
  [
    'getsockopt',
    'getsockopt:error=ENOPROTOOPT',
    'const [one, other] = fdkit.socketpair(); answer(now(() => FdSocket.from(one)))',
    'ENOPROTOOPT getsockopt',
  ],
  [
    'shutdown',
    'shutdown:error=ENOTCONN',
    'const stream = FdSocket.pair()[0].toDuplex(); stream.end(); stream.on("finish", () => answer("finished"))',
    'finished',
  ],
  [
    'pidfd_open',
    'pidfd_open:error=ENOSYS',
    'answer([now(() => fdkit.pidfdOpen(1)), await code(fdkit.promises.pidfdOpen(1))])',
    ['ENOSYS pidfd_open', 'ENOSYS pidfd_open'],
  ],
  [
    'pidfd_getfd',
    'pidfd_getfd:error=EMFILE',
    'const fd = fdkit.pidfdOpen(process.pid); answer([now(() => fdkit.pidfdGetfd(fd, 0)), await code(fdkit.promises.pidfdGetfd(fd, 0))])',
    ['EMFILE pidfd_getfd', 'EMFILE pidfd_getfd'],
  ],
]

for (const [what, inject, script, expected] of faults) {
  onStrace(`a failure of ${what} is an error of its call`, (t) => {
    const all = `${prelude}\n${script}\nsetTimeout(() => process.exit(), 100)`
    const [syscall] = inject.split(':') as [string]
    const { answer, calls } = straced<unknown>(t, all, ['-e', `trace=${syscall}`, '-e', `inject=${inject}`])
    t.true(
      calls.some((call) => call.includes('INJECTED')),
      calls.slice(0, 5).join('\n'),
    )
    t.deepEqual(answer, expected)
  })
}

onStrace('no poll thread can be started: the calls that would wait fail, and the socket still works', (t) => {
  const script = `${prelude}
    const [one, other] = FdSocket.pair()
    const first = await code(other.receive())
    await one.send('x')
    answer([first, String((await other.receive()).data)])
    process.exit()
  `
  // The second socket pair is that of the thread.
  const inject = ['-e', 'trace=socketpair', '-e', 'inject=socketpair:error=EMFILE:when=2']
  const { answer } = straced<unknown>(t, script, inject)
  t.deepEqual(answer, ['EMFILE socketpair', 'x'])
})

onStrace('an idle socket makes no system call', (t) => {
  const script = `${prelude}
    const pairs = Array.from({ length: 20 }, () => FdSocket.pair())
    for (const [one] of pairs) one.receive().catch(() => {})
    await new Promise((resolve) => setTimeout(resolve, 2000))
    fs.existsSync('/idle-from-here')
    await new Promise((resolve) => setTimeout(resolve, 500))
    fs.existsSync('/idle-to-here')
    // Used here, so that no socket is collected before.
    answer(pairs.length)
    process.exit()
  `
  const { calls } = straced<unknown>(t, script, [])
  const from = calls.findIndex((call) => call.includes('/idle-from-here'))
  const to = calls.findIndex((call) => call.includes('/idle-to-here'))
  t.true(from > 0 && to > from)
  const polls = calls.slice(from, to).filter((call) => /^(poll|recvmsg|sendmsg)\(/.test(call))
  t.deepEqual(polls, [])
})
