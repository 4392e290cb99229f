// Reads the dependencies and exports of a built addon from the file itself. Throws if they are not
// as expected.
import { readFileSync } from 'node:fs'

import { execute } from './download.mjs'
import { GLIBC, MACOS } from './list.mjs'

const machines = { x64: 'X86-64', arm64: 'AArch64' }

// Parts of glibc before 2.34. Since then, they are empty or symbolic links.
const glibcs = [
  'libc.so.6',
  'libm.so.6',
  'libpthread.so.0',
  'libdl.so.2',
  'ld-linux-x86-64.so.2',
  'ld-linux-aarch64.so.1',
]
const libraries = {
  gnu: glibcs,
  musl: ['libc.so'],
  darwin: ['/usr/lib/libSystem.B.dylib', '/usr/lib/libiconv.2.dylib', '/usr/lib/libcharset.1.dylib'],
}

const EXPORT = 'napi_register_module_v1'

// More than twice the expected size: a larger file contains something that does not belong there.
const LARGEST = 1_500_000

/** Returns whether a version such as 2.17 is newer than another one. */
export function isNewer(version, than) {
  const [a, b] = [version, than].map((text) => text.split('.').map(Number))
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    if ((a[i] ?? 0) !== (b[i] ?? 0)) return (a[i] ?? 0) > (b[i] ?? 0)
  }
  return false
}

/**
 * Returns the size of the addon in bytes, the libraries that it needs, and the newest version of
 * the system that it needs.
 */
export function inspect({ name, arch, os, libc }, path) {
  const bytes = readFileSync(path)
  const found = os === 'darwin' ? machO(bytes) : elf(path)
  const complain = (problem) => {
    throw new Error(`${path} ${problem}`)
  }
  const machine = os === 'darwin' ? arch : machines[arch]
  if (!found.machine.includes(machine)) complain(`is for ${found.machine}, not ${machine}`)
  const strange = found.needed.filter((library) => !libraries[libc ?? os].includes(library))
  if (strange.length > 0) complain(`needs ${strange.join(', ')}`)
  if (!found.exported.includes(EXPORT))
    complain(`does not export ${EXPORT}, only ${found.exported.join(', ')}`)
  if (bytes.length > LARGEST) complain(`has ${bytes.length} bytes`)
  const oldest = { gnu: GLIBC, darwin: MACOS }[libc ?? os]
  if (oldest ? isNewer(found.version, oldest) : found.version)
    complain(`needs ${found.version}, and ${name} is built for ${oldest}`)
  const systems = { gnu: `glibc ${found.version}`, musl: 'musl', darwin: `macOS ${found.version}` }
  return { bytes: bytes.length, needed: found.needed, newest: systems[libc ?? os] }
}

function elf(path) {
  const readelf = (...options) =>
    execute('readelf', ['--wide', ...options, path], { env: { ...process.env, LC_ALL: 'C' } })
  const symbols = readelf('--dyn-syms')
  const versions = [...symbols.matchAll(/GLIBC_([\d.]+)/g)].map(([, version]) => version)
  return {
    machine: /Machine:\s+(.*)/.exec(readelf('--file-header'))[1],
    needed: [...readelf('--dynamic').matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, library]) => library),
    version: versions.reduce((newest, version) => (isNewer(version, newest) ? version : newest), ''),
    exported: [...symbols.matchAll(/GLOBAL\s+DEFAULT\s+\d+ (\S+)$/gm)].map(([, symbol]) => symbol),
  }
}

const MAGIC = 0xfeedfacf
const CPUS = { 0x01000007: 'x64', 0x0100000c: 'arm64' }
const [SYMTAB, LOAD_DYLIB, VERSION_MIN, BUILD_VERSION] = [0x2, 0xc, 0x24, 0x32]

// The load commands of a Mach-O file, as described by mach-o/loader.h.
function machO(file) {
  if (file.readUInt32LE(0) !== MAGIC) throw new Error('This is not a 64-bit Mach-O file.')
  const text = (offset) => file.toString('latin1', offset, file.indexOf(0, offset))
  const version = (packed) => `${packed >>> 16}.${(packed >>> 8) & 0xff}`
  const found = { machine: CPUS[file.readUInt32LE(4)], needed: [], version: '', exported: [] }
  let at = 32
  for (let left = file.readUInt32LE(16); left > 0; left--) {
    const command = file.readUInt32LE(at) & 0x7fffffff
    const word = (index) => file.readUInt32LE(at + 4 * index)
    if (command === LOAD_DYLIB) found.needed.push(text(at + word(2)))
    if (command === VERSION_MIN) found.version = version(word(2))
    if (command === BUILD_VERSION) found.version = version(word(3))
    if (command === SYMTAB) found.exported = exportedSymbols(file, word(2), word(3), word(4))
    at += word(1)
  }
  return found

  // External symbols that are defined in a section. Their names begin with an underscore.
  function exportedSymbols(file, table, count, strings) {
    const symbols = Array.from({ length: count }, (_, i) => table + 16 * i)
    const isExported = (symbol) => (file[symbol + 4] & 0x1f) === 0x0f
    return symbols.filter(isExported).map((symbol) => text(strings + file.readUInt32LE(symbol)).slice(1))
  }
}
