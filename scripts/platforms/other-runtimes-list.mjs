// The tests that are left out on Bun and Deno. Each reason has entries of the form `file` or
// `file › part of the title`. A part that no title has counts as a failure.

const ofThePackage = [
  'package/bench.spec.ts',
  'package/bundlers.spec.ts',
  'package/command.spec.ts',
  'package/managers.spec.ts',
  'package/package.spec.ts',
  'package/pages.spec.ts',
  'package/setup.spec.ts',
  'package/startup.spec.ts',
  'package/types.spec.ts',
  'package/versions.spec.ts',
]

// These need the runtime to release, at the end of a worker, what an addon holds for it.
const workerEnds = [
  'files/tracking.spec.ts › a worker that is terminated while it opens',
  'memory/futex.spec.ts › the waits of a worker end with it',
  'memory/memfd-class.lifetime.spec.ts › the end of a worker closes',
  'memory/memfd-class.workers.spec.ts',
  'root/reentrancy.spec.ts › a worker that ends closes its roots',
  'runtime/endings.spec.ts › a worker that',
  'tree/fwalk.promises.spec.ts › workers that are terminated',
  'tree/fwalk.workers.spec.ts › a worker that is terminated',
  'tree/fwalk.workers.spec.ts › one after another is terminated',
]

