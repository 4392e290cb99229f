// Paths, and descriptors of what is there.
import { closeSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

import type { ExecutionContext } from 'ava'
import { open } from 'fdkit'

/** A descriptor that is closed when the test is over. */
export function opened(t: ExecutionContext, ...args: Parameters<typeof open>): number {
  const fd = open(...args)
  t.teardown(() => closeSync(fd))
  return fd
}

/** A path in every form that a path may have. */
export const forms = (path: string) =>
  [path, Buffer.from(path), new Uint8Array(Buffer.from(path)), pathToFileURL(path)] as const

/** The same of a path that starts at a directory, which a URL cannot. */
export const relativeForms = (path: string) =>
  [path, Buffer.from(path), new Uint8Array(Buffer.from(path))] as const
