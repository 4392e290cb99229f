// Tests the package without a usable addon: the import works, arguments are validated, and each call
// says what is wrong. Each case runs in a child process, with a copy of the package and nothing else.
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import test, { type ExecutionContext } from 'ava'
import * as fdkit from 'fdkit'

import { functionsOf } from '../helpers/probe.mjs'

interface Thrown {
  keys: string[]
  errno: number
  code: string
  syscall: string
  message: string
  stack: string
  causes?: { code?: string; message: string }[]
  isError: boolean
}

/** The report of helpers/probe.mjs. */
interface Report {
  calls: Record<string, { thrown: Thrown; wrongArgument: string | null }>
  notProbed: string[]
  constants: Record<string, number>
  hookWasCalled: boolean
}

const { version } = JSON.parse(fs.readFileSync('package.json', 'utf8')) as { version: string }
const probe = new URL('../helpers/probe.mjs', import.meta.url).href

/** Creates a directory with the package as npm installs it, without a platform package. */
function install(t: ExecutionContext): string {
  const dir = fs.mkdtempSync(join(fs.realpathSync(tmpdir()), 'fdkit-'))
  t.teardown(() => fs.rmSync(dir, { recursive: true }))
  const installed = join(dir, 'node_modules/fdkit')
  fs.cpSync('dist', join(installed, 'dist'), { recursive: true })
  fs.cpSync('package.json', join(installed, 'package.json'))
  return dir
}

interface Surroundings {
  /** Code that runs before the package is imported. */
  fake?: string
  flags?: string[]
  env?: Record<string, string>
}

function run(t: ExecutionContext, dir: string, surroundings: Surroundings = {}): Report {
  const { fake = '', flags = [], env = {} } = surroundings
  const preload = `data:text/javascript,${encodeURIComponent(fake)}`
  const program = `import { probe } from '${probe}'
    import * as fdkit from 'fdkit'
    console.log(JSON.stringify(await probe(fdkit)))`
  const args = [...flags, '--import', preload, '--input-type=module', '--eval', program]
  const childEnv = { ...process.env, ...env }
  if (!('FDKIT_ADDON' in env)) delete childEnv['FDKIT_ADDON']
  const child = spawnSync(process.execPath, args, { cwd: dir, env: childEnv, encoding: 'utf8' })
  t.is(child.stderr, '')
  return JSON.parse(child.stdout) as Report
}

/** Asserts what every case has in common. Returns the message of a call and the errors of the loader. */
function checkFallback(t: ExecutionContext, report: Report) {
  const names = Object.keys(functionsOf(fdkit)).filter(
    (name) => !/^(addAuditHook|copyFrom|hugePageSizes)$/.test(name),
  )
  t.deepEqual(Object.keys(report.calls).toSorted(), names.toSorted())
  t.deepEqual(report.notProbed, [])
  t.true(report.hookWasCalled)

  const constants = Object.entries(fdkit).filter(([, value]) => typeof value === 'number')
  t.true(constants.length > 20)
  t.deepEqual(report.constants, Object.fromEntries(constants))

  for (const [name, { thrown, wrongArgument }] of Object.entries(report.calls)) {
    t.deepEqual(thrown.keys, ['errno', 'code', 'syscall'], name)
    t.is(thrown.errno, -38, name)
    t.is(thrown.code, 'ENOSYS', name)
    t.true(thrown.isError, name)
    const start = `ENOSYS: function not implemented, ${thrown.syscall}: `
    t.true(thrown.message.startsWith(start), thrown.message)
    // The text that an uncaught error prints.
    t.true(thrown.stack.startsWith(`Error: ${thrown.message}\n    at `), thrown.stack)
    t.is(wrongArgument, name === 'getpagesize' ? null : 'ERR_INVALID_ARG_TYPE', name)
  }
  const { thrown } = report.calls['memfdCreate']!
  t.is(thrown.syscall, 'memfd_create')
  return { message: thrown.message.slice(thrown.message.indexOf(': ', 10) + 2), causes: thrown.causes }
}

const fakePlatform = (platform: string, arch: string) =>
  ['platform', 'arch']
    .map((key, index) => {
      const value = JSON.stringify([platform, arch][index])
      return `Object.defineProperty(process, '${key}', { value: ${value} });`
    })
    .join('')

/**
 * Fakes ldd with this text (or no ldd), a process report that has only what is given, and the presence
 * of musl's loader in its usual place.
 */
