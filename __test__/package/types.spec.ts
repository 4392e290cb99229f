// Tests that the declaration files compile with every supported TypeScript, without skipLibCheck, and
// contain the documentation of every function.
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'

import test, { type ExecutionContext } from 'ava'
import * as fdkit from 'fdkit'
import * as promises from 'fdkit/promises'

import { compilerPath, versions } from '../../scripts/compilers.mjs'
import { compiler as newestCompiler } from '../helpers/compiler.js'
import { unless } from '../helpers/platform.js'
import { makeTree } from '../helpers/tree.js'

const require = createRequire(import.meta.url)
const packageOf = (name: string) => fs.realpathSync(dirname(require.resolve(`${name}/package.json`)))

/** Creates a folder with only the declarations of the package and those of Node. */
function install(t: ExecutionContext): string {
  const directory = makeTree(t, {
    'package.json': '{ "type": "module" }',
    node_modules: { fdkit: {}, '@types': {} },
  })
  for (const file of ['package.json', 'index.d.ts', 'promises.d.ts']) {
    fs.copyFileSync(file, join(directory, 'node_modules/fdkit', file))
  }
  for (const name of ['@types/node', 'undici-types']) {
    fs.cpSync(packageOf(name), join(directory, 'node_modules', name), { recursive: true })
  }
  for (const file of fs.readdirSync('__test__/types')) {
    fs.copyFileSync(join('__test__/types', file), join(directory, file))
  }
  return directory
}

type Command = readonly [command: string, ...args: string[]]

/** Returns the output of the compiler for a program, which is empty if it compiles. */
function compile(compiler: Command, directory: string, options: object, files: string[]): string {
  const compilerOptions = {
    target: 'es2022',
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    noEmit: true,
    ...options,
  }
  fs.writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
  const [command, ...args] = [...compiler, '--project', '.', '--pretty', 'false']
  const { status, signal, stdout, stderr } = spawnSync(command, args, {
    cwd: directory,
    encoding: 'utf8',
  })
  return stdout + stderr + (status === 0 ? '' : `exit code ${status}, signal ${signal}`)
}

const nodenext = { module: 'nodenext' }
const bundler = { module: 'esnext', moduleResolution: 'bundler' }
const newest: Command = [newestCompiler]
const older = (version: string): Command => [process.execPath, resolve(compilerPath(version))]
const compilers = [...versions.map((version) => [version, older(version)] as const), ['7', newest] as const]
const programs = ['public-types.ts', 'public-promises.ts']

for (const [version, compiler] of compilers) {
  const missing = !fs.existsSync(compiler.at(-1)!) && 'needs "npm run compilers"'
  const onCompiler = unless(missing, test.serial)
  onCompiler(`TypeScript ${version} compiles the public types with module resolution nodenext`, (t) => {
    t.is(compile(compiler, install(t), nodenext, programs), '')
  })
  // From 5.6 on, the library declares the iterator helpers, and a walk inherits them.
  const hasHelpers = Number.parseFloat(version) >= 5.6
  const also = hasHelpers ? ' and the iterator helpers of a walk' : ''
  onCompiler(`TypeScript ${version} compiles the public types${also} with module resolution bundler`, (t) => {
    const options = hasHelpers ? { ...bundler, target: 'esnext', lib: ['esnext'] } : bundler
    const files = hasHelpers ? [...programs, 'iterator-helpers.ts'] : programs
    t.is(compile(compiler, install(t), options, files), '')
  })
}

test('an error in a program or in the declarations does not compile', (t) => {
  const directory = install(t)
  fs.writeFileSync(join(directory, 'wrong.ts'), "import { dup } from 'fdkit'\ndup('3')\n")
  t.regex(compile(newest, directory, nodenext, ['wrong.ts']), /wrong\.ts\(2,5\): error TS2345/)
  fs.appendFileSync(join(directory, 'node_modules/fdkit/index.d.ts'), 'export declare const x: Missing\n')
  t.regex(compile(newest, directory, nodenext, programs), /index\.d\.ts\(.*Missing/)
})

/** Returns the documentation of each overload of each exported function. */
function documentationIn(file: string): Map<string, string[]> {
  const found = new Map<string, string[]>()
  const text = fs.readFileSync(file, 'utf8')
  const declaration = /(\/\*\*(?:(?!\*\/)[^])*\*\/\n)?export declare function (\w+)/g
  for (const [, comment = '', name = ''] of text.matchAll(declaration)) {
    found.set(name, [...(found.get(name) ?? []), comment])
  }
  return found
}

const functionsOf = (module: object) =>
  Object.entries(module)
    .filter(([, value]) => typeof value === 'function' && !String(value).startsWith('class '))
    .map(([name]) => name)

test('every overload of every function has its full documentation, in fdkit/promises too', (t) => {
  const main = documentationIn('index.d.ts')
  const derived = documentationIn('promises.d.ts')
  t.deepEqual([...main.keys()].toSorted(), functionsOf(fdkit).toSorted())
  t.deepEqual([...derived.keys()].toSorted(), functionsOf(promises).toSorted())
  for (const [name, comments] of [...main, ...derived]) {
    for (const comment of comments) {
      t.regex(comment, /^ \* @see /m, name)
      t.regex(comment, /^ \* @example/m, name)
      t.notRegex(comment, /inheritDoc/, name)
    }
  }
  const prose = (comment: string) =>
    comment
      .split(/^ \* @example/m, 1)[0]!
      .split('\n')
      .filter((line) => !/^\/\*\*| \*\/$/.test(line))
  for (const [name, [comment = '']] of derived) {
    const missing = prose(main.get(name)?.[0] ?? '').filter((line) => !comment.includes(line))
    t.deepEqual(missing, [], name)
  }
})

test('the types export nothing that the module does not', (t) => {
  for (const [entry, sources] of [
    ['index', ['index.ts']],
    ['promises', ['promises.ts', 'lib/promises.ts']],
  ] as const) {
    const declared = /^export (?:declare )?(?:abstract )?(?:function|class|interface|type|const) (\w+)/gm
    const names = Array.from(fs.readFileSync(`${entry}.d.ts`, 'utf8').matchAll(declared), ([, name]) => name!)
    const text = [...sources, 'lib/constants.ts'].map((file) => fs.readFileSync(file, 'utf8')).join('')
    t.deepEqual(
      names.filter((name) => !new RegExp(`\\b${name}\\b`).test(text)),
      [],
    )
  }
})
