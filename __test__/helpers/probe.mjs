// A program that calls every function of the package without an addon, and reports the outcomes.

// Arguments with which each function would reach a system call.
const calls = {
  access: ['.'],
  addSeals: [3, 1],
  canAccess: ['.'],
  chmod: ['name', 0o600],
  chown: ['name', -1, -1],
  dup: [3],
  exists: ['.'],
  fwalk: ['.'],
  futexWait: [new Int32Array(1), 0, 0],
  futexWake: [new Int32Array(1), 0],
  getInheritable: [3],
  getpagesize: [],
  getSeals: [3],
  link: ['name', 'other'],
  listdir: ['.'],
  lstat: ['.'],
  'Memfd.create': ['name'],
  'Memfd.from': [3],
  memfdCreate: ['name'],
  mkdir: ['name'],
  mkfifo: ['name'],
  mknod: ['name'],
  mmap: [3],
  mmapShared: [3],
  munmap: [new ArrayBuffer(1)],
  open: ['.', 'r'],
  openRoot: ['.'],
  readlink: ['name'],
  rename: ['name', 'other'],
  replace: ['name', 'other'],
  rmdir: ['name'],
  rmtree: ['name'],
  scandir: ['.'],
  setInheritable: [3, true],
  stat: ['.'],
  symlink: ['target', 'name'],
  unlink: ['name'],
  utime: ['name'],
}

// This function has no arguments that could be invalid.
const withoutArguments = new Set(['getpagesize'])
// These functions do not use the addon.
const independent = new Set(['addAuditHook', 'copyFrom', 'hugePageSizes'])

async function thrownBy(run) {
  try {
    await run()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

function describe(error) {
  const { errno, code, syscall, message, stack, cause } = error
  const causes = cause?.errors.map((each) => ({ code: each.code, message: each.message }))
  const isError = error instanceof Error
  return { keys: Object.keys(error), errno, code, syscall, message, stack, causes, isError }
}

const statics = (name, value) =>
  Object.getOwnPropertyNames(value)
    .filter((each) => typeof value[each] === 'function')
    .map((each) => [`${name}.${each}`, value[each].bind(value)])

/** Returns every function by its name, including static methods of classes. */
export function functionsOf(fdkit) {
  const functions = Object.entries(fdkit).filter(([, value]) => typeof value === 'function')
  const isClass = ([, value]) => Object.getOwnPropertyDescriptor(value, 'prototype')?.writable === false
  return Object.fromEntries(functions.flatMap((entry) => (isClass(entry) ? statics(...entry) : [entry])))
}

export async function probe(fdkit) {
  const functions = functionsOf(fdkit)
  const probed = Object.keys(functions).filter((name) => name in calls)
  let hookWasCalled = false
  fdkit.addAuditHook(() => {
    hookWasCalled = true
  })
  const results = []
  for (const name of probed) {
    const thrown = describe(await thrownBy(() => functions[name](...calls[name])))
    const wrongly = () => functions[name](Symbol('no argument'))
    const takesNone = withoutArguments.has(name)
    results.push([name, { thrown, wrongArgument: takesNone ? null : (await thrownBy(wrongly)).code }])
  }
  return {
    calls: Object.fromEntries(results),
    // A new function must be added above.
    notProbed: Object.keys(functions).filter((name) => !probed.includes(name) && !independent.has(name)),
    constants: Object.fromEntries(Object.entries(fdkit).filter(([, value]) => typeof value === 'number')),
    hookWasCalled,
  }
}
