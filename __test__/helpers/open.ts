// Forms of paths, and descriptors.
import { closeSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

import type { ExecutionContext } from 'ava'
import { open } from 'fdkit'

/** Opens a descriptor that is closed when the test ends. */
export function opened(t: ExecutionContext, ...args: Parameters<typeof open>): number {
  const fd = open(...args)
  t.teardown(() => closeSync(fd))
  return fd
}

/** Returns a path in every form that fdkit accepts. */
export const forms = (path: string) =>
  [path, Buffer.from(path), new Uint8Array(Buffer.from(path)), pathToFileURL(path)] as const

/** Returns the forms of a relative path, which cannot be a URL. */
export const relativeForms = (path: string) =>
  [path, Buffer.from(path), new Uint8Array(Buffer.from(path))] as const
