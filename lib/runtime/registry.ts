// What the copies of this package in one thread share. Package managers install two copies if two
// packages want different versions, and a program cannot tell whose buffers and hooks it holds.
import type { AuditHook } from './audit.js'

/** The functions of the copy that mapped a buffer: only its addon knows the mapping. */
export interface Owner {
  munmap?(buffer: ArrayBuffer): void
  futexWait?(words: Int32Array, ...rest: unknown[]): unknown
  futexWake?(words: Int32Array, ...rest: unknown[]): unknown
  futexWaitAsync?(words: Int32Array, ...rest: unknown[]): unknown
}

interface Registry {
  /** Adds a hook to every copy. */
  addHook(hook: AuditHook): void
  /** Has a copy told of every hook: of those that exist, and of each that is added. */
  tellOfHooks(copy: (hook: AuditHook) => void): void
  /** Which copy mapped a buffer. */
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

// The number is that of the interface above.
const KEY = Symbol.for('fdkit.registry.1')

function findRegistry(): Registry {
  const found = (globalThis as Record<symbol, unknown>)[KEY] as Registry | undefined
  if (found !== undefined) return found
  const registry = Object.freeze(makeRegistry())
  // False where nothing can be added to the global object. Then this copy has one of its own.
  Reflect.defineProperty(globalThis, KEY, { value: registry })
  return registry
}

export const registry: Registry = findRegistry()

/** What this copy offers to the others; the modules of its functions put them in. */
export const own: Owner = {}

/** The functions of the copy that mapped a buffer, if that is another copy. */
export function otherOwner(buffer: ArrayBufferLike): Owner | undefined {
  const owner = registry.ownerOf(buffer)
  return owner === own ? undefined : owner
}
