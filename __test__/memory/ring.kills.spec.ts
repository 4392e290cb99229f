// Tests the ring buffer of the guide while one side is killed repeatedly at random moments. The other
// side must time out, continue with the next process, and see only complete messages.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { symlinkSync } from 'node:fs'
import { createInterface } from 'node:readline'

import type { ExecutionContext } from 'ava'
import { Memfd } from 'fdkit'

import { packageRoot } from '../helpers/child.js'
import { guideFiles } from '../helpers/guide.js'
import { patience } from '../helpers/patience.js'
import { notLinux, unless } from '../helpers/platform.js'
import { noSharing, runtimes, sharingNode } from '../helpers/runtimes.js'
import { makeTree } from '../helpers/tree.js'

const KILLS = 25
const CAPACITY = 4096
const START = 128

// One side. A message contains its writer, its number, and bytes that are derived from both.
const side = `
import { writeSync } from 'node:fs'
import { Memfd } from 'fdkit'
import { Ring } from './ring.ts'

const [role, name] = process.argv.slice(2)
const ring = new Ring(Memfd.from(3))
const say = (line) => writeSync(1, line + '\\n')
const idle = new Int32Array(new SharedArrayBuffer(4))
const pause = () => Math.random() < 0.02 && Atomics.wait(idle, 0, 0, Math.random() * 3)

function message(writer, number) {
  const length = 8 + ((number * 2654435761) >>> 0) % 1500
  const bytes = Buffer.alloc(length, (writer * 31 + number) & 255)
  bytes.writeUInt32LE(writer, 0)
  bytes.writeUInt32LE(number, 4)
  return bytes
}

if (role === 'writer') {
  for (let number = 0; ; number++) {
    pause()
    while (!ring.write(message(Number(name), number), 200)) say('timed-out')
    if (number % 20 === 0) say('wrote')
  }
} else {
  let last = [-1, -1]
  for (let count = 1; ; count++) {
    pause()
    let bytes
    while ((bytes = ring.read(200)) === undefined) say('timed-out')
    const read = Buffer.from(bytes)
    const [writer, number] = [read.readUInt32LE(0), read.readUInt32LE(4)]
    if (!read.equals(message(writer, number))) { say('torn'); process.exit(1) }
    const follows = writer === last[0] ? number === last[1] + 1 : writer > last[0]
    if (last[0] !== -1 && (!follows || (writer !== last[0] && number !== 0))) { say('lost'); process.exit(1) }
    last = [writer, number]
    if (count % 20 === 0) say('read')
  }
}
`

interface Side {
  process: ChildProcess
  /** Returns the next line that the process prints. */
  line(): Promise<string>
}

function start(cwd: string, node: string[], memfd: Memfd, role: string, name: number): Side {
  const [command = '', ...args] = node
  const argv = [...args, 'side.mjs', role, String(name)]
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
    'ring.ts': guideFiles()['ring.ts']!,
    'side.mjs': side,
    'package.json': '{ "type": "module" }',
    node_modules: {},
  })
  symlinkSync(packageRoot, `${cwd}/node_modules/fdkit`)
  symlinkSync(`${packageRoot}/node_modules/@oxc-node`, `${cwd}/node_modules/@oxc-node`)
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

const loaded = [process.execPath, '--import', '@oxc-node/core/register']
const newer = runtimes.find(({ name }) => name === 'node-24')!

for (const victim of ['writer', 'reader'] as const) {
  unless(notLinux)(`no message is torn if the ${victim} is killed ${KILLS} times`, (t) =>
    attack(t, loaded, victim),
  )

  unless(notLinux || noSharing || newer.missing)(
    `no message is torn if the ${victim} is killed ${KILLS} times and both use share`,
    (t) => attack(t, [sharingNode!, '--import', '@oxc-node/core/register'], victim),
  )
}
