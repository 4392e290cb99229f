// The compilers for other platforms: Debian's rustc, which has its standard library's sources, and zig,
// which has every platform's linker and C library.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { delimiter, join } from 'node:path'

import { cache, cached } from './cache.mjs'
import { debianPackages, debianPackagesWhole, script, wheel } from './download.mjs'

/** The folder with `zig` and `cargo-zigbuild`. */
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

/** The folder of Debian's rustc, cargo and clippy, of one version with the sources of std. */
async function debianRust() {
  const size = 'rustc, cargo, clippy and the sources of std, downloads 180 MB'
  const folder = await cached('rust', size, async (unfinished) => {
    await debianPackagesWhole(unfinished, 'bookworm', 'cargo-web', 'rust-web-src', 'rust-web-clippy')
    // arm64 with glibc is the only other platform for which Debian has std compiled.
    await debianPackages(unfinished, 'bookworm', 'libstd-rust-web-dev:arm64')
  })
  return join(folder, 'usr')
}

// Whether the compiler on the PATH can compile for it, as after `rustup target add`.
function hasStd(triple) {
  const { status, stdout } = spawnSync('rustc', ['--print', 'target-libdir', '--target', triple], { encoding: 'utf8' })
  return status === 0 && existsSync(stdout.trim())
}

/** The variables with which cargo compiles for the platform, or another triple, and zig links. */
export async function environment({ triple, os }) {
  const paths = [await zig(), process.env.PATH]
  const variables = {
    ...process.env,
    ZIG_GLOBAL_CACHE_DIR: join(cache, 'zig-cache'),
    // rustc knows the machine's own strip only.
    ...(os === 'darwin' && { CARGO_PROFILE_RELEASE_STRIP: 'none' }),
  }
  // In the place of rustflags from files, and of those that napi sets for musl.
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
