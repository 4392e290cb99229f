// The only access to the addon. If no addon can be loaded, every export throws ENOSYS with the
// reason.
import { loadAddon, NoAddon } from './addon.js'
import type * as Addon from './binding.js'
import { confine } from './permission.js'
import { syscalls } from './syscalls.js'

// The addon's functions. If there is no addon, each of them throws an error of the system call
// listed in `syscalls`.
type Binding = Pick<typeof Addon, keyof typeof syscalls>

// Linux's number for ENOSYS. The exported constants also have Linux's values on every platform.
const ENOSYS = -38

function standIn({ reason, errors }: NoAddon): Binding {
  const cause = errors.length > 0 ? new AggregateError(errors, 'No addon was loaded') : undefined
  const exports = Object.entries(syscalls).map(([name, syscall]) => [
    name,
    function unavailable() {
      // The message is complete when the error is created, since the stack contains it.
      const message = `ENOSYS: function not implemented, ${syscall}: ${reason}`
      const error = new Error(message, cause && { cause })
      throw Object.assign(error, { errno: ENOSYS, code: 'ENOSYS', syscall })
    },
  ])
  return Object.fromEntries(exports) as Binding
}

const loaded = loadAddon()

/** Whether an addon was loaded. */
export const isAvailable = !(loaded instanceof NoAddon)

/** The addon's exports, or functions that throw ENOSYS. */
export const native: Binding = loaded instanceof NoAddon ? standIn(loaded) : confine(loaded)
