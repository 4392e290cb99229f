// Where there is no addon: importing works, arguments are checked, and each call says what is
// wrong. Each case runs in a process of its own, with a copy of the package and nothing else.
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

/** What helpers/probe.mjs finds. */
interface Report {
  calls: Record<string, { thrown: Thrown; wrongArgument: string | null }>
  notProbed: string[]
  constants: Record<string, number>
  hookWasCalled: boolean
}

const { version } = JSON.parse(fs.readFileSync('package.json', 'utf8')) as { version: string }
const probe = new URL('../helpers/probe.mjs', import.meta.url).href

/** A directory in which the package is installed as npm would, without a platform package. */
function install(t: ExecutionContext): string {
  const dir = fs.mkdtempSync(join(fs.realpathSync(tmpdir()), 'fdkit-'))
  t.teardown(() => fs.rmSync(dir, { recursive: true }))
  const installed = join(dir, 'node_modules/fdkit')
  fs.cpSync('dist', join(installed, 'dist'), { recursive: true })
  fs.cpSync('package.json', join(installed, 'package.json'))
  return dir
}

interface Surroundings {
  /** What runs before the package is imported. */
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

/** Everything that holds in every case; returns a call's message and the loader's errors. */
function checkFallback(t: ExecutionContext, report: Report) {
  const names = Object.keys(functionsOf(fdkit)).filter((name) => !/^(addAuditHook|copyFrom|hugePageSizes)$/.test(name))
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
    // What an uncaught error prints.
    t.true(thrown.stack.startsWith(`Error: ${thrown.message}\n    at `), thrown.stack)
    t.is(wrongArgument, name === 'getpagesize' ? null : 'ERR_INVALID_ARG_TYPE', name)
  }
  const { thrown } = report.calls['memfdCreate']!
  t.is(thrown.syscall, 'memfd_create')
  return { message: thrown.message.slice(thrown.message.indexOf(': ', 10) + 2), causes: thrown.causes }
}

const fakePlatform = (platform: string, arch: string) =>
  ['platform', 'arch'].map((key, index) => {
    const value = JSON.stringify([platform, arch][index])
    return `Object.defineProperty(process, '${key}', { value: ${value} });`
  }).join('')

/**
 * No ldd, or one with this text, a report that knows of no glibc but what is given, and musl's loader
 * in its usual place or not.
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

for (const [platform, arch] of [['win32', 'x64'], ['freebsd', 'x64'], ['linux', 'riscv64']] as const) {
  test(`no addon for ${platform} on ${arch}`, (t) => {
    const report = run(t, install(t), { fake: fakePlatform(platform, arch) })
    const { message, causes } = checkFallback(t, report)
    t.regex(message, new RegExp(`^The platform is not supported: fdkit has no addon for ${platform}-${arch}`))
    t.regex(message, /, only for linux-x64-gnu, .*\. Run it on one of those/)
    t.is(causes, undefined)
  })
}

test('no addon for an unknown C library', (t) => {
  const fake = fakeLibc(undefined, { header: {}, sharedObjects: ['/lib/libc.so.0'] })
  const { message, causes } = checkFallback(t, run(t, install(t), { fake }))
  t.regex(message, /^The platform is not supported: fdkit has no addon for linux-x64-unknown,/)
  t.is(causes, undefined)
})

const libcs = {
  'ldd of glibc': ['gnu', (loader: boolean) => fakeLibc('# This file is part of the GNU C Library.', {}, loader)],
  'ldd of musl': ['musl', (loader: boolean) => fakeLibc('exec /lib/ld-musl-x86_64.so.1 --list', {}, loader)],
  'report of glibc': ['gnu', (loader: boolean) => fakeLibc(undefined, { header: { glibcVersionRuntime: '2.36' } }, loader)],
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
  // Whatever the loader's usual place says: a system may have both, or have it elsewhere.
  for (const hasMuslLoader of [true, false]) {
    test(`the C library is known by the ${title}, musl's loader ${hasMuslLoader}`, (t) => {
      const report = run(t, install(t), { fake: fake(hasMuslLoader) })
      t.regex(report.calls['dup']!.thrown.message, new RegExp(`@fdkit/binding-linux-x64-${libc} is missing`))
    })
  }
}

for (const name of fs.readdirSync('npm')) {
  test(`the package for ${name} is missing`, (t) => {
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

test('the package of another platform is named, and the flags for this one', (t) => {
  const dir = install(t)
  for (const other of ['darwin-arm64', 'linux-arm64-musl']) {
    fs.mkdirSync(join(dir, `node_modules/@fdkit/binding-${other}`), { recursive: true })
  }
  const { message } = checkFallback(t, run(t, dir, { fake: fakeLibc('GNU C Library', {}) }))
  const expected =
    'The platform is supported, but its package @fdkit/binding-linux-x64-gnu is missing. ' +
    '@fdkit/binding-linux-arm64-musl, @fdkit/binding-darwin-arm64 are there: node_modules was installed ' +
    'on or for another platform. '
  t.is(message.slice(0, expected.length), expected)
  t.regex(message, /npm install --os=linux --cpu=x64 --libc=glibc;/)
  t.regex(message, /pnpm-workspace\.yaml.*\.yarnrc\.yml.*\{ os: \[linux\], cpu: \[x64\], libc: \[glibc\] \}/)
})

/** Puts a platform package for this fake machine there, with the main file given. */
function installAddon(dir: string, main: string, text: string): string {
  const installed = join(dir, 'node_modules/@fdkit/binding-linux-x64-gnu')
  fs.mkdirSync(installed, { recursive: true })
  fs.writeFileSync(join(installed, 'package.json'), JSON.stringify({ main }))
  fs.writeFileSync(join(installed, main), text)
  return join(installed, main)
}

