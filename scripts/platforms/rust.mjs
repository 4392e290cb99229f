// Checks the code for other platforms with cargo: clippy for code that the machine's own build does
// not compile, and the tests of the Rust crates on musl.
import { runWith } from '../run.mjs'
import { say } from './cache.mjs'
import { platformOf } from './list.mjs'
import { environment } from './toolchain.mjs'

async function cargo(platform, program, command, further = [], variables = {}) {
  say(`${program} ${command}, ${platform.triple}`)
  const env = await environment(platform)
  const args = [command, '--workspace', '--locked', '--target', platform.triple, ...further]
  runWith({ ...env, ...variables }, program, ...args)
}

const strictly = ['--', '-D', 'warnings']

/**
 * Runs clippy on everything for macOS and musl, and ends this process if it reports anything. It needs
 * neither a linker nor an SDK.
 */
export async function lintOthers() {
  for (const name of ['darwin-arm64', 'linux-x64-musl']) {
    await cargo(platformOf(name), 'cargo', 'clippy', ['--all-targets', ...strictly])
  }
}

/**
 * Compiles the crates for FreeBSD, which has no addon. It shows that code for systems other than
 * Linux does not depend on macOS.
 */
export const checkFreeBsd = () => cargo({ triple: 'x86_64-unknown-freebsd', os: 'freebsd' }, 'cargo', 'check')

/**
 * Runs the tests of the Rust crates on musl, as static programs. Ends this process if one fails.
 */
export const testMusl = () =>
  cargo(platformOf('linux-x64-musl'), 'cargo-zigbuild', 'test', [], {
    // Zig has the objects that start a program; the sources of std come without.
    RUSTFLAGS: '-C link-self-contained=no',
    RUSTDOCFLAGS: '-C link-self-contained=no',
  })

if (process.argv[1] === import.meta.filename) {
  await lintOthers()
  await testMusl()
}
