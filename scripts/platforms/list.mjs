// The platforms of package.json, and the versions of Node.js that the suite runs on there.
import { readFileSync } from 'node:fs'

import '../run.mjs'

/** Of glibc, in whose place the linker puts stubs: older than any that Node 20 runs on (2.28). */
export const GLIBC = '2.17'

/** The oldest macOS that rustc builds for. */
export const MACOS = '11.0'

const cpus = { x86_64: 'x64', aarch64: 'arm64' }
const debianCpus = { x64: 'amd64', arm64: 'arm64' }

// Node 20 and 26 are not published for musl in a registry, and under the emulator one version has to do.
const nodes = {
  'linux-x64-gnu': [20, 22, 24, 26],
  'linux-x64-musl': [22, 24],
  'linux-arm64-gnu': [20],
  'linux-arm64-musl': [24],
}

function platform(triple) {
  const [cpu, , os, libc] = triple.split('-')
  const arch = cpus[cpu]
  const name = [os, arch, libc].filter(Boolean).join('-')
  return {
    name,
    triple,
    cpu,
    arch,
    os,
    libc,
    debianCpu: debianCpus[arch],
    nodes: nodes[name] ?? [],
    /** Whether its programs run on this machine only by way of an emulator. */
    isEmulated: os === process.platform && arch !== process.arch,
    /** As cargo-zigbuild wants it. */
    zigTarget: libc === 'gnu' ? `${triple}.${GLIBC}` : triple,
  }
}

const { napi } = JSON.parse(readFileSync('package.json', 'utf8'))

/** In the order of package.json. */
export const platforms = napi.targets.map(platform)

/** The platform of that name; ends this process if there is none. */
export function platformOf(name) {
  const found = platforms.find((each) => each.name === name)
  if (found) return found
  console.error(`There is no platform ${name}, only ${platforms.map((each) => each.name).join(', ')}.`)
  process.exit(2)
}

// For `rustup target add`: node scripts/platforms/list.mjs linux-x64-musl
if (process.argv[1] === import.meta.filename) {
  for (const name of process.argv.slice(2)) console.log(platformOf(name).triple)
}
