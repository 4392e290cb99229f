// Tests pidfdOpen and pidfdGetfd, of fdkit and of fdkit/promises.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'

import test from 'ava'
import * as fdkit from 'fdkit'
import * as promises from 'fdkit/promises'

import { child } from '../helpers/child.js'
import { countFds, identity } from '../helpers/fds.js'
import { notLinux, notRoot, unless } from '../helpers/platform.js'
import { fileOf } from '../helpers/sockets.js'

const onLinux = unless(notLinux, test.serial)
const asRoot = unless(notLinux || notRoot, test.serial)

for (const [name, { pidfdOpen, pidfdGetfd }] of [
  ['fdkit', fdkit],
  ['fdkit/promises', promises],
] as const) {
  onLinux(`${name}: a descriptor of another process is copied`, async (t) => {
    const before = countFds()
    const sleeper = spawn('sleep', ['100'], { stdio: ['ignore', 'ignore', 'ignore', fileOf(t, 'x')] })
    const pidfd = await pidfdOpen(sleeper.pid!)
    const copies = [await pidfdGetfd(pidfd, 3), await pidfdGetfd({ fd: pidfd }, 0)]
    t.is(fs.readFileSync(`/proc/self/fd/${copies[0]}`, 'utf8'), 'x')
    t.is(identity(copies[0]!), identity(`/proc/${sleeper.pid}/fd/3`))
    t.true([pidfd, ...copies].every((fd) => !fdkit.getInheritable(fd)))
    await t.throwsAsync(async () => pidfdGetfd(pidfd, 999), {
      code: 'EBADF',
      message: /^EBADF: bad file descriptor, pidfd_getfd/,
    })
    sleeper.kill()
    await once(sleeper, 'exit')
    await t.throwsAsync(async () => pidfdGetfd(pidfd, 0), { code: 'ESRCH' })
    for (const fd of [pidfd, ...copies]) fs.closeSync(fd)
    t.is(countFds(), before + 1)
  })

  onLinux(`${name}: what is no process is an error`, async (t) => {
    const codes: [() => unknown, string][] = [
      [() => pidfdOpen(2 ** 31 - 1), 'ESRCH'],
      [() => pidfdOpen(0), 'EINVAL'],
      [() => pidfdOpen(-1), 'ERR_OUT_OF_RANGE'],
      [() => pidfdOpen('1' as never), 'ERR_INVALID_ARG_TYPE'],
      [() => pidfdGetfd(0, 0), 'EBADF'],
      [() => pidfdGetfd(999_999, 0), 'EBADF'],
      [() => pidfdGetfd(-1, 0), 'ERR_OUT_OF_RANGE'],
      [() => pidfdGetfd(0, { fd: 0 } as never), 'ERR_INVALID_ARG_TYPE'],
    ]
    for (const [call, code] of codes) await t.throwsAsync(async () => call(), { code }, String(call))
  })

  asRoot(`${name}: without the right to trace, the error says what is missing`, (t) => {
    const found = child<string[]>(
      `
      import * as promises from 'fdkit/promises'
      const { pidfdOpen, pidfdGetfd } = args[0] === 'fdkit' ? fdkit : promises
      nobody()
      const pidfd = await pidfdOpen(process.ppid)
      try { await pidfdGetfd(pidfd, 0) } catch ({ code, message }) { answer([code, message]) }
    `,
      { args: [name] },
    )
    t.is(found[0], 'EPERM')
    t.regex(found[1]!, /^EPERM: operation not permitted, pidfd_getfd: .*no right to trace.*ptrace_scope/)
  })
}

onLinux('a pidfd becomes readable when its process ends', async (t) => {
  const sleeper = spawn('sleep', ['100'], { stdio: 'ignore' })
  const pidfd = fdkit.pidfdOpen(sleeper.pid!)
  const poll = (milliseconds: number) =>
    spawn(
      'python3',
      ['-c', `import select, sys; p = select.poll(); p.register(3); print(len(p.poll(${milliseconds})))`],
      {
        stdio: ['ignore', 'pipe', 'inherit', pidfd],
      },
    )
  const answer = async (milliseconds: number) =>
    String((await once(poll(milliseconds).stdout!, 'data'))[0]).trim()
  t.is(await answer(10), '0')
  sleeper.kill()
  await once(sleeper, 'exit')
  t.is(await answer(1000), '1')
  fs.closeSync(pidfd)
})
