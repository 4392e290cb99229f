/**
 * The functions of `fdkit` with promises, off the main thread.
 *
 * Descriptors given to a call are copied before it returns: it acts on what the number meant then,
 * whatever is closed or reused meanwhile. Every copy is closed when the call is over.
 *
 * @packageDocumentation
 */
export {
  fwalk,
  type AsyncFwalkIterator,
  type AsyncFwalkOptions,
} from './lib/tree/fwalk-promise.js'
export * from './lib/promises.js'
export { futexWaitAsync, type FutexResult, type FutexWaitAsyncOptions } from './lib/memory/futex.js'
export { createMemfd } from './lib/memory/memfd-promise.js'
export type { AsyncMemfdOptions } from './lib/memory/memfd-create.js'
export type { AsyncContents } from './lib/memory/chunks.js'
export type { AsyncRmtreeOptions } from './lib/tree/rmtree.js'
export type { AsyncDirEntry } from './lib/files/scandir.js'
