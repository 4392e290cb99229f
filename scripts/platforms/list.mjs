// The platforms of package.json, and the versions of Node.js that the suite runs on for each.
import { readFileSync } from 'node:fs'

import { platformName } from '../platform.mjs'
import '../run.mjs'
import { mappingSpecs } from './specs.mjs'

/**
 * The glibc version that the linker provides stubs of. Every glibc that Node 20 runs on (2.28 or
 * later) is newer.
 */
export const GLIBC = '2.17'

/** The oldest macOS that rustc supports. */
export const MACOS = '11.0'

const cpus = { x86_64: 'x64', aarch64: 'arm64' }
const debianCpus = { x64: 'amd64', arm64: 'arm64' }

// No registry has Node 20 and 26 for musl. Under the emulator, only one version is tested, to save
// time.
const nodes = {
  'linux-x64-gnu': [20, 22, 24, 26],
  'linux-x64-musl': [22, 24],
  'linux-arm64-gnu': [20],
  'linux-arm64-musl': [24],
}

const own = platformName()

function platform(triple) {
  const [cpu, , os, libc] = triple.split('-')
  const arch = cpus[cpu]
  const name = [os, arch, libc].filter(Boolean).join('-')
  return {
    name,
    /** The platform whose addon the system loads. */
    addon: name,
    /** The name of its Node.js and its libraries in the cache. */
    layer: name,
    triple,
    cpu,
    arch,
    os,
    libc,
    debianCpu: debianCpus[arch],
    nodes: nodes[name] ?? [],
    /** Whether the machine itself is such a system. */
    isOwn: name === own,
    /** Whether this machine needs an emulator to run the platform's programs. */
    isEmulated: os === process.platform && arch !== process.arch,
    /** The target in the notation of cargo-zigbuild. */
    zigTarget: libc === 'gnu' ? `${triple}.${GLIBC}` : triple,
  }
}

const { napi } = JSON.parse(readFileSync('package.json', 'utf8'))

/** The platforms in the order of package.json. */
export const platforms = napi.targets.map(platform)

/** A system with the oldest glibc that the addon of linux-x64-gnu runs on. */
export const oldGlibc = {
  ...platform('x86_64-unknown-linux-gnu'),
  name: `linux-x64-glibc-${GLIBC}`,
  layer: `linux-x64-glibc-${GLIBC}`,
  addon: 'linux-x64-gnu',
  nodes: [22],
  isOwn: false,
  isEmulated: process.arch !== 'x64',
}

/** A system with larger pages of memory, which only the emulator can show. */
const largePages = (kib) => ({
  ...platform('aarch64-unknown-linux-gnu'),
  name: `linux-arm64-gnu-${kib}k`,
  addon: 'linux-arm64-gnu',
  layer: 'linux-arm64-gnu',
  pageSize: 1024 * kib,
  specs: mappingSpecs,
})

/** The systems that the suite runs on: the platforms, an old system, and large pages. */
export const systems = [...platforms, oldGlibc, largePages(16), largePages(64)]

/** Returns the platform or system of that name. Ends this process if there is none. */
export function platformOf(name) {
  const found = systems.find((each) => each.name === name)
  if (found) return found
  console.error(`There is no platform ${name}, only ${systems.map((each) => each.name).join(', ')}.`)
  process.exit(2)
}

// For `rustup target add`: node scripts/platforms/list.mjs linux-x64-musl
if (process.argv[1] === import.meta.filename) {
  for (const name of process.argv.slice(2)) console.log(platformOf(name).triple)
}
