// Tests the guide docs/handing-over-descriptors.md: runs its commands with its files.
import { spawnSync } from 'node:child_process'

import test, { type ExecutionContext } from 'ava'

import { guideDirectory, guideCommands, guideFiles } from '../helpers/guide.js'
import { patience } from '../helpers/patience.js'
import { missing, notLinux, unless } from '../helpers/platform.js'
import { runtimes } from '../helpers/runtimes.js'

const GUIDE = 'handing-over-descriptors.md'
const files = guideFiles(GUIDE)
const commands = guideCommands(GUIDE)

/** Creates a directory with the files of the guide and the package. */
const makeDirectory = (t: ExecutionContext) => guideDirectory(t, files)

/** Runs a command with another program instead of `node`. */
function run(t: ExecutionContext, command: string, node: string[]): string {
  const quoted = node.map((word) => `'${word}'`).join(' ')
  const line = command
    .replaceAll(/(?<=^|[;&] |\.sock )node /g, `${quoted} `)
    // It passes only a few variables on. On some platforms, the loader is found by this one.
    .replace(/^systemd-socket-activate /, process.env['NODE_PATH'] ? '$&--setenv=NODE_PATH ' : '$&')
  const { status, stdout, stderr } = spawnSync('bash', ['-c', line], {
    cwd: makeDirectory(t),
    encoding: 'utf8',
    timeout: patience(100_000),
    killSignal: 'SIGKILL',
  })
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${stderr}`)
  return stdout
}

test('each file of the guide is run by a command or by another file', (t) => {
  t.deepEqual(Object.keys(files).toSorted(), [
    'camera.py',
    'frames.mjs',
    'screen.mjs',
    'server.mjs',
    'service.mjs',
    'upgrade.mjs',
    'viewer.mjs',
    'viewer.py',
  ])
  t.is(commands.length, 4)
  const all = [...Object.values(files), ...commands.map(({ command }) => command)].join('')
  for (const name of Object.keys(files)) {
    t.true(new RegExp(`(node |python3 |')${name.replace('.', '\\.')}`).test(all), name)
  }
})

const noPython = missing('python3')
const all = [
  { name: 'this Node.js', runtime: { command: [process.execPath] }, missing: false as const },
  ...runtimes.filter(({ runtime }) => runtime?.command[0] !== process.execPath),
]

for (const { command, output } of commands) {
  const needs = command.startsWith('systemd-socket-activate') && missing('systemd-socket-activate')
  const title = `the guide runs: ${command.slice(0, 60)}`
  for (const { name, runtime, missing: absent } of all) {
    // Only Node.js has the private property of a server that has no public one.
    if (/upgrade/.test(command) && /bun|deno/.test(name)) continue
    unless(notLinux || noPython || needs || absent, test.serial)(`${title}: ${name}`, (t) => {
      if (runtime) t.is(run(t, command, runtime.command), output)
    })
  }
}