const x64 = fakeLibc('GNU C Library', {})

test('a corrupt addon', (t) => {
  const dir = install(t)
  installAddon(dir, 'fdkit.node', 'half of an addon')
  const { message, causes } = checkFallback(t, run(t, dir, { fake: x64 }))
  const start = 'The platform is supported, but its package @fdkit/binding-linux-x64-gnu cannot be loaded. '
  t.is(message.slice(0, start.length), start)
  t.regex(message, /Remove it from node_modules, and install it anew: npm install /)
  t.is(causes!.length, 1)
  t.is(causes![0]!.code, 'ERR_DLOPEN_FAILED')
})

test('--no-addons is named', (t) => {
  const dir = install(t)
  installAddon(dir, 'fdkit.node', '')
  const { message, causes } = checkFallback(t, run(t, dir, { fake: x64, flags: ['--no-addons'] }))
  t.regex(message, /^This process was started with --no-addons, .* Start it without that\.$/)
  t.is(causes![0]!.code, 'ERR_DLOPEN_DISABLED')
})

// In Node.js 20 the flag has another name.
const permission = process.allowedNodeEnvironmentFlags.has('--permission')
  ? '--permission'
  : '--experimental-permission'

test('the permission model without --allow-addons is named', (t) => {
  const dir = install(t)
  installAddon(dir, 'fdkit.node', '')
  // Node.js 20 warns that it is experimental.
  const flags = [permission, '--allow-fs-read=*', '--no-warnings']
  const { message, causes } = checkFallback(t, run(t, dir, { fake: x64, flags }))
  t.regex(message, /^The permission model is on .*--allow-addons, too\./)
  // With the flag nothing is checked, and the page says so.
  t.regex(message, /docs\/permissions\.md says how to confine it\.$/)
  t.is(causes![0]!.code, 'ERR_DLOPEN_DISABLED')
})

test('an addon of another version', (t) => {
  const dir = install(t)
  installAddon(dir, 'fdkit.cjs', "exports.VERSION = '9.9.9'")
  const { message, causes } = checkFallback(t, run(t, dir, { fake: x64 }))
  const problem = `has version 9.9.9, and fdkit has ${version}`
  t.true(message.includes(`@fdkit/binding-linux-x64-gnu ${problem}. `), message)
  t.regex(message, /install it anew: npm install --include=optional fdkit@/)
  t.deepEqual(causes!.map((cause) => cause.message), [`@fdkit/binding-linux-x64-gnu ${problem}`])
})

test('a module that is no addon', (t) => {
  const dir = install(t)
  installAddon(dir, 'fdkit.cjs', 'module.exports = null')
  const { message } = checkFallback(t, run(t, dir, { fake: x64 }))
  t.regex(message, /is no addon of fdkit\. Remove it/)
})

test('FDKIT_ADDON names an addon of another version', (t) => {
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
  t.deepEqual(causes!.map((cause) => cause.message), [`${path} ${problem}`])
})

test('FDKIT_ADDON names nothing', (t) => {
  const env = { FDKIT_ADDON: '/nowhere/fdkit.node' }
  const { message, causes } = checkFallback(t, run(t, install(t), { env }))
  t.regex(message, /^\/nowhere\/fdkit\.node, which FDKIT_ADDON names, is missing\. Unset /)
  t.is(causes!.length, 1)
})
