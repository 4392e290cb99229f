// Audit events (PEP 578): hooks that can refuse an operation, and diagnostics channels for
// observers.
import type { Channel } from 'node:diagnostics_channel'

import { registry } from './registry.js'
import { validateFunction, type PathLike } from './validate.js'

/**
 * The arguments of each audit event. The names and the order are those of Python's events. Paths are as
 * the caller passed them, descriptors are numbers, and an argument that was not given is `undefined`.
 */
export interface AuditEvents {
  'fdkit.diskUsage': [path: PathLike, dirFd: number | undefined]
  'mmap.__new__': [fileno: number, length: number, access: number, offset: number]
  open: [path: PathLike, mode: undefined, flags: number]
  'os.chmod': [path: PathLike | number, mode: number, dirFd: number]
  'os.chown': [path: PathLike | number, uid: number, gid: number, dirFd: number]
  'os.fwalk': [
    top: PathLike,
    topdown: boolean,
    onerror: ((error: never) => void) | undefined,
    followSymlinks: boolean,
    dirFd: number | undefined,
  ]
  'os.link': [src: PathLike, dst: PathLike, srcDirFd: number, dstDirFd: number]
  'os.listdir': [path: PathLike | number | undefined]
  'os.mkdir': [path: PathLike, mode: number, dirFd: number]
  'os.remove': [path: PathLike, dirFd: number]
  'os.rename': [src: PathLike, dst: PathLike, srcDirFd: number, dstDirFd: number]
  'os.rmdir': [path: PathLike, dirFd: number]
  'os.scandir': [path: PathLike | number | undefined]
  'os.symlink': [src: PathLike, dst: PathLike, dirFd: number]
  'os.utime': [
    path: PathLike | number,
    times: readonly unknown[] | undefined,
    ns: readonly unknown[] | undefined,
    dirFd: number,
  ]
  'socket.bind': [self: undefined, address: string | PathLike, dirFd: number]
  'socket.connect': [self: undefined, address: string | PathLike, dirFd: number]
  'socket.sendmsg': [self: unknown, address: undefined]
  'shutil.rmtree': [path: PathLike, dirFd: number | undefined]
  'sys.addaudithook': []
}

/**
 * A function that is called with the name and the arguments of an event, before the operation. If
 * it throws, the operation ends with that error. If it compares the name, TypeScript knows the types
 * of the arguments.
 */
export type AuditHook = (
  ...event: {
    [Name in keyof AuditEvents]: [event: Name, args: Readonly<AuditEvents[Name]>]
  }[keyof AuditEvents]
) => void

// The hooks of this thread, added through any copy of the package.
const hooks: AuditHook[] = []
registry.tellOfHooks((hook) => void hooks.push(hook))

/**
 * Declares an event. It must be called once for each event. Returns a function that raises the
 * event; its arguments are in the order of `parameters`.
 */
export function auditEvent<Name extends keyof AuditEvents>(
  event: Name,
  ...parameters: string[]
): (...args: AuditEvents[Name]) => void {
  // The channel is created with the first event, so that an import does not load the module.
  let watchers: Channel | undefined
  return (...args) => {
    watchers ??= process.getBuiltinModule('node:diagnostics_channel').channel(event)
    if (hooks.length === 0 && !watchers.hasSubscribers) return
    // As with Python's tuples, a hook cannot change what the next hook receives.
    Object.freeze(args)
    for (const hook of hooks) hook(...([event, args] as unknown as Parameters<AuditHook>))
    if (watchers.hasSubscribers) {
      watchers.publish(Object.fromEntries(parameters.map((name, index) => [name, args[index]])))
    }
  }
}

const auditAddHook = auditEvent('sys.addaudithook')

/**
 * Adds a function that is called before every operation that Python audits. The function can refuse
 * the operation by throwing. {@link diskUsage}, which Python lacks, raises `fdkit.diskUsage`. As in Python, a hook cannot be removed, and it is also called when
 * another hook is added.
 *
 * To observe without refusing, subscribe to the `node:diagnostics_channel` channel of the event's
 * name, whose messages have the arguments by name. The events are `mmap.__new__`, `open`,
 * `os.chmod`, `os.chown`, `os.fwalk`, `os.link`, `os.listdir`, `os.mkdir`, `os.remove`,
 * `os.rename`, `os.rmdir`, `os.scandir`, `os.symlink`, `os.utime`, `shutil.rmtree`, `socket.bind`,
 * `socket.connect`, `socket.sendmsg` and `sys.addaudithook`. Each thread has its own hooks.
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
export function addAuditHook(hook: AuditHook): void
// A function of one parameter is not assignable to a union of tuples.
export function addAuditHook(hook: (event: keyof AuditEvents) => void): void
export function addAuditHook(hook: AuditHook | ((event: keyof AuditEvents) => void)): void {
  validateFunction(hook, 'hook')
  auditAddHook()
  registry.addHook(hook as AuditHook)
}
