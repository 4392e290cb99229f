// Registers an emulator for arm64 programs with the kernel while this process runs. The kernel
// holds the emulator open, so it need not exist in the root of the programs. Their children start
// as usual, and process.execPath is correct.
import { spawnSync } from 'node:child_process'

const MAGIC = String.raw`\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00`
const MASK = String.raw`\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff`

const registry = '/proc/sys/fs/binfmt_misc'
const PREFIX = 'fdkit-aarch64-'
const name = `${PREFIX}${process.pid}`

const shell = (script, ...args) => spawnSync('sh', ['-euc', script, 'sh', ...args], { encoding: 'utf8' })

let isRegistered = false

/** Registers the emulator until this process ends. Throws if the machine does not allow it. */
export function registerEmulator(path) {
  if (isRegistered) return
  // Removes the registrations of processes that were killed.
  const clean = `for each in ${registry}/${PREFIX}*; do
    test -e "$each" && ! test -e "/proc/\${each##*-}" && echo -1 >"$each"; done; true`
  // A registration applies to the whole machine, and disappears with the mount of the registry. So
  // each process adds its own to the existing ones.
  const register = `test -e ${registry}/register || mount -t binfmt_misc binfmt_misc ${registry}
    ${clean}; printf %s "$1" >${registry}/register`
  const { status, stderr } = shell(register, `:${name}:M::${MAGIC}:${MASK}:${path}:F`)
  if (status !== 0) throw new Error(`binfmt_misc takes no emulator: ${stderr.trim()}`)
  isRegistered = true
  process.on('exit', unregister)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1))
}

// The mount stays while other processes have registrations.
function unregister() {
  shell(
    `echo -1 >${registry}/${name}; test "$(ls ${registry} | sort | xargs)" != 'register status' || umount ${registry}`,
  )
}
