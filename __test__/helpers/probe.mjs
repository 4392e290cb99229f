// Calls every function of the package where there is no addon, and reports what comes of it.

// Arguments with which each would get to a system call.
const calls = {
  addSeals: [3, 1],
  dup: [3],
  fwalk: ['.'],
  getInheritable: [3],
  getSeals: [3],
  listdir: ['.'],
  lstat: ['.'],
  memfdCreate: ['name'],
  open: ['.', 'r'],
  rmdir: ['name'],
  setInheritable: [3, true],
  stat: ['.'],
  unlink: ['name'],
}

function thrownBy(run) {
  try {
    run()
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

export function probe(fdkit) {
  const functions = Object.keys(fdkit).filter((name) => typeof fdkit[name] === 'function')
  const probed = functions.filter((name) => name in calls)
  let hookWasCalled = false
  fdkit.addAuditHook(() => {
    hookWasCalled = true
  })
  const results = probed.map((name) => {
    const thrown = describe(thrownBy(() => fdkit[name](...calls[name])))
    const wrongArgument = thrownBy(() => fdkit[name](Symbol('no argument'))).code
    return [name, { thrown, wrongArgument }]
  })
  return {
    calls: Object.fromEntries(results),
    // A new function must be added above.
    notProbed: functions.filter((name) => !probed.includes(name) && name !== 'addAuditHook'),
    constants: Object.fromEntries(Object.entries(fdkit).filter(([, value]) => typeof value === 'number')),
    hookWasCalled,
  }
}
