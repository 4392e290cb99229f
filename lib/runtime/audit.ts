// Audit events (PEP 578): hooks that can refuse an operation, and diagnostics channels for
// observers.
import type { Channel } from 'node:diagnostics_channel'

import { registry } from './registry.js'
import { validateFunction } from './validate.js'

/**
 * A function that is called with the name and the arguments of an event, before the operation. If
 * it throws, the operation ends with that error.
 */
export type AuditHook = (event: string, args: readonly unknown[]) => void

// The hooks of this thread, added through any copy of the package.
const hooks: AuditHook[] = []
registry.tellOfHooks((hook) => void hooks.push(hook))

/** Raises an event. Its arguments are in the order in which they were declared. */
export interface AuditEvent {
  (...args: unknown[]): void
  /** Returns whether anybody receives the event. */
  isHeard(): boolean
}

/**
 * Declares an event. It must be called once for each event. Returns a function that raises the
 * event; its arguments are in the order of `parameters`.
 */
export function auditEvent(event: string, ...parameters: string[]): AuditEvent {
  // The channel is created with the first event, so that an import does not load the module.
  let watchers: Channel | undefined
  const channel = () => (watchers ??= process.getBuiltinModule('node:diagnostics_channel').channel(event))
  const isHeard = () => hooks.length > 0 || channel().hasSubscribers
  const raise = (...args: unknown[]) => {
    if (!isHeard()) return
    // As with Python's tuples, a hook cannot change what the next hook receives.
    Object.freeze(args)
    for (const hook of hooks) hook(event, args)
    if (channel().hasSubscribers) {
      channel().publish(Object.fromEntries(parameters.map((name, index) => [name, args[index]])))
    }
  }
  return Object.assign(raise, { isHeard })
}

const auditAddHook = auditEvent('sys.addaudithook')

/**
 * Adds a function that is called before every operation that Python audits. The function can refuse
 * the operation by throwing. As in Python, a hook cannot be removed, and it is also called when
 * another hook is added.
 *
 * To observe without refusing, subscribe to the `node:diagnostics_channel` channel of the event's
 * name, whose messages have the arguments by name. The events are `mmap.__new__`, `open`,
 * `os.chmod`, `os.chown`, `os.fwalk`, `os.link`, `os.listdir`, `os.mkdir`, `os.remove`,
 * `os.rename`, `os.rmdir`, `os.scandir`, `os.symlink`, `os.truncate`, `os.utime`, `shutil.rmtree` and
 * `sys.addaudithook`. Each thread has its own hooks.
 *
 * @param hook a function that gets the event's name and its arguments. An argument that was not
 * given is `undefined`; `dirFd`, `srcDirFd` and `dstDirFd` are then -1, except in `os.fwalk` and
 * `shutil.rmtree`, as in Python.
 * @throws `ERR_INVALID_ARG_TYPE`: `hook` is not a function; and whatever an earlier hook throws
 * @see https://docs.python.org/3/library/sys.html#sys.addaudithook
 * @example
 * ```ts
 * import { addAuditHook, unlink } from 'fdkit'
 *
 * addAuditHook((event, args) => {
 *   if (event === 'os.remove') throw new Error(`not removing ${args[0]}`)
 * })
 * unlink('precious') // throws: not removing precious
 * ```
 */
export function addAuditHook(hook: AuditHook): void {
  validateFunction(hook, 'hook')
  auditAddHook()
  registry.addHook(hook)
}
