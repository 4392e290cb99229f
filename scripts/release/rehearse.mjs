// npm run rehearse: rehearses a release on this machine, from the tag to the installed package. It
// runs every line of the workflows that can run here, in a clone of the last commit, with a
// registry on the loopback address. It requires the addons for Linux, which npm run platforms
// builds.
import assert from 'node:assert'
import { spawn } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { addonPath, platformName } from '../platform.mjs'
import { say } from '../platforms/cache.mjs'
import { execute } from '../platforms/download.mjs'
import { platformOf, platforms } from '../platforms/list.mjs'
import { onPlatform, whyNoRoot } from '../platforms/root.mjs'
import { nodeFor } from '../platforms/runtime.mjs'
import { root } from '../run.mjs'
import { installAlone } from '../runtimes.mjs'
import { notHere, runLines } from './lines.mjs'
import { startRegistry } from './registry.mjs'
import { version } from './version.mjs'

const work = mkdtempSync(join(tmpdir(), 'fdkit-rehearsal-'))
const clone = join(work, 'fdkit')
const registry = await startRegistry()
const pending = new Set(runLines().filter((line) => !(line in notHere)))
const own = platformName()

/**
 * Runs a program to its end, while the registry in this process keeps answering. If the program
 * fails, throws an error with its output.
 */
