// Builds addons into their packages below npm/, and checks the results, here and on GitHub:
// node scripts/platforms/build.mjs linux-x64-musl linux-arm64-gnu
// Linux addons are always linked by zig. On macOS, macOS addons are linked by Apple's linker.
// Elsewhere, zig links them; that shows that they compile and link, and the result is not for
// publishing.
import { buildAddon } from '../addon.mjs'
import { addonPath } from '../platform.mjs'
import { say } from './cache.mjs'
import { inspect } from './inspect.mjs'
import { MACOS, platformOf, platforms } from './list.mjs'
import { environment } from './toolchain.mjs'

export async function buildFor(platform) {
  const { name, os, triple, zigTarget } = platform
  const minimum = os === 'darwin' ? { MACOSX_DEPLOYMENT_TARGET: MACOS } : {}
  if (process.platform === 'darwin') {
    buildAddon(name, ['--target', triple], { ...process.env, ...minimum })
  } else {
    const env = { ...(await environment(platform)), ...minimum }
    buildAddon(name, ['--target', zigTarget, '--cross-compile'], env)
  }
  return inspect(platform, addonPath(name))
}

if (process.argv[1] === import.meta.filename) {
  const names = process.argv.slice(2)
  const chosen = names.length > 0 ? names.map(platformOf) : platforms
  for (const platform of chosen) {
    const { bytes, needed, newest } = await buildFor(platform)
    say(`${platform.name}: ${bytes} bytes, ${newest}, needs ${needed.join(', ')}`)
  }
}