export const leftOut = {
  bun: {
    'tests npm, compilers, scripts and programs that run on Node.js': ofThePackage,
    'tests the permission model of Node.js': [
      'runtime/permission.spec.ts',
      'runtime/native.spec.ts › under the permission model',
    ],
    'compares with the texts of Node.js': [
      'files/tracking.spec.ts › with the warning of Node.js',
      'memory/memfd-class.io.spec.ts › blob copies a file in pieces',
      'runtime/endings.spec.ts › by an uncaught exception',
      'runtime/endings.spec.ts › by an unhandled rejection',
      'runtime/validate.spec.ts › rejected as by Node',
    ],
    'compares with what only the node:fs of Node.js does': [
      'root/cases.spec.ts › resolved by the kernel',
      'root/cases.spec.ts › resolved component by component',
      'runtime/realms.spec.ts › a Proxy of a Stats',
      'runtime/realms.spec.ts › URLs of another implementation',
    ],
    'Bun closes all descriptors above 2 in child processes': [
      'files/descriptors.spec.ts › a child process inherits the descriptor',
      'memory/mapping.shared.spec.ts › Python sees values that Atomics stored',
      'memory/memfd-class.lifetime.spec.ts › from accepts a descriptor that a child has inherited',
      'memory/memfd-class.spec.ts › a child inherits the descriptor',
      'memory/memfd.spec.ts › children inherit the descriptor',
      'memory/memfd.spec.ts › MFD_EXEC sets mode 0777',
    ],
    'Bun aborts if there is no /proc': [
      'files/listing.offset.spec.ts › without /proc',
      'root/attack.spec.ts › without /proc',
    ],
    'Bun does not run the finalizers of externals when a worker ends': [
      ...workerEnds,
      'ipc/ownership.spec.ts › in a worker, descriptors are registered',
      'ipc/workers.spec.ts › and leaks nothing',
      'ipc/workers.spec.ts › several workers and the main thread',
    ],
    'the threads of Bun interleave in the output of strace, which the test reads line by line': [
      'tree/fwalk.leaks.spec.ts › a walk leaks nothing if any call',
      'tree/fwalk.leaks.spec.ts › a walk with threads accounts for all',
    ],
    'strace counts the calls of each thread, and Bun makes them on other threads in each run': [
      'root/faults.spec.ts',
    ],
    'the workers of Bun have no gc()': [
      'files/tracking.spec.ts › a descriptor that a worker took over with Memfd.from',
    ],
    'Bun does not run its asynchronous work on the threads of libuv': [
      'files/pending.spec.ts › pending calls share a descriptor',
      'files/pending.spec.ts › hold one descriptor for each directory',
      'runtime/promises.spec.ts › the event loop keeps turning',
      'runtime/promises.spec.ts › calls are not affected if their descriptors are',
    ],
    'Bun and Node.js take different turns of the event loop': [
      'tree/fwalk.threads.spec.ts › each step is made off the main thread',
      'tree/fwalk.threads.spec.ts › a step to a directory that is listed already resolves in the same turn',
    ],
    'the process.env of Bun does not call setenv, which tells a preloaded library to start': [
      'memory/mapping.spec.ts › too many mappings are ENOMEM',
      'memory/memfd-class.lifetime.spec.ts › even if a buffer cannot be unmapped',
    ],
    'the closeSync of Bun does not report errors': [
      'memory/mapping.faults.spec.ts › EIO of any call of close',
    ],
    'Bun aborts if it cannot start a thread': ['memory/mapping.faults.spec.ts › if no thread can be started'],
    'Bun ignores data: URLs of --import, by which these tests fake a platform': [
      'runtime/native.spec.ts › is reported as not supported',
      'runtime/native.spec.ts › the C library is detected by the ldd of musl',
      'runtime/native.spec.ts › the C library is detected by the report of musl',
      'runtime/native.spec.ts › a missing package for',
    ],
  },
  deno: {
    'tests npm, compilers, scripts and programs that run on Node.js': ofThePackage,
    'tests the permission model of Node.js': ['runtime/permission.spec.ts'],
    'compares with the texts of Node.js': ['runtime/validate.spec.ts › rejected as by Node'],
    'compares with what only the node:fs of Node.js does': [
      'files/access.spec.ts › throws the same errors as node:fs',
      'files/family.property.spec.ts',
      'memory/memfd.spec.ts › F_SEAL_SHRINK and F_SEAL_GROW forbid only',
      'root/cases.spec.ts › resolved by the kernel',
      'root/cases.spec.ts › resolved component by component',
      'root/root.spec.ts › directories are made and removed as by node:fs',
      'runtime/error.spec.ts › unlink: EISDIR is equal',
    ],
    'the node:fs of Deno replaces bytes that are not UTF-8': [
      'files/links.spec.ts › readlink returns a target that is not UTF-8',
      'files/make.spec.ts › accepts a name that is not UTF-8',
      'files/names.spec.ts › any name round-trips',
      'files/names.spec.ts › a directory of any name is walked',
      'files/names.spec.ts › node:fs finds a file that fdkit created',
      'files/names.spec.ts › made of "\\udcff"',
      'files/names.spec.ts › paths up to PATH_MAX are accepted',
      'files/where.spec.ts › one whose name is not UTF-8',
      'memory/memfd-class.spec.ts › a name consists of at most 249 bytes',
      'memory/memfd.spec.ts › accepts and shows a name',
      'memory/memfd.spec.ts › accepts a name that is not UTF-8',
      'memory/memfd.spec.ts › a name of 250 bytes is EINVAL',
      'root/root.spec.ts › results are those of node:fs',
    ],
    'the node:fs of Deno rejects descriptors that it did not open, such as memfd.fd': [
      'files/tracking.spec.ts › a worker that cannot open the root directory',
      'files/tracking.spec.ts › a descriptor gets the lowest free number',
      'memory/mapping.spec.ts › maps every offset and length around page boundaries',
      'memory/mapping.spec.ts › mappings and file operations see the same contents',
      'memory/memfd-class.io.spec.ts › even if another descriptor changed it',
      'memory/memfd-class.io.spec.ts › truncate shrinks or extends the file',
      'memory/memfd-class.io.spec.ts › read and write do not move the offset',
      'memory/memfd-class.lifetime.spec.ts › close throws EBADF if the descriptor was closed elsewhere',
      'memory/memfd-class.object.spec.ts › reports a descriptor that was closed elsewhere',
      'memory/memfd-class.spec.ts › size reserves memory',
      'memory/memfd-class.spec.ts › every combination of sealing, exec and inheritable',
      'memory/memfd-class.spec.ts › exec: false is permanent',
      'memory/memfd-class.spec.ts › before Linux 6.3 the file is created without the exec flags',
      'memory/memory.spec.ts › a size beyond the limit of the control group',
      'memory/memory.spec.ts › contents are stored in whole pages',
      'memory/memory.spec.ts › if the system may keep it in huge pages',
      'root/reentrancy.spec.ts › a hook gets fd',
      'root/reentrancy.spec.ts › options on Object.prototype are ignored',
      'root/root.spec.ts › fd is closed with the root',
      'tree/fwalk.cpython.spec.ts › yields_correct_dir_fd',
    ],
    'Deno passes no descriptors to child processes': [
      'ipc/handing-over-descriptors.spec.ts › systemd-socket-activate',
      'ipc/handing-over-descriptors.spec.ts › node upgrade.ts',
      'ipc/message.spec.ts › a socket that does not block fails with EAGAIN',
      'ipc/message.spec.ts › the other process may be of another user',
      'ipc/stress.spec.ts',
      'memory/memfd.spec.ts › a child that reads an inherited descriptor',
    ],
    'Deno runs no finalizers when a worker ends': [
      ...workerEnds,
      'files/open.workers.spec.ts › a terminated worker leaks none',
      'files/tracking.spec.ts › a descriptor that a worker took over with Memfd.from',
      'memory/futex.spec.ts › a process can exit while its workers wait',
      'memory/mapping.moving.spec.ts › the end of a worker unmaps',
      'memory/mapping.moving.spec.ts › a transferred buffer is unmapped once in its new thread',
    ],
    'Deno takes the text of a worker for CommonJS': [
      'ipc/ownership.spec.ts › in a worker, descriptors are registered',
      'ipc/workers.spec.ts › a worker ends by',
      'ipc/workers.spec.ts › the poll thread outlives the worker',
      'ipc/workers.spec.ts › several workers and the main thread',
    ],
    'Deno panics if there is no /proc': [
      'files/listing.offset.spec.ts › without /proc',
      'root/attack.spec.ts › without /proc',
    ],
    'Deno does not collect dropped objects before it runs out of descriptors': [
      'ipc/ownership.spec.ts › messages that are dropped are collected',
      'memory/memfd-class.lifetime.spec.ts › dropped Memfds are collected before',
    ],
    'Deno panics or opens other descriptors than Node.js if it is short of them': [
      'ipc/faults.spec.ts › a failure of socketpair',
      'ipc/faults.spec.ts › no poll thread can be started',
      'ipc/ownership.spec.ts › no number free for a duplicate',
    ],
    'Deno opens descriptors of its own during the first calls that complete later, and the test counts them':
      ['memory/mapping.faults.spec.ts'],
    'Deno does not run its asynchronous work on the threads of libuv': [
      'files/pending.spec.ts › pending calls share a descriptor',
      'files/pending.spec.ts › hold one descriptor for each directory',
      'runtime/promises.spec.ts › the event loop keeps turning',
      'runtime/promises.spec.ts › calls are not affected if their descriptors are',
    ],
  },
}
