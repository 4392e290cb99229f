// A program that calls every function of the package without an addon, and reports the outcomes.

import { goodArguments, optionsAmong } from './good-arguments.mjs'

// Nothing is opened or mapped, since no call gets that far.
const table = goodArguments({
  at: (name) => name,
  directory: 3,
  memfd: () => 3,
  page: () => 3,
  mapping: () => new ArrayBuffer(1),
  words: new Int32Array(1),
  socket: () => 3,
  pidfd: 3,
})

/** Returns arguments with which a function would reach a system call. */
function argumentsOf(name) {
  const args = table[name]()
  // Options such as `onerror` would keep an error from being thrown.
  return optionsAmong(args) ? args.slice(0, -1) : args
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
  const probed = Object.keys(functions).filter((name) => name in table && !independent.has(name))
  let hookWasCalled = false
  fdkit.addAuditHook(() => {
    hookWasCalled = true
  })
  const results = []
  for (const name of probed) {
    const thrown = describe(await thrownBy(() => functions[name](...argumentsOf(name))))
    const wrongly = () => functions[name](Symbol('no argument'))
    const takesNone = withoutArguments.has(name)
    results.push([name, { thrown, wrongArgument: takesNone ? null : (await thrownBy(wrongly)).code }])
  }
  return {
    calls: Object.fromEntries(results),
    // A new function must be added to the good arguments.
    notProbed: Object.keys(functions).filter((name) => !probed.includes(name) && !independent.has(name)),
    constants: Object.fromEntries(Object.entries(fdkit).filter(([, value]) => typeof value === 'number')),
    hookWasCalled,
  }
}
