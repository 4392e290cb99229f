// Audit events (PEP 578): hooks that can refuse an operation, channels for those who watch.
import type { Channel } from 'node:diagnostics_channel'

import { registry } from './registry.js'
import { validateFunction } from './validate.js'

/**
 * Called with the name of an event and its arguments, before the operation. What it throws
 * ends the operation.
 */
export type AuditHook = (event: string, args: readonly unknown[]) => void

// Of this thread, added by any copy of the package.
const hooks: AuditHook[] = []
registry.tellOfHooks((hook) => void hooks.push(hook))

/**
 * Declares an event, once. The function that comes back raises it with the arguments in the
 * order of `parameters`.
 */
export function auditEvent(event: string, ...parameters: string[]): (...args: unknown[]) => void {
  // Made with the first event, so that an import does not load the module.
  let watchers: Channel | undefined
  return (...args) => {
    watchers ??= process.getBuiltinModule('node:diagnostics_channel').channel(event)
    if (hooks.length === 0 && !watchers.hasSubscribers) return
    // As Python's tuples: what one hook hears, the next one hears too.
    Object.freeze(args)
    for (const hook of hooks) hook(event, args)
    if (watchers.hasSubscribers) {
      watchers.publish(Object.fromEntries(parameters.map((name, index) => [name, args[index]])))
    }
  }
}

const auditAddHook = auditEvent('sys.addaudithook')

/**
 * Adds a function that is called before every operation that Python audits, and can refuse it
 * by throwing. As in Python it cannot be removed; it hears of the hooks that are added later.
 *
 * Where one only wants to watch, the `node:diagnostics_channel` channel of the event's name
 * carries the arguments by name. Events: `mmap.__new__`, `open`, `os.chmod`, `os.chown`, `os.fwalk`, `os.link`,
 * `os.listdir`, `os.mkdir`, `os.remove`, `os.rename`, `os.rmdir`, `os.scandir`, `os.symlink`,
 * `os.utime`, `shutil.rmtree`, `sys.addaudithook`. Each thread has hooks of its own.
 *
 * @param hook called with the event's name and its arguments, `undefined` for those left out
 * (-1 for `dirFd`, `srcDirFd` and `dstDirFd`, but `undefined` in `os.fwalk` and `shutil.rmtree`, as
 * in Python)
 * @throws `ERR_INVALID_ARG_TYPE`: not a function; whatever an earlier hook throws
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
