// State that all copies of this package in a thread share. Package managers install two copies if
// two packages require different versions, and a program cannot tell which copy made a buffer or a
// hook.
import type { AuditHook } from './audit.js'

/** The functions of the copy that mapped a buffer. Only that copy's addon knows the mapping. */
export interface Owner {
  munmap?(buffer: ArrayBuffer): void
  futexWait?(words: Int32Array, ...rest: unknown[]): unknown
  futexWake?(words: Int32Array, ...rest: unknown[]): unknown
  futexWaitAsync?(words: Int32Array, ...rest: unknown[]): unknown
}

interface Registry {
  /** Adds a hook to every copy. */
  addHook(hook: AuditHook): void
  /** Passes every hook to a copy: the existing ones at once, and later ones when they are added. */
  tellOfHooks(copy: (hook: AuditHook) => void): void
  /** Records which copy mapped a buffer. */
  setOwner(buffer: ArrayBuffer, owner: Owner): void
  ownerOf(buffer: ArrayBufferLike): Owner | undefined
}

function makeRegistry(): Registry {
  const hooks: AuditHook[] = []
  const copies: ((hook: AuditHook) => void)[] = []
  const owners = new WeakMap<object, Owner>()
  return {
    addHook(hook) {
      hooks.push(hook)
      for (const copy of copies) copy(hook)
    },
    tellOfHooks(copy) {
      copies.push(copy)
      for (const hook of hooks) copy(hook)
    },
    setOwner: (buffer, owner) => void owners.set(buffer, owner),
    ownerOf: (buffer) => owners.get(buffer),
  }
}

// The number is the version of the interface above.
const KEY = Symbol.for('fdkit.registry.1')

function findRegistry(): Registry {
  const found = (globalThis as Record<symbol, unknown>)[KEY] as Registry | undefined
  if (found !== undefined) return found
  const registry = Object.freeze(makeRegistry())
  // The call returns false if the global object cannot be extended. Then this copy has a registry
  // of its own.
  Reflect.defineProperty(globalThis, KEY, { value: registry })
  return registry
}

export const registry: Registry = findRegistry()

/** The functions that this copy offers to the others. The modules that define them add them. */
export const own: Owner = {}

/** Returns the functions of the copy that mapped a buffer, if that is another copy. */
export function otherOwner(buffer: ArrayBufferLike): Owner | undefined {
  const owner = registry.ownerOf(buffer)
  return owner === own ? undefined : owner
}
