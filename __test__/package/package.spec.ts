// Tests the packed package, installed on a system without build tools.
import { execFileSync, spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'

import test from 'ava'

import { addonPath, platformName } from '../../scripts/platform.mjs'
import { compiler } from '../helpers/compiler.js'

const platform = platformName()
const platformDir = `npm/${platform}`

interface Packed {
  filename: string
  files: { path: string; size: number }[]
}

const root = fs.mkdtempSync(join(fs.realpathSync(tmpdir()), 'fdkit-'))
test.after.always(() => fs.rmSync(root, { recursive: true }))

/** A PATH with Node, npm and a shell, and without a compiler. */
const bin = join(root, 'bin')
fs.mkdirSync(bin)
fs.symlinkSync(process.execPath, join(bin, 'node'))
fs.symlinkSync('/bin/sh', join(bin, 'sh'))
const npm = fs.realpathSync(
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((dir) => join(dir, 'npm'))
    .find(fs.existsSync)!,
)
const env = { ...process.env, PATH: bin, npm_config_offline: 'true', npm_config_cache: join(root, 'cache') }

function runNpm(cwd: string, ...args: string[]): string {
  return execFileSync(process.execPath, [npm, ...args], { cwd, env, encoding: 'utf8', stdio: 'pipe' })
}

function pack(dir: string): Packed {
  const packed = JSON.parse(runNpm(dir, 'pack', '--json', '--ignore-scripts', '--pack-destination', root))
  return packed[0] as Packed
}

function install(name: string, ...tarballs: Packed[]): string {
  const dir = join(root, name)
  fs.mkdirSync(dir)
  fs.writeFileSync(join(dir, 'package.json'), '{ "type": "module" }')
  const files = tarballs.map(({ filename }) => join(root, filename))
  runNpm(dir, 'install', '--ignore-scripts', '--no-audit', '--no-fund', ...files)
  return dir
}

const rootPackage = pack('.')
const platformPackage = pack(platformDir)
const installed = install('installed', rootPackage, platformPackage)

const tree = join(root, 'tree')
fs.mkdirSync(join(tree, 'a/b'), { recursive: true })
fs.writeFileSync(join(tree, 'a/file'), '')
const walked = [
  [tree, ['a'], []],
  [join(tree, 'a'), ['b'], ['file']],
  [join(tree, 'a/b'), [], []],
]

/** Runs a file in the folder with the installed package, and parses the JSON that it prints. */
function runFile(name: string, text: string): unknown {
  fs.writeFileSync(join(installed, name), text)
  const { stdout, stderr } = spawnSync('node', [name, tree], { cwd: installed, env, encoding: 'utf8' })
  if (stderr !== '') throw new Error(stderr)
  return JSON.parse(stdout)
}

test('the test environment has no build tools', (t) => {
  for (const command of ['cargo', 'rustc', 'gcc', 'cc', 'make', 'node-gyp']) {
    const { error } = spawnSync(command, ['--version'], { env })
    t.is((error as NodeJS.ErrnoException | undefined)?.code, 'ENOENT', command)
  }
})

const paths = ({ files }: Packed) => files.map(({ path }) => path).toSorted()

test('the root tarball contains exactly the files that a user needs', (t) => {
  const expected = [
    'LICENSE',
    'README.md',
    'dist/cli.js',
    'dist/index.js',
    'dist/promises.js',
    'index.d.ts',
    'package.json',
    'promises.d.ts',
  ]
  t.deepEqual(paths(rootPackage), expected)
  t.true(rootPackage.files.every(({ size }) => size > 0 && size <= 200_000))
})

test('the tarball of a platform holds an addon of at most 1,050 kB, and nothing else', (t) => {
  const addon = `fdkit.${platform}.node`
  t.deepEqual(paths(platformPackage), ['README.md', addon, 'package.json'])
  const { size } = platformPackage.files.find(({ path }) => path === addon)!
  t.is(size, fs.statSync(addonPath()).size)
  t.true(size <= 1_050_000, `${size} bytes`)
})

test('no package has an install script or dependencies of its own', (t) => {
  for (const dir of ['.', ...fs.readdirSync('npm').map((name) => `npm/${name}`)]) {
    const manifest = JSON.parse(fs.readFileSync(join(dir, 'package.json'), 'utf8'))
    for (const script of ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish']) {
      t.false(script in (manifest.scripts ?? {}), `${dir}: ${script}`)
    }
    t.is(manifest.dependencies, undefined, dir)
    t.is(manifest.gypfile, undefined, dir)
  }
})

test('the bundle does not refer to a missing source map', (t) => {
  const text = fs.readFileSync(join(installed, 'node_modules/fdkit/dist/index.js'), 'utf8')
  t.notRegex(text, /sourceMappingURL/)
})

test('the package can be imported', (t) => {
  const program = `import { fwalk } from 'fdkit'
    console.log(JSON.stringify([...fwalk(process.argv[2])].map((entry) => entry.slice(0, 3))))`
  t.deepEqual(runFile('import.js', program), walked)
})

test('the package can be required without a warning', (t) => {
  const program = `const { fwalk } = require('fdkit')
    console.log(JSON.stringify([...fwalk(process.argv[2])].map((entry) => entry.slice(0, 3))))`
  t.deepEqual(runFile('require.cjs', program), walked)
})

test('a TypeScript program compiles with strict and nodenext, and runs', (t) => {
  const program = `import { fwalk, type FwalkEntry } from 'fdkit'
    const steps: [string, string[], string[]][] = []
    const add = ([dirpath, dirnames, filenames]: FwalkEntry) => steps.push([dirpath, dirnames, filenames])
    for (const entry of fwalk(process.argv[2])) add(entry)
    console.log(JSON.stringify(steps))`
  fs.writeFileSync(join(installed, 'program.ts'), program)
  fs.copyFileSync('__test__/types/public-types.ts', join(installed, 'public-types.ts'))
  // The compiler and Node's types come from this repository, and the types of the package are the installed ones.
  fs.symlinkSync(resolve('node_modules/@types'), join(installed, 'node_modules/@types'))
  const options = ['--strict', '--module', 'nodenext', '--target', 'es2022', '--types', 'node']
  const files = ['program.ts', 'public-types.ts']
  const args = [...options, '--exactOptionalPropertyTypes', ...files]
  const { stdout, error } = spawnSync(compiler, args, { cwd: installed, env, encoding: 'utf8' })
  t.is(error, undefined)
  t.is(stdout, '')
  t.deepEqual(runFile('run.js', "import './program.js'"), walked)
})

test('without the platform package the error says what is missing', (t) => {
  const dir = install('alone', rootPackage)
  const program = `import { memfdCreate, MFD_CLOEXEC } from 'fdkit'
    try { memfdCreate('name', MFD_CLOEXEC) } catch ({ code, message }) { console.log(code, message) }`
  const args = ['--input-type=module', '--eval', program]
  const { stdout, stderr } = spawnSync('node', args, { cwd: dir, env, encoding: 'utf8' })
  t.is(stderr, '')
  t.true(stdout.startsWith('ENOSYS ENOSYS: '), stdout)
  t.true(stdout.includes(`@fdkit/binding-${platform} is missing`), stdout)
})
