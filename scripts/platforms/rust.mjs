// What cargo says of the code for other platforms: clippy where code is compiled that the machine's own
// build leaves out, and the tests of the Rust crates on musl.
import { runWith } from '../run.mjs'
import { say } from './cache.mjs'
import { platformOf } from './list.mjs'
import { environment } from './toolchain.mjs'

async function cargo(platform, program, command, ...further) {
  say(`${program} ${command}, ${platform.triple}`)
  const env = await environment(platform)
  const args = [command, '--workspace', '--locked', '--target', platform.triple, ...further]
  runWith(env, program, ...args)
}

/** Ends this process if clippy has something to say. It needs no linker, and no SDK. */
export async function lintOthers() {
  for (const name of ['darwin-arm64', 'linux-x64-musl']) {
    await cargo(platformOf(name), 'cargo', 'clippy', '--all-targets', '--', '-D', 'warnings')
  }
}

/** FreeBSD has no addon. That the crates compile there keeps what is not Linux apart from what is macOS. */
export const checkFreeBsd = () => cargo({ triple: 'x86_64-unknown-freebsd', os: 'freebsd' }, 'cargo', 'check')

/** Ends this process if a test of the Rust crates fails on musl, where they run as static programs. */
export const testMusl = () => cargo(platformOf('linux-x64-musl'), 'cargo-zigbuild', 'test')

if (process.argv[1] === import.meta.filename) {
  await lintOthers()
  await testMusl()
}
