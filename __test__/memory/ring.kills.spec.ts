// Tests the ring buffer of the guide while one side is killed repeatedly at random moments. The other
// side must time out, continue with the next process, and see only complete messages.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { symlinkSync } from 'node:fs'
import { createInterface } from 'node:readline'

import type { ExecutionContext } from 'ava'
import { Memfd } from 'fdkit'

import { packageRoot, programPath } from '../helpers/child.js'
import { guideFiles } from '../helpers/guide.js'
import { patience } from '../helpers/patience.js'
import { notLinux, unless } from '../helpers/platform.js'
import { noSharing, runtimes, sharingNode } from '../helpers/runtimes.js'
import { makeTree } from '../helpers/tree.js'

const KILLS = 25
const CAPACITY = 4096
const START = 128

interface Side {
  process: ChildProcess
  /** Returns the next line that the process prints. */
  line(): Promise<string>
}

function start(cwd: string, node: string[], memfd: Memfd, role: string, name: number): Side {
  const [command = '', ...args] = node
  const argv = [...args, programPath('memory/ring-side.mjs'), role, String(name), `${cwd}/ring.mjs`]
  const process = spawn(command, argv, { cwd, stdio: ['ignore', 'pipe', 'inherit', memfd.fd] })
  const lines = createInterface(process.stdout!)[Symbol.asyncIterator]()
  return { process, line: async () => (await lines.next()).value ?? 'ended' }
}

async function until(side: Side, wanted: string): Promise<string> {
  for (;;) {
    const line = await side.line()
    if (line === wanted || !/^(timed-out|read|wrote)$/.test(line)) return line
  }
}

async function kill({ process }: Side): Promise<void> {
  process.kill('SIGKILL')
  if (process.signalCode === null) await once(process, 'exit')
}

async function attack(t: ExecutionContext, node: string[], victim: 'writer' | 'reader') {
  t.timeout(patience(110_000))
  const cwd = makeTree(t, {
    'ring.mjs': guideFiles()['ring.mjs']!,
    'package.json': '{ "type": "module" }',
    node_modules: {},
  })
  symlinkSync(packageRoot, `${cwd}/node_modules/fdkit`)
  const memfd = Memfd.create('ring', { size: START + CAPACITY })
  t.teardown(() => memfd.close())
  const survivor = start(cwd, node, memfd, victim === 'writer' ? 'reader' : 'writer', 0)
  t.teardown(() => kill(survivor))
  for (let round = 1; round <= KILLS; round++) {
    const killed = start(cwd, node, memfd, victim, round)
    t.teardown(() => kill(killed))
    // Each process must have worked on the ring, or nothing could be torn.
    t.is(await until(killed, victim === 'writer' ? 'wrote' : 'read'), victim === 'writer' ? 'wrote' : 'read')
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 30))
    await kill(killed)
    t.is(await until(survivor, 'timed-out'), 'timed-out')
  }
  t.is(survivor.process.exitCode, null)
}

const newer = runtimes.find(({ name }) => name === 'node-24')!

for (const victim of ['writer', 'reader'] as const) {
  unless(notLinux)(`no message is torn if the ${victim} is killed ${KILLS} times`, (t) =>
    attack(t, [process.execPath], victim),
  )

  unless(notLinux || noSharing || newer.missing)(
    `no message is torn if the ${victim} is killed ${KILLS} times and both use share`,
    (t) => attack(t, [sharingNode!], victim),
  )
}
