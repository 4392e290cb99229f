// Runs a command with another platform's Node.js in a root of its own: the machine's root, with a
// layer of a few MB over it. Everything else, such as bash and python3, comes from the machine. The
// mounts disappear when the command ends.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { root } from '../run.mjs'
import { cache } from './cache.mjs'
import { registerEmulator } from './emulator.mjs'
import { emulator, layerFor } from './runtime.mjs'

const NAMESPACE = ['unshare', '--mount', '--propagation', 'private', 'bash', '-euc']

// A layer must not be below another one, so it is copied. Without an upper layer, the root would be
// read-only, and tests that expect ENOENT would get EROFS.
const ENTER = `
mount -t tmpfs tmpfs "$ROOT"
mkdir "$ROOT/layer" "$ROOT/root" "$ROOT/upper" "$ROOT/work"
cp -a "$LAYER/." "$ROOT/layer"
mount -t overlay overlay -o "lowerdir=$ROOT/layer:/,upperdir=$ROOT/upper,workdir=$ROOT/work" "$ROOT/root"
for path in /proc /sys /dev /tmp "$PROJECT" "$CACHE"; do
  mkdir -p "$ROOT/root$path"
  mount --rbind "$path" "$ROOT/root$path"
done
exec chroot "$ROOT/root" /bin/bash -c 'cd "$PROJECT"; unset ROOT PROJECT CACHE LAYER; exec "$@"' bash "$@"
`

const TRY =
  'cd "$1"; mkdir layer root; mount -t tmpfs tmpfs layer; cd layer; mkdir lower upper work; \
mount -t overlay overlay -o "lowerdir=lower:/,upperdir=upper,workdir=work" ../root; exec chroot ../root /bin/true'

let reason

/** Returns the reason why this machine cannot make such a root, or undefined if it can. */
export function whyNoRoot() {
  if (process.platform !== 'linux') return 'needs Linux'
  if (process.getuid() !== 0) return 'needs root, to mount'
  if (reason === undefined) {
    // Root in a container may lack the right to mount.
    const folder = mkdtempSync(join(tmpdir(), 'fdkit-root-'))
    const [command, ...args] = [...NAMESPACE, TRY, 'bash', folder]
    const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
    rmSync(folder, { recursive: true })
    reason = status === 0 ? '' : `cannot mount: ${error?.message ?? stderr.trim().split('\n').at(-1)}`
  }
  return reason === '' ? undefined : reason
}

/**
 * Returns the command line and the variables to run a command on the platform. The machine's own
 * platform needs no root.
 */
export async function onPlatform(platform, command, env = {}) {
  const { name, isOwn, isEmulated } = platform
  if (isOwn) return { command, env: { ...process.env, ...env } }
  return inLayer(name, await layerFor(platform), isEmulated ? await emulator() : undefined, command, env)
}

/** Does the same with any layer. */
export function inLayer(name, layer, emulatorPath, command, env = {}) {
  if (emulatorPath !== undefined) registerEmulator(emulatorPath)
  // The mounts are in a mount namespace of their own, so that several commands can share the
  // folder.
  const folder = join(cache, 'root', name)
  mkdirSync(folder, { recursive: true })
  const variables = { ...process.env, ...env, ROOT: folder, PROJECT: root, CACHE: cache, LAYER: layer }
  return { command: [...NAMESPACE, ENTER, 'bash', ...command], env: variables }
}
