// The compilers for other platforms: Debian's rustc, which has the sources of its standard library,
// and zig, which has a linker and a C library for every platform.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { delimiter, join } from 'node:path'

import { cache, cached } from './cache.mjs'
import { debianPackages, debianPackagesWhole, script, wheel } from './download.mjs'

/** Returns the folder with `zig` and `cargo-zigbuild`. */
async function zig() {
  const folder = await cached('zig', 'zig and cargo-zigbuild, downloads 103 MB', async (unfinished) => {
    await wheel(join(unfinished, 'zig'), 'ziglang')
    await wheel(join(unfinished, 'zigbuild'), 'cargo-zigbuild')
    chmodSync(join(unfinished, 'zig/ziglang/zig'), 0o755)
    const data = readdirSync(join(unfinished, 'zigbuild')).find((name) => name.endsWith('.data'))
    const zigbuild = join('zigbuild', data, 'scripts/cargo-zigbuild')
    chmodSync(join(unfinished, zigbuild), 0o755)
    mkdirSync(join(unfinished, 'bin'))
    symlinkSync(join('..', zigbuild), join(unfinished, 'bin/cargo-zigbuild'))
    script(join(unfinished, 'bin/zig'), 'exec "$(dirname "$(readlink -f "$0")")/../zig/ziglang/zig" "$@"')
  })
  return join(folder, 'bin')
}

/**
 * Returns the folder with Debian's rustc, cargo and clippy, in the version of the sources of std.
 */
async function debianRust() {
  const size = 'rustc, cargo, clippy and the sources of std, downloads 180 MB'
  const folder = await cached('rust', size, async (unfinished) => {
    await debianPackagesWhole(unfinished, 'bookworm', 'cargo-web', 'rust-web-src', 'rust-web-clippy')
    // arm64 with glibc is the only other platform for which Debian has a compiled std.
    await debianPackages(unfinished, 'bookworm', 'libstd-rust-web-dev:arm64')
  })
  return join(folder, 'usr')
}

// Returns whether the compiler on the PATH can compile for the target, as after `rustup target
// add`.
function hasStd(triple) {
  const { status, stdout } = spawnSync('rustc', ['--print', 'target-libdir', '--target', triple], {
    encoding: 'utf8',
  })
  return status === 0 && existsSync(stdout.trim())
}

/**
 * Returns the variables with which cargo compiles for a platform or another triple, and zig links.
 */
export async function environment({ triple, os }) {
  const paths = [await zig(), process.env.PATH]
  const variables = {
    ...process.env,
    ZIG_GLOBAL_CACHE_DIR: join(cache, 'zig-cache'),
    // rustc only knows the machine's own strip.
    ...(os === 'darwin' && { CARGO_PROFILE_RELEASE_STRIP: 'none' }),
  }
  // They replace the rustflags from files, and those that napi sets for musl.
  delete variables.RUSTFLAGS
  if (!hasStd(triple)) {
    const rust = await debianRust()
    paths.unshift(join(rust, 'bin'))
    variables.LD_LIBRARY_PATH = join(rust, 'lib/x86_64-linux-gnu')
    if (!existsSync(join(rust, 'lib/rustlib', triple, 'lib'))) {
      variables.RUSTC_BOOTSTRAP = '1'
      variables.CARGO_UNSTABLE_BUILD_STD = 'std,panic_unwind'
    }
  }
  return { ...variables, PATH: paths.join(delimiter) }
}
