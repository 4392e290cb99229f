// Tests the set-up script in copies of the source tree in which something is missing, stale or broken.
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

import test, { type ExecutionContext } from 'ava'

import { addonPath } from '../../scripts/platform.mjs'

const sources = [
  'scripts',
  'crates',
  'lib',
  'cli',
  'index.ts',
  'index.d.ts',
  'promises.ts',
  'promises.d.ts',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'Cargo.toml',
  'Cargo.lock',
  ...fs.readdirSync('npm').map((name) => `npm/${name}/package.json`),
]

/** Copies the sources with dependencies but nothing built, and creates a PATH with only Node. */
function clone(t: ExecutionContext): string {
  const dir = fs.mkdtempSync(join(fs.realpathSync(tmpdir()), 'fdkit-'))
  t.teardown(() => fs.rmSync(dir, { recursive: true }))
  for (const path of sources) {
    fs.cpSync(path, join(dir, path), { recursive: true, preserveTimestamps: true })
  }
  fs.symlinkSync(resolve('node_modules'), join(dir, 'node_modules'))
  fs.mkdirSync(join(dir, 'bin'))
  fs.symlinkSync(process.execPath, join(dir, 'bin/node'))
  return dir
}

function addCommand(dir: string, name: string, script: string): void {
  fs.writeFileSync(join(dir, 'bin', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
}

function addAddon(dir: string): void {
  fs.cpSync(addonPath(), join(dir, addonPath()))
}

function setup(dir: string) {
  const env = { ...process.env, PATH: join(dir, 'bin') }
  const script = join(dir, 'scripts/setup.mjs')
  // Runs in another directory: the script finds the source tree by itself.
  const child = spawnSync('node', [script], { env, cwd: tmpdir(), encoding: 'utf8' })
  return { ...child, output: `${child.stdout}${child.stderr}` }
}

test('without cargo the error says in two lines how to install it', (t) => {
  const { status, stdout, stderr } = setup(clone(t))
  t.is(status, 1)
  t.is(stdout, '')
  t.regex(stderr, /^.*cargo.*\n.*https:\/\/rustup\.rs.*\n$/)
})

test('missing dependencies are installed with npm, which prints to stderr', (t) => {
  const dir = clone(t)
  fs.unlinkSync(join(dir, 'node_modules'))
  addCommand(dir, 'npm', 'echo "npm $*"; exit 3')
  const { status, stdout, stderr } = setup(dir)
  t.is(status, 3)
  t.is(stdout, '')
  t.regex(stderr, /^npm ci .*--ignore-scripts/)
})

test('an addon that failed to build is built again the next time', (t) => {
  const dir = clone(t)
  addAddon(dir)
  const old = new Date(0)
  fs.utimesSync(join(dir, addonPath()), old, old)
  addCommand(dir, 'cargo', 'test "$1" = --version || { echo "no $1 today" >&2; exit 1; }')
  for (const run of [1, 2]) {
    const { status, stdout, output } = setup(dir)
    t.not(status, 0, `run ${run}: ${output}`)
    t.is(stdout, '')
    t.regex(output, /no (metadata|build) today/)
  }
})

test('the bundle is rebuilt only if it is missing or failed to build', (t) => {
  const dir = clone(t)
  addAddon(dir)
  const bundle = join(dir, 'dist/index.js')
  const first = setup(dir)
  t.is(first.status, 0, first.output)
  const { ino, mtimeMs } = fs.statSync(bundle)

  const second = setup(dir)
  t.is(second.status, 0, second.output)
  t.is(second.output, '')
  t.like(fs.statSync(bundle), { ino, mtimeMs })

  const source = join(dir, 'lib/files/descriptors.ts')
  const text = fs.readFileSync(source, 'utf8')
  fs.writeFileSync(source, `${text}(`)
  for (const run of [1, 2]) {
    const { status, stdout } = setup(dir)
    t.not(status, 0, `run ${run}`)
    t.is(stdout, '')
  }
  // The bundle is still the previous one.
  t.like(fs.statSync(bundle), { ino, mtimeMs })

  fs.writeFileSync(source, text)
  const repaired = setup(dir)
  t.is(repaired.status, 0, repaired.output)
  t.true(fs.statSync(bundle).mtimeMs > mtimeMs)
  t.deepEqual(fs.readFileSync(join(dir, 'index.d.ts')), fs.readFileSync('index.d.ts'))
})