async function output(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
  const text = { stdout: '', all: '' }
  child.stdout.on('data', (chunk) => (text.stdout += chunk))
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text.all += chunk))
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve))
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${text.all}`)
  return text.stdout
}

const commit = execute('git', ['rev-parse', 'HEAD']).trim()
const github = { ...process.env, GITHUB_REF_NAME: `v${version}`, GITHUB_SHA: commit }

/** Runs a line of a workflow in the clone. */
async function line(text, env = github) {
  say(text)
  assert.ok(runLines().includes(text), `no workflow has the line: ${text}`)
  await output('bash', ['-euo', 'pipefail', '-c', text], { cwd: clone, env })
  pending.delete(text)
}

// npm does not publish without a token, so there is a dummy one.
const npmrc = join(work, 'npmrc')
writeFileSync(npmrc, `registry=${registry.url}/\n${registry.url.replace('http:', '')}/:_authToken=none\n`)
const local = {
  ...github,
  NPM_CONFIG_USERCONFIG: npmrc,
  NPM_CONFIG_REGISTRY: `${registry.url}/`,
  SMOKE_ATTEMPTS: '1',
}
for (const name of Object.keys(local))
  if (name.startsWith('npm_') && name !== 'npm_config_cache') delete local[name]

async function checkTag() {
  const tag = 'node scripts/release/check-tag.mjs'
  await line(tag)
  await assert.rejects(line(tag, { ...github, GITHUB_REF_NAME: 'v0.0.1' }), /the version in package\.json is/)
  const [tree] = execute('git', ['rev-parse', 'HEAD^{tree}']).split('\n')
  const author = ['-c', 'user.name=fdkit', '-c', 'user.email=fdkit@localhost']
  const elsewhere = execute('git', [...author, 'commit-tree', tree, '-m', 'not on main'], {
    cwd: clone,
  }).trim()
  await assert.rejects(line(tag, { ...github, GITHUB_SHA: elsewhere }), /is not on main/)
}

function bringArtifacts() {
  for (const { name, os } of platforms) {
    const folder = join(clone, 'artifacts', `addon-${name}`)
    const path = join(folder, `fdkit.${name}.node`)
    mkdirSync(folder, { recursive: true })
    if (existsSync(addonPath(name))) {
      cpSync(addonPath(name), path)
      continue
    }
    // Nothing here loads the addons for macOS, so a stand-in is published for one that is not built.
    assert.equal(os, 'darwin', `there is no addon for ${name}; "npm run platforms" builds it`)
    writeFileSync(path, 'not built')
  }
}

async function publish() {
  await line('npm ci --ignore-scripts', { ...github, npm_config_prefer_offline: 'true' })
  await line('node scripts/release/prepare.mjs artifacts')
  await line('node scripts/release/publish.mjs', local)
  const names = ['fdkit', ...platforms.map(({ name }) => `@fdkit/binding-${name}`)]
  assert.deepEqual([...registry.documents.keys()].sort(), names.toSorted())
  const { optionalDependencies } = registry.documents.get('fdkit').versions[version]
  assert.deepEqual(Object.keys(optionalDependencies).sort(), names.slice(1).sort())
  for (const [path, bytes] of registry.tarballs) {
    const files = execute('tar', ['tz'], { input: bytes, stdio: ['pipe', 'pipe', 'pipe'] })
      .trim()
      .split('\n')
    for (const file of ['LICENSE', 'README.md', 'package.json']) {
      assert.ok(files.includes(`package/${file}`), `${path} has no ${file}, only ${files}`)
    }
    assert.ok(path.includes('binding') === files.some((file) => file.endsWith('.node')), `${path}: ${files}`)
  }
  // A second attempt finds everything published already.
  await line('node scripts/release/publish.mjs', local)
}

const PROGRAM = `import { fwalk, memfdCreate } from 'fdkit'
if (memfdCreate('smoke') < 3 || [...fwalk('.')].length < 2) process.exit(1)`

let installs = 0

/**
 * Installs fdkit in an empty project, and uses it if `runs` is set. Returns the addons that were
 * installed.
 */
async function install(title, command, { files = {}, runs = true } = {}) {
  say(`install with ${title}`)
  const cwd = join(work, `install-${installs++}`)
  mkdirSync(cwd)
  const all = { 'package.json': '{ "private": true }', 'smoke.mjs': PROGRAM, ...files }
  for (const [name, text] of Object.entries(all)) writeFileSync(join(cwd, name), text)
  await output(command[0], command.slice(1), { cwd, env: local })
  if (runs) await output(process.execPath, ['smoke.mjs'], { cwd, env: local })
  const found = await output('find', ['node_modules/', '-name', 'fdkit.*.node', '-printf', '%f\n'], { cwd })
  return [
    ...new Set(
      found
        .trim()
        .split('\n')
        .map((name) => name.slice('fdkit.'.length, -'.node'.length)),
    ),
  ]
}

async function installEverywhere() {
  await line('node scripts/release/smoke.mjs "${GITHUB_REF_NAME#v}"', local)
  const fdkit = `fdkit@${version}`
  const npm = ['npm', 'install', '--no-audit', fdkit]
  assert.deepEqual(await install('npm', npm), [own])
  const other = own.endsWith('-musl') ? 'gnu' : 'musl'
  const arch = process.arch
  const forOther = [...npm, `--libc=${other.replace('gnu', 'glibc')}`, '--os=linux', `--cpu=${arch}`]
  assert.deepEqual(await install(`npm for ${other}`, forOther, { runs: false }), [`linux-${arch}-${other}`])
  const forOwn = [...npm, `--libc=${own.endsWith('-musl') ? 'musl' : 'glibc'}`]
  assert.deepEqual(await install('npm and --libc', forOwn), [own])

  installAlone('build/tools/pnpm', 'pnpm@9.15.9')
  const pnpm = [process.execPath, join(root, 'build/tools/pnpm/node_modules/pnpm/bin/pnpm.cjs')]
  const store = ['--store-dir', join(work, 'pnpm-store')]
  assert.deepEqual(await install('pnpm', [...pnpm, 'add', ...store, fdkit]), [own])

  installAlone('build/tools/yarn', '@yarnpkg/cli-dist@4.9.2')
  const yarn = [process.execPath, join(root, 'build/tools/yarn/node_modules/@yarnpkg/cli-dist/bin/yarn.js')]
  const settings = [
    'nodeLinker: node-modules',
    `npmRegistryServer: "${registry.url}"`,
    'unsafeHttpWhitelist: ["127.0.0.1"]',
    // By default, yarn would find the packages of an earlier rehearsal in the home directory.
    `globalFolder: "${join(work, 'yarn')}"`,
    'enableGlobalCache: false',
    'enableTelemetry: false',
    'enableImmutableInstalls: false',
  ]
  const files = { '.yarnrc.yml': settings.join('\n'), 'yarn.lock': '' }
  assert.deepEqual(await install('yarn', [...yarn, 'add', fdkit], { files }), [own])
}

async function installOnMusl() {
  const unable = whyNoRoot()
  if (unable) return say(`not on musl: ${unable}`)
  const platform = platformOf(`linux-${process.arch}-musl`)
  const bin = await nodeFor(platform, platform.nodes.at(-1))
  for (const options of [[], ['--libc=musl']]) {
    say(`install on musl with npm ${options}`)
    const smoke = ['node', 'scripts/release/smoke.mjs', version, ...options]
    const { command, env } = await onPlatform(platform, smoke, {
      ...local,
      PATH: `${bin}:${process.env.PATH}`,
    })
    const said = await output(command[0], command.slice(1), { env })
    assert.match(said, /works on linux/)
  }
}

/** Publishes the same version with a suffix as "next", and checks that "latest" does not change. */
async function publishPreRelease() {
  const preRelease = `${version}-rc.1`
  for (const directory of ['.', ...readdirSync(join(clone, 'npm')).map((name) => `npm/${name}`)]) {
    const path = join(clone, directory, 'package.json')
    writeFileSync(
      path,
      readFileSync(path, 'utf8').replace(`"version": "${version}"`, `"version": "${preRelease}"`),
    )
  }
  await line('node scripts/release/publish.mjs', local)
  for (const [name, { 'dist-tags': tags }] of registry.documents) {
    assert.deepEqual(tags, { latest: version, next: preRelease }, name)
  }
}

try {
  // So that a line that nobody has rehearsed is found now and not at the end.
  const source = readFileSync(import.meta.filename, 'utf8')
  const absent = [...pending].filter((text) => !source.includes(text))
  assert.deepEqual(
    absent,
    [],
    'lines of the workflows that are neither rehearsed here nor listed in lines.mjs',
  )
  const unknown = Object.keys(notHere).filter((text) => !runLines().includes(text))
  assert.deepEqual(unknown, [], 'lines that no workflow has any more')
  execute('git', ['clone', '--quiet', '--no-hardlinks', root, clone])
  execute('git', ['update-ref', 'refs/remotes/origin/main', commit], { cwd: clone })
  await checkTag()
  bringArtifacts()
  await publish()
  await installEverywhere()
  await installOnMusl()
  if (!version.includes('-')) await publishPreRelease()
  assert.deepEqual([...pending], [], 'lines of the workflows that nobody has rehearsed')
  console.log('\nNot rehearsed here:')
  for (const [text, reason] of Object.entries(notHere)) console.log(`- ${text}\n  ${reason}`)
  say('the rehearsal was a success')
} finally {
  registry.close()
  rmSync(work, { recursive: true, force: true })
}
