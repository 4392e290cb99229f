// Downloads packages of Debian, PyPI and npm, and unpacks them into a folder. Nothing is installed,
// and nothing needs root.
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { cache } from './cache.mjs'
import { wheels } from './wheels.mjs'

/** Runs a program and returns its output. If the program fails, throws an error with the output. */
export function execute(command, args, options = {}) {
  const result = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  })
  if (result.error) throw new Error(`${command}: ${result.error.message}`)
  if (result.status === 0) return result.stdout
  throw new Error(
    `${command} ${args.join(' ')} ended with ${result.status ?? result.signal}:\n${result.stdout}${result.stderr}`,
  )
}

/** Calls `attempt` until it succeeds, since registries fail at times. */
export async function retry(attempt, times = 5) {
  for (let time = 1; ; time++) {
    try {
      return attempt()
    } catch (error) {
      if (time === times) throw error
      const seconds = 3 * time ** 2
      console.log(`   ${String(error.message).trim().split('\n').at(-1)}; once more in ${seconds} s`)
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
    }
  }
}

function inTemporaryFolder(use) {
  const folder = mkdtempSync(join(tmpdir(), 'fdkit-download-'))
  try {
    return use(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Unpacks a wheel of wheels.mjs. pip compares its hash with the one in that file. */
export async function wheel(folder, name) {
  const { version, platform, hash } = wheels[name]
  await retry(() =>
    inTemporaryFolder((temporary) => {
      const requirements = join(temporary, 'requirements.txt')
      writeFileSync(requirements, `${version} --hash=sha256:${hash}\n`)
      const options = ['--quiet', '--no-deps', '--only-binary=:all:', '--require-hashes', '--dest', temporary]
      const which = platform ? ['--platform', platform] : []
      execute('python3', ['-m', 'pip', 'download', ...options, ...which, '--requirement', requirements])
      const file = readdirSync(temporary).find((path) => path.endsWith('.whl'))
      execute('python3', ['-m', 'zipfile', '--extract', join(temporary, file), folder])
    }),
  )
}

/** Unpacks an npm package. */
export async function npmPackage(folder, specifier) {
  await retry(() =>
    inTemporaryFolder((temporary) => {
      const [{ filename }] = JSON.parse(execute('npm', ['pack', '--json', specifier], { cwd: temporary }))
      execute('tar', ['xzf', join(temporary, filename), '-C', folder, '--strip-components=1'])
    }),
  )
}

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'

// The mirrors that the machine is configured with, for any release.
function mirrors() {
  const files = [
    '/etc/apt/sources.list',
    ...['/etc/apt/sources.list.d'].flatMap((folder) =>
      existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [],
    ),
  ]
  const text = files
    .filter(existsSync)
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n')
  const urls = [...text.matchAll(/^(?:URIs:|deb)\s(?:\[.*\]\s)?\s*(https?:\S+)/gm)].map(([, url]) => url)
  const security = urls.find((url) => url.includes('debian-security'))
  const main = urls.find(
    (url) => url.includes('debian') && !url.includes('debian-security') && /\/debian\/?$/.test(url),
  )
  return {
    main: main ?? 'http://deb.debian.org/debian',
    security: security ?? 'http://deb.debian.org/debian-security',
  }
}

// Runs apt with a state of its own: the machine's packages, sources and architectures stay
// unchanged.
function apt(release, status, command, args, options) {
  const state = join(cache, 'apt', release)
  const sources = join(state, 'sources.list')
  if (!existsSync(sources)) {
    for (const folder of ['state/lists/partial', 'cache/archives/partial'])
      mkdirSync(join(state, folder), { recursive: true })
    writeFileSync(join(state, 'status'), '')
    const { main, security } = mirrors()
    writeFileSync(
      sources,
      [`${main} ${release} main`, `${security} ${release}-security main`]
        .map((line) => `deb [signed-by=${KEYRING}] ${line}\n`)
        .join(''),
    )
  }
  const settings = {
    'Dir::Etc::sourcelist': sources,
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State': join(state, 'state'),
    'Dir::State::status': status ?? join(state, 'status'),
    'Dir::Cache': join(state, 'cache'),
    'APT::Architecture': 'amd64',
    'APT::Sandbox::User': 'root',
    'Debug::NoLocking': 'true',
    'Acquire::Retries': '3',
  }
  const list = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  const architectures = ['amd64', 'arm64'].flatMap((name) => ['-o', `APT::Architectures::=${name}`])
  return execute(command, ['-qq', ...list, ...architectures, ...args], options)
}

const updated = new Set()

async function update(release) {
  if (!existsSync('/usr/bin/apt-get') || !existsSync(KEYRING)) {
    throw new Error('This needs apt-get and the keys of Debian (debian-archive-keyring).')
  }
  if (updated.has(release)) return
  await retry(() => apt(release, undefined, 'apt-get', ['update']))
  updated.add(release)
}

/** Unpacks packages of a Debian release, such as "libc6:arm64", without their dependencies. */
export async function debianPackages(folder, release, ...names) {
  await update(release)
  await retry(() =>
    inTemporaryFolder((temporary) => {
      apt(release, undefined, 'apt-get', ['download', ...names], { cwd: temporary })
      unpack(folder, temporary)
    }),
  )
}

/** Unpacks packages with all dependencies that the machine does not have. */
export async function debianPackagesWhole(folder, release, ...names) {
  await update(release)
  const archives = join(cache, 'apt', release, 'cache/archives')
  const options = ['--download-only', '--no-install-recommends', '--yes', 'install']
  await retry(() => apt(release, '/var/lib/dpkg/status', 'apt-get', [...options, ...names]))
  unpack(folder, archives)
  for (const name of readdirSync(archives)) if (name.endsWith('.deb')) rmSync(join(archives, name))
}

function unpack(folder, archives) {
  for (const name of readdirSync(archives)) {
    if (name.endsWith('.deb')) execute('dpkg-deb', ['--extract', join(archives, name), folder])
  }
  // A real /lib would hide the symbolic link of that name when the folder is mounted over a root.
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    const path = join(folder, name)
    if (!existsSync(path) || lstatSync(path).isSymbolicLink()) continue
    cpSync(path, join(folder, 'usr', name), { recursive: true, verbatimSymlinks: true })
    rmSync(path, { recursive: true })
  }
}

/** Writes an executable shell script. */
export function script(path, ...lines) {
  writeFileSync(path, ['#!/bin/sh', ...lines, ''].join('\n'))
  chmodSync(path, 0o755)
}

/** Returns the size of all files below a folder, in MB. */
export function megabytes(folder) {
  return Number.parseInt(execute('du', ['-sm', folder]))
}