const fakeLibc = (ldd: string | undefined, report: object, hasMuslLoader = false) => `
  import fs from 'node:fs'
  import { syncBuiltinESMExports } from 'node:module'
  const { existsSync, readFileSync } = fs
  fs.existsSync = (path) => path === '/lib/ld-musl-x86_64.so.1' ? ${hasMuslLoader} : existsSync(path)
  fs.readFileSync = (path, ...rest) => {
    if (path !== '/usr/bin/ldd') return readFileSync(path, ...rest)
    ${ldd === undefined ? "throw new Error('ENOENT')" : `return ${JSON.stringify(ldd)}`}
  }
  syncBuiltinESMExports()
  process.report.getReport = () => {
    if (!process.report.excludeNetwork) throw new Error('would ask the network')
    return ${JSON.stringify(report)}
  }
  ${fakePlatform('linux', 'x64')}`

for (const [platform, arch] of [
  ['win32', 'x64'],
  ['freebsd', 'x64'],
  ['linux', 'riscv64'],
] as const) {
  test(`${platform} on ${arch} is reported as not supported`, (t) => {
    const report = run(t, install(t), { fake: fakePlatform(platform, arch) })
    const { message, causes } = checkFallback(t, report)
    t.regex(message, new RegExp(`^The platform is not supported: fdkit has no addon for ${platform}-${arch}`))
    t.regex(message, /, only for linux-x64-gnu, .*\. Run it on one of those/)
    t.is(causes, undefined)
  })
}

test('an unknown C library is reported as not supported', (t) => {
  const fake = fakeLibc(undefined, { header: {}, sharedObjects: ['/lib/libc.so.0'] })
  const { message, causes } = checkFallback(t, run(t, install(t), { fake }))
  t.regex(message, /^The platform is not supported: fdkit has no addon for linux-x64-unknown,/)
  t.is(causes, undefined)
})

const libcs = {
  'ldd of glibc': [
    'gnu',
    (loader: boolean) => fakeLibc('# This file is part of the GNU C Library.', {}, loader),
  ],
  'ldd of musl': ['musl', (loader: boolean) => fakeLibc('exec /lib/ld-musl-x86_64.so.1 --list', {}, loader)],
  'report of glibc': [
    'gnu',
    (loader: boolean) => fakeLibc(undefined, { header: { glibcVersionRuntime: '2.36' } }, loader),
  ],
  'report of musl': [
    'musl',
    (loader: boolean) =>
      fakeLibc(undefined, { header: {}, sharedObjects: ['/lib/ld-musl-x86_64.so.1'] }, loader),
  ],
  'unknown ldd, report of glibc': [
    'gnu',
    (loader: boolean) => fakeLibc('a script', { header: { glibcVersionRuntime: '2.36' } }, loader),
  ],
} as const

for (const [title, [libc, fake]] of Object.entries(libcs)) {
  // The usual place of the loader proves nothing: a system may have both, or have it elsewhere.
  for (const hasMuslLoader of [true, false]) {
    test(`the C library is detected by the ${title} (musl's loader present: ${hasMuslLoader})`, (t) => {
      const report = run(t, install(t), { fake: fake(hasMuslLoader) })
      t.regex(report.calls['dup']!.thrown.message, new RegExp(`@fdkit/binding-linux-x64-${libc} is missing`))
    })
  }
}

for (const name of fs.readdirSync('npm')) {
  test(`a missing package for ${name} is reported`, (t) => {
    const [platform = '', arch = '', libc] = name.split('-')
    const ldd = libc === 'musl' ? 'musl' : 'GNU C Library'
    const fake = fakeLibc(ldd, {}) + fakePlatform(platform, arch)
    const { message, causes } = checkFallback(t, run(t, install(t), { fake }))
    const start = `The platform is supported, but its package @fdkit/binding-${name} is missing. `
    t.is(message.slice(0, start.length), start)
    t.regex(message, new RegExp(`Install it: npm install --include=optional fdkit@${version}\n`))
    for (const reason of ['--omit=optional', 'lock file', '"engines"', '"libc"']) {
      t.true(message.includes(reason), reason)
    }
    t.is(causes!.length, 1)
    t.true(causes!.every(({ code }) => code === 'MODULE_NOT_FOUND'))
    t.regex(causes![0]!.message, new RegExp(`@fdkit/binding-${name}`))
  })
}

test('the error names packages of other platforms that are installed, and the npm flags for this one', (t) => {
  const dir = install(t)
  for (const other of ['darwin-arm64', 'linux-arm64-musl']) {
    fs.mkdirSync(join(dir, `node_modules/@fdkit/binding-${other}`), { recursive: true })
  }
  const { message } = checkFallback(t, run(t, dir, { fake: fakeLibc('GNU C Library', {}) }))
  const expected =
    'The platform is supported, but its package @fdkit/binding-linux-x64-gnu is missing. ' +
    '@fdkit/binding-linux-arm64-musl, @fdkit/binding-darwin-arm64 are installed: node_modules was installed ' +
    'on or for another platform. '
  t.is(message.slice(0, expected.length), expected)
  t.regex(message, /npm install --os=linux --cpu=x64 --libc=glibc;/)
  t.regex(message, /pnpm-workspace\.yaml.*\.yarnrc\.yml.*\{ os: \[linux\], cpu: \[x64\], libc: \[glibc\] \}/)
})

