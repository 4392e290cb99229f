// Tests that every path is checked against the permission model of Node.js, if it is on.
import { execFileSync } from 'node:child_process'
import { readFileSync, realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import test, { type ExecutionContext } from 'ava'
import * as fdkit from 'fdkit'
import * as promises from 'fdkit/promises'

import { confine } from '../../lib/runtime/permission.js'
import { child, packageRoot } from '../helpers/child.js'
import { patience } from '../helpers/patience.js'
import { functionsOf } from '../helpers/probe.mjs'
import { link, makeTree } from '../helpers/tree.js'

type AnyFunction = (...args: unknown[]) => unknown

const flag = process.allowedNodeEnvironmentFlags.has('--permission')
  ? '--permission'
  : '--experimental-permission'
const program = fileURLToPath(new URL('../programs/permitted.mjs', import.meta.url))

const needed = [flag, '--no-warnings', '--allow-addons', `--allow-fs-read=${packageRoot}*`]

const tree = (t: ExecutionContext) =>
  makeTree(t, { file: '', symlink: link('file'), 'true-tree': { x: '' }, 'false-tree': { x: '' } })

function run(directory: string, ...flags: string[]): Record<string, string> {
  const args = [...needed, ...flags, program, directory]
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', timeout: patience(60_000) }))
}

const reading = new Set([
  'access',
  'canAccess',
  'diskUsage',
  'exists',
  'fwalk',
  'listdir',
  'lstat',
  'open',
  'readlink',
  'scandir',
  'stat',
  'statAll',
  'statvfs',
])
const isReading = (name: string) => reading.has(name.replace('promises.', ''))
const isLink = (name: string) => name.endsWith('symlink')

test('without a permission, every function with a path is refused', (t) => {
  const found = run(tree(t))
  const refused = Object.keys(found).map((name) => [name, 'ERR_ACCESS_DENIED'])
  t.deepEqual(found, Object.fromEntries(refused))
})

test('with permission to read, only reading succeeds', (t) => {
  const top = realpathSync(tree(t))
  const found = run(top, `--allow-fs-read=${top}*`)
  const expected = Object.keys(found).map((name) => [name, isReading(name) ? 'ok' : 'ERR_ACCESS_DENIED'])
  t.deepEqual(found, Object.fromEntries(expected))
})

test('with permission to read and write there, everything succeeds, except that a symbolic link needs all permissions', (t) => {
  const top = realpathSync(tree(t))
  const found = run(top, `--allow-fs-read=${top}*`, `--allow-fs-write=${top}*`)
  const expected = Object.keys(found).map((name) => [name, isLink(name) ? 'ERR_ACCESS_DENIED' : 'ok'])
  t.deepEqual(found, Object.fromEntries(expected))
  const all = run(tree(t), '--allow-fs-read=*', '--allow-fs-write=*')
  t.deepEqual(new Set(Object.values(all)), new Set(['ok']))
})

test('the program calls every function with a path', (t) => {
  const called = new Set(Object.keys(run(tree(t))).map((name) => name.replace(/ to .*/, '')))
  const exported = [
    ...Object.keys(functionsOf(fdkit)),
    ...Object.keys(functionsOf(promises)).map((name) => `promises.${name}`),
  ]
  const documented = readFileSync('index.d.ts', 'utf8')
  const taking = exported.filter((name) => {
    const [plain = ''] = name.split('.').slice(-1)
    return new RegExp(`function ${plain}\\((?:path|src|top|target)\\??:`).test(documented)
  })
  t.deepEqual(
    taking.filter((name) => !called.has(name)),
    [],
  )
})

test('a relative path is checked below the directory that it starts from', (t) => {
  const top = realpathSync(makeTree(t, { allowed: { file: '', sub: {} }, denied: { file: '' } }))
  const script = `
    const attempt = (call) => { try { call(); return 'ok' } catch ({ code, permission, resource }) { return [code, permission, resource] } }
    const dirFd = fdkit.open(args[0] + '/allowed', 'r')
    process.chdir(args[0] + '/allowed')
    answer([
      attempt(() => fdkit.stat('file', { dirFd })),
      attempt(() => fdkit.stat('file')),
      attempt(() => fdkit.stat('sub/../file', { dirFd })),
      attempt(() => fdkit.stat('../denied/file', { dirFd })),
      attempt(() => fdkit.unlink('file', { dirFd })),
      attempt(() => fdkit.stat(dirFd)),
    ])
  `
  const nodeArguments = [...needed, `--allow-fs-read=${top}/allowed*`]
  const denied = (permission: string, path: string) => ['ERR_ACCESS_DENIED', permission, `${top}/${path}`]
  t.deepEqual(child(script, { args: [top], nodeArguments }), [
    'ok',
    'ok',
    'ok',
    denied('FileSystemRead', 'denied/file'),
    denied('FileSystemWrite', 'allowed/file'),
    'ok',
  ])
})

test('a tree needs permission for everything below it', (t) => {
  const started = Symbol('started')
  const binding = { getdents64: () => started, rmtreeStart: () => started, walkStart: () => started }
  const allowing = (paths: RegExp) =>
    confine(binding as never, { has: (_, path = '*') => paths.test(path) }) as unknown as Record<
      string,
      (...args: unknown[]) => unknown
    >
  const [exact, wildcard] = [allowing(/^\/tree$/), allowing(/^\/tree(\/|$)/)]
  t.is(exact['getdents64']!(undefined, '/tree'), started)
  for (const [name, ...args] of [
    ['rmtreeStart', false, undefined, '/tree'],
    ['walkStart', false, '/tree'],
  ] as [string, ...unknown[]][]) {
    t.throws(() => exact[name]!(...args), { code: 'ERR_ACCESS_DENIED', message: /\/tree\/\*/ }, name)
    t.is(wildcard[name]!(...args), started)
  }
})

test('each export of the addon that takes a path is checked, from the directory that it starts from', (t) => {
  const text = readFileSync('lib/runtime/binding.d.ts', 'utf8')
  const declared = Array.from(text.matchAll(/^export declare function (\w+)\((.*)\): /gm))
  // Names of memory files are no paths, and walkSetDirnames takes names of a directory that was checked. A
  // root is checked when it is opened.
  const isExempt = (name: string) =>
    /^(memfdCreate|memfdNew|walkSetDirnames)$/.test(name) ||
    (name.startsWith('root') && !/^root(Start|Symlink)$/.test(name))
  const taking = declared.filter(
    ([, name = '', parameters = '']) => parameters.includes('PathArg') && !isExempt(name),
  )
  t.true(taking.length > 15)
  const passed = Symbol('passed')
  const binding = Object.fromEntries(declared.map(([, name = '']) => [name, () => passed]))
  binding['readlinkat'] = () => '/directory' as never
  const asked: string[] = []
  const model = {
    has(_: string, path = '*') {
      asked.push(path)
      return true
    },
  }
  const refusing = confine(binding as never, { has: () => false }) as unknown as Record<string, AnyFunction>
  const asking = confine(binding as never, model) as unknown as Record<string, AnyFunction>
  for (const [, name = '', parameters = ''] of declared) {
    const args = parameters.split(/, (?=\w+\??: )/).map((parameter) => {
      if (/Array<PathArg>/.test(parameter)) return ['path', 'path']
      if (parameter.includes('PathArg')) return 'path'
      return /^(src|dst)?dirFd\b/i.test(parameter) ? 3 : undefined
    })
    if (!taking.some((each) => each[1] === name)) {
      t.notThrows(() => refusing[name]!(...args), name)
      continue
    }
    t.throws(() => refusing[name]!(...args), { code: 'ERR_ACCESS_DENIED' }, name)
    asked.length = 0
    asking[name]!(...args)
    t.true(asked.length > 0, name)
    const elsewhere = asked.filter((path) => path !== '*' && !path.startsWith('/directory/path'))
    t.deepEqual(elsewhere, [], name)
  }
})

test('without the permission model, the functions are those of the addon', (t) => {
  const binding = {}
  t.is(confine(binding as never, undefined), binding as never)
})
