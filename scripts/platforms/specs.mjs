// The specs that test the addon itself: all its system calls, and everything that it lends. They are for
// runs that would take too long with the rest, as under an emulator.

const names = {
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
}

/** The specs that depend on the size of a page of memory. */
export const mappingSpecs = [
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
].map((name) => `__test__/memory/${name}.spec.ts`)

export const nativeSpecs = Object.entries(names).flatMap(([folder, specs]) =>
  specs.map((name) => `__test__/${folder}/${name}.spec.ts`),
)