/** Installs a platform package for this fake machine with the given main file. */
function installAddon(dir: string, main: string, text: string): string {
  const installed = join(dir, 'node_modules/@fdkit/binding-linux-x64-gnu')
  fs.mkdirSync(installed, { recursive: true })
  fs.writeFileSync(join(installed, 'package.json'), JSON.stringify({ main }))
  fs.writeFileSync(join(installed, main), text)
  return join(installed, main)
}

const x64 = fakeLibc('GNU C Library', {})

test('a corrupt addon is reported', (t) => {
  const dir = install(t)
  installAddon(dir, 'fdkit.node', 'half of an addon')
  const { message, causes } = checkFallback(t, run(t, dir, { fake: x64 }))
  const start = 'The platform is supported, but its package @fdkit/binding-linux-x64-gnu cannot be loaded. '
  t.is(message.slice(0, start.length), start)
  t.regex(message, /Remove it from node_modules, and reinstall it: npm install /)
  t.is(causes!.length, 1)
  t.is(causes![0]!.code, 'ERR_DLOPEN_FAILED')
})

test('the error names --no-addons', (t) => {
  const dir = install(t)
  installAddon(dir, 'fdkit.node', '')
  const { message, causes } = checkFallback(t, run(t, dir, { fake: x64, flags: ['--no-addons'] }))
  t.regex(message, /^This process was started with --no-addons, .* Start it without that flag\.$/)
  t.is(causes![0]!.code, 'ERR_DLOPEN_DISABLED')
})

// Node.js 20 has another name for the flag.
const permission = process.allowedNodeEnvironmentFlags.has('--permission')
  ? '--permission'
  : '--experimental-permission'

test('the error names --allow-addons under the permission model', (t) => {
  const dir = install(t)
  installAddon(dir, 'fdkit.node', '')
  // Node.js 20 warns that the permission model is experimental.
  const flags = [permission, '--allow-fs-read=*', '--no-warnings']
  const { message, causes } = checkFallback(t, run(t, dir, { fake: x64, flags }))
  t.regex(message, /^The permission model is on .*--allow-addons, too\./)
  t.regex(message, /docs\/permissions\.md describes what that does not cover\.$/)
  t.is(causes![0]!.code, 'ERR_DLOPEN_DISABLED')
})

test('an addon of another version is reported', (t) => {
  const dir = install(t)
  installAddon(dir, 'fdkit.cjs', "exports.VERSION = '9.9.9'")
  const { message, causes } = checkFallback(t, run(t, dir, { fake: x64 }))
  const problem = `has version 9.9.9, and fdkit has ${version}`
  t.true(message.includes(`@fdkit/binding-linux-x64-gnu ${problem}. `), message)
  t.regex(message, /reinstall it: npm install --include=optional fdkit@/)
  t.deepEqual(
    causes!.map((cause) => cause.message),
    [`@fdkit/binding-linux-x64-gnu ${problem}`],
  )
})

test('a module that is not an addon is reported', (t) => {
  const dir = install(t)
  installAddon(dir, 'fdkit.cjs', 'module.exports = null')
  const { message } = checkFallback(t, run(t, dir, { fake: x64 }))
  t.regex(message, /is not an addon of fdkit\. Remove it/)
})

test('an FDKIT_ADDON of another version is reported', (t) => {
  const dir = install(t)
  const path = installAddon(dir, 'other.cjs', "exports.VERSION = '9.9.9'")
  const env = { FDKIT_ADDON: path }
  const { message, causes } = checkFallback(t, run(t, dir, { env }))
  const problem = `has version 9.9.9, and fdkit has ${version}`
  t.is(
    message,
    `${path}, which FDKIT_ADDON names, ${problem}. ` +
      `Unset that variable, or let it name an addon of fdkit ${version}.`,
  )
  t.deepEqual(
    causes!.map((cause) => cause.message),
    [`${path} ${problem}`],
  )
})

test('an FDKIT_ADDON that does not exist is reported', (t) => {
  const env = { FDKIT_ADDON: '/nowhere/fdkit.node' }
  const { message, causes } = checkFallback(t, run(t, install(t), { env }))
  t.regex(message, /^\/nowhere\/fdkit\.node, which FDKIT_ADDON names, is missing\. Unset /)
  t.is(causes!.length, 1)
})
