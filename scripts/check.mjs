// Runs all checks, like the continuous integration. Stops at the first failure.
import { readdirSync, readFileSync, rmSync } from 'node:fs'

import { platformName } from './platform.mjs'
import { runScript, status } from './run.mjs'

function step(title, ...command) {
  console.log(`\n== ${title}`)
  if (status('inherit', ...command) !== 0) fail(title, `failed: ${command.join(' ')}`)
}

const nodeStep = (title, script, ...args) => step(title, process.execPath, `node_modules/${script}`, ...args)

function fail(title, reason) {
  console.error(`\ncheck: ${title}: ${reason}`)
  process.exit(1)
}

const json = (path) => JSON.parse(readFileSync(path, 'utf8'))
const read = (paths) => new Map(paths.map((path) => [path, readFileSync(path, 'utf8')]))

// Read before anything else, since the set-up rewrites these files.
const committed = read([
  'Cargo.lock',
  'index.d.ts',
  'promises.d.ts',
  'lib/runtime/binding.d.ts',
  'lib/runtime/syscalls.ts',
])

step('set-up, everything built', process.execPath, 'scripts/setup.mjs', '--force')

const generated = 'what is generated and committed is not stale'
console.log(`\n== ${generated}`)
for (const [path, text] of committed) {
  if (readFileSync(path, 'utf8') === text) continue
  fail(generated, `${path} was stale; it is made anew, look at it and commit it`)
}
rmSync('build/npm', { recursive: true, force: true })
runScript('@napi-rs/cli/dist/cli.js', 'create-npm-dirs', '--npm-dir', 'build/npm')
const platforms = readdirSync('build/npm')
if (String(readdirSync('npm')) !== String(platforms)) fail(generated, `npm/ is not ${platforms}`)
for (const platform of platforms) {
  const path = `${platform}/package.json`
  if (readFileSync(`npm/${path}`, 'utf8') === readFileSync(`build/npm/${path}`, 'utf8')) continue
  fail(generated, `npm/${path} is stale; run "npx napi create-npm-dirs"`)
}

const versions = 'one version for npm and for Cargo'
console.log(`\n== ${versions}`)
const workspaceVersion = /^\[workspace\.package\]\nversion = "(.+)"$/m
const cargoVersion = workspaceVersion.exec(readFileSync('Cargo.toml', 'utf8'))?.[1]
for (const path of ['package.json', ...platforms.map((name) => `npm/${name}/package.json`)]) {
  const { version } = json(path)
  if (version !== cargoVersion) fail(versions, `${path} has ${version}, Cargo.toml ${cargoVersion}`)
}

// npm omits packages that it cannot get, and from then on those platforms cannot install
// (npm/cli#4828).
const lock = 'package-lock.json has every platform'
console.log(`\n== ${lock}`)
const locked = json('package-lock.json').packages
const names = new Set(Object.keys(locked).map((path) => path.replace(/^.*node_modules\//, '')))
for (const [path, { optionalDependencies = {} }] of Object.entries(locked)) {
  const absent = Object.keys(optionalDependencies).filter((name) => !names.has(name))
  if (absent.length > 0) fail(lock, `it lacks ${absent.join(', ')} of ${path}`)
}

step('rustfmt', 'cargo', 'fmt', '--all', '--check')
step('clippy', 'cargo', 'clippy', '--workspace', '--all-targets', '--locked', '--', '-D', 'warnings')
for (const name of ['docs', 'deny', 'msrv', 'typos', 'prose']) {
  step(name, process.execPath, `scripts/checks/${name}.mjs`)
}
nodeStep('oxfmt', 'oxfmt/bin/oxfmt', '--check')
nodeStep('oxlint', 'oxlint/bin/oxlint', '--deny-warnings')
nodeStep('tsc', 'typescript/bin/tsc', '-p', '.')
nodeStep('tsc of programs', 'typescript/bin/tsc', '-p', '__test__/programs')
step('npm test', 'npm', 'test')

// One platform stands for all: their package.json files are generated from the same template.
for (const dir of ['.', `npm/${platformName()}`]) {
  nodeStep(`publint ${dir}`, 'publint/src/cli.js', 'run', '--strict', dir)
  nodeStep(`attw ${dir}`, '@arethetypeswrong/cli/dist/index.js', '--pack', dir, '--profile', 'esm-only')
}

console.log('\ncheck: all is well')
