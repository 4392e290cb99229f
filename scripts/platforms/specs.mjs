// Specs that test the addon itself, for runs that would take too long with the rest, as under an emulator.

const pathsOf = (folders) =>
  Object.entries(folders).flatMap(([folder, names]) =>
    names.map((name) => `__test__/${folder}/${name}.spec.ts`),
  )

/** The specs of all its system calls, and of everything that it lends. */
export const nativeSpecs = pathsOf({
  files: [
    'access',
    'at',
    'attributes',
    'descriptors',
    'links',
    'listing',
    'make',
    'names',
    'open',
    'rename',
    'scandir',
    'stat',
    'stat-all',
    'statvfs',
    'utime',
  ],
  ipc: ['duplex', 'message', 'pidfd', 'socket'],
  memory: ['futex', 'mapping', 'mapping.files', 'memfd', 'memfd-class', 'memory', 'seals'],
  root: ['cases', 'root'],
  runtime: ['constants', 'error', 'supports'],
  tree: ['disk-usage', 'fwalk', 'rmtree'],
})

/** The specs that depend on the size of a page of memory. */
export const mappingSpecs = pathsOf({
  memory: [
    'futex',
    'futex.private',
    'mapping',
    'mapping.files',
    'mapping.shared',
    'memfd',
    'memfd-class',
    'memory',
    'seals',
    'seals.mapping',
  ],
})

// These start many programs, or have thousands of cases.
const slowSpecs = pathsOf({
  files: ['access', 'at', 'statvfs', 'utime'],
  ipc: ['duplex', 'pidfd', 'socket'],
  memory: ['futex', 'memory'],
  root: ['cases'],
  runtime: ['error'],
  tree: ['disk-usage'],
})

/** The native specs for which the emulator takes about 5 minutes. */
export const quickSpecs = nativeSpecs.filter((spec) => !slowSpecs.includes(spec))
