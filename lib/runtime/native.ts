// The only door to the addon. When no addon can be loaded, every export throws ENOSYS with the reason.
import { loadAddon, NoAddon } from './addon.js'
import type * as Addon from './binding.js'
import { syscalls } from './syscalls.js'

// The addon's functions. When there is no addon, each of them fails as the system call here.
type Binding = Pick<typeof Addon, keyof typeof syscalls>

// Linux's number for ENOSYS. The exported constants are Linux's on every platform, too.
const ENOSYS = -38

function standIn({ reason, errors }: NoAddon): Binding {
  const cause = errors.length > 0 ? new AggregateError(errors, 'No addon was loaded') : undefined
  const exports = Object.entries(syscalls).map(([name, syscall]) => [
    name,
    function unavailable() {
      // The stack shows the message that the error was made with.
      const message = `ENOSYS: function not implemented, ${syscall}: ${reason}`
      const error = new Error(message, cause && { cause })
      throw Object.assign(error, { errno: ENOSYS, code: 'ENOSYS', syscall })
    },
  ])
  return Object.fromEntries(exports) as Binding
}

const loaded = loadAddon()

/** Whether there is an addon. */
export const isAvailable = !(loaded instanceof NoAddon)

/** The addon's exports. */
export const native: Binding = loaded instanceof NoAddon ? standIn(loaded) : loaded
