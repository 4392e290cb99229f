/**
 * Provides the functions of `fdkit` as promises. The work is done off the main thread.
 *
 * Each call duplicates the descriptors that it is given before it returns. It acts on the files
 * that the numbers stood for at that moment, even if the numbers are closed or reused before the
 * call settles. The duplicates are closed when the call has settled.
 *
 * @packageDocumentation
 */
export { fwalk, type AsyncFwalkIterator, type AsyncFwalkOptions } from './lib/tree/fwalk-promise.js'
export * from './lib/promises.js'
export { futexWaitAsync, type FutexResult, type FutexWaitAsyncOptions } from './lib/memory/futex.js'
export { createMemfd } from './lib/memory/memfd-promise.js'
export type { AsyncMemfdOptions } from './lib/memory/memfd-create.js'
export type { AsyncContents } from './lib/memory/chunks.js'
export type { AsyncDiskUsageOptions } from './lib/tree/disk-usage.js'
export type { AsyncRmtreeOptions } from './lib/tree/rmtree.js'
export type { AsyncDirEntry } from './lib/files/scandir.js'
export { FdSocket, type FdPeer } from './lib/ipc/socket.js'
export type { FdBindOptions, FdConnectOptions, FdListenOptions } from './lib/ipc/connect.js'
export type { FdDuplex } from './lib/ipc/duplex.js'
export type { FdReceiveOptions } from './lib/ipc/endpoint.js'
export { FdMessage } from './lib/ipc/fds.js'
export { FdListener } from './lib/ipc/listener.js'
