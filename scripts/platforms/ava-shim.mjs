// The part of ava's interface that the tests use, for runtimes that ava itself does not run on. It
// runs the tests of one file one after another, and prints the results as TAP.
import { isDeepStrictEqual, inspect } from 'node:util'

const LIMIT = 120_000 * Number(process.env.SLOW ?? 1)

const tests = []
const hooks = { before: [], beforeEach: [], afterEach: [], after: [] }

function declare(title, run) {
  tests.push({ title, run })
}

const hook = (list) => Object.assign((run) => list.push(run), { always: (run) => list.push(run) })

const test = Object.assign(declare, {
  serial: declare,
  skip: (title) => tests.push({ title }),
  before: hook(hooks.before),
  beforeEach: hook(hooks.beforeEach),
  afterEach: hook(hooks.afterEach),
  after: hook(hooks.after),
})

export default test

const options = { depth: 8, breakLength: Infinity, compact: true }

/** Returns both values in one line, or the lines in which they differ. */
function compare(actual, expected) {
  const text = `${inspect(actual, options)} is not ${inspect(expected, options)}`
  if (text.length < 400) return text
  const [ours, theirs] = [actual, expected].map((value) =>
    inspect(value, { ...options, compact: false }).split('\n'),
  )
  const without = (lines, others) => lines.filter((line) => !others.includes(line)).slice(0, 20)
  return [...without(ours, theirs), 'is not', ...without(theirs, ours)].join('\n')
}

class AssertionError extends Error {}

const same = (actual, expected) => Object.is(actual, expected)

function isLike(actual, selector) {
  if (typeof selector !== 'object' || selector === null) return isDeepStrictEqual(actual, selector)
  if (typeof actual !== 'object' || actual === null) return false
  return Reflect.ownKeys(selector).every((key) => isLike(actual[key], selector[key]))
}

/** Returns what is wrong with a thrown value, as ava's throws() and throwsAsync() do. */
function complaint(error, expected = {}) {
  if (!(error instanceof Error) && !expected.any) return `is no Error: ${inspect(error)}`
  const { instanceOf, code, name, message } = expected
  if (instanceOf !== undefined && !(error instanceof instanceOf)) return `is no ${instanceOf.name}`
  if (code !== undefined && error.code !== code) return `has the code ${error.code}, not ${code}`
  if (name !== undefined && error.name !== name) return `has the name ${error.name}, not ${name}`
  if (message === undefined) return undefined
  const fits =
    typeof message === 'string'
      ? error.message === message
      : typeof message === 'function'
        ? message(error.message)
        : message.test(error.message)
  return fits ? undefined : `has the message ${inspect(error.message)}, not ${inspect(message)}`
}

function createContext(title) {
  const teardowns = []
  const state = { count: 0, context: {}, limit: LIMIT, failure: undefined }
  const check = (isRight, text, message) => {
    state.count++
    if (isRight) return true
    const error = new AssertionError([message, text].filter(Boolean).join(': '))
    // A failure counts even if the test catches it.
    state.failure ??= error
    throw error
  }
  const raised = (error, expected, message) => {
    const problem = complaint(error, expected)
    check(problem === undefined, `the error ${problem}`, message)
    return error
  }
  const t = {
    title,
    context: state.context,
    pass: () => check(true),
    fail: (message) => check(false, message),
    is: (actual, expected, message) => check(same(actual, expected), compare(actual, expected), message),
    not: (actual, expected, message) => check(!same(actual, expected), 'is the same', message),
    true: (actual, message) => check(actual === true, `${inspect(actual)} is not true`, message),
    false: (actual, message) => check(actual === false, `${inspect(actual)} is not false`, message),
    truthy: (actual, message) => check(Boolean(actual), `${inspect(actual)} is falsy`, message),
    deepEqual: (actual, expected, message) =>
      check(isDeepStrictEqual(actual, expected), compare(actual, expected), message),
    notDeepEqual: (actual, expected, message) =>
      check(!isDeepStrictEqual(actual, expected), 'is the same', message),
    like: (actual, selector, message) => check(isLike(actual, selector), compare(actual, selector), message),
    regex: (text, regex, message) => check(regex.test(text), compare(text, regex), message),
    notRegex: (text, regex, message) => check(!regex.test(text), `matches ${regex}`, message),
    throws(run, expected, message) {
      let result
      try {
        result = run()
      } catch (error) {
        return raised(error, expected, message)
      }
      return check(false, `nothing was thrown: ${inspect(result)}`, message)
    },
    async throwsAsync(run, expected, message) {
      let result
      try {
        result = await (typeof run === 'function' ? run() : run)
      } catch (error) {
        return raised(error, expected, message)
      }
      return check(false, `nothing was thrown: ${inspect(result)}`, message)
    },
    notThrows(run, message) {
      run()
      check(true, '', message)
    },
    async notThrowsAsync(run, message) {
      await (typeof run === 'function' ? run() : run)
      check(true, '', message)
    },
    log: (...values) => console.log(values.map((value) => `# ${value}`).join(' ')),
    timeout: (milliseconds) => (state.limit = Math.max(state.limit, milliseconds)),
    teardown: (run) => teardowns.unshift(run),
  }
  return { t, state, teardowns }
}

const collectNow = globalThis.Bun ? () => globalThis.Bun.gc(true) : globalThis.gc

/** Lets the collector close descriptors, which must not confuse those who count them. */
async function collect() {
  for (let round = 0; round < 2; round++) {
    collectNow()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

async function runOne({ title, run }) {
  await collect()

  const { t, state, teardowns } = createContext(title)
  let error
  let timer
  try {
    for (const each of hooks.beforeEach) await each(t)
    const late = new Promise((_, reject) => {
      const check = () => reject(new Error(`took more than ${state.limit} ms`))
      timer = setTimeout(check, state.limit)
    })
    await Promise.race([(async () => run(t))(), late])
    if (state.count === 0) throw new Error('there was no assertion')
  } catch (thrown) {
    error = thrown
  }
  clearTimeout(timer)
  // Bun keeps the pipes of a child process until they are collected.
  for (const each of [...teardowns, collect, ...hooks.afterEach]) {
    try {
      await each(t)
    } catch (thrown) {
      error ??= thrown
    }
  }
  return state.failure ?? error
}

const file = process.env.SPEC_TITLE ?? ''

async function runAll(callLater) {
  // Both runtimes open descriptors of their own during the first calls that they complete later. Tests that
  // count descriptors must not see that.
  for (let call = 0; call < 5; call++) {
    await callLater()
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  // Deno opens some for its signals half a second after its start.
  if ('Deno' in globalThis) await new Promise((resolve) => setTimeout(resolve, 1000))
  let number = 0
  let failures = 0
  // Pairs of a part of a title and the reason to skip the tests that have it.
  const skipped = process.env.SPEC_SKIPPED ? JSON.parse(process.env.SPEC_SKIPPED) : []
  for (const [part] of skipped) {
    if (tests.some(({ title }) => title.includes(part))) continue
    failures++
    console.log(`not ok ${++number} - ${file} › no test has "${part}" in its title`)
  }
  for (const each of hooks.before) await each({ context: {}, teardown: () => {}, log: () => {} })
  for (const each of tests) {
    number++
    const reason = skipped.find(([part]) => each.title.includes(part))?.[1]
    if (each.run === undefined || reason) {
      console.log(`ok ${number} - ${file} › ${each.title}${reason ? ` (skipped: ${reason})` : ''} # SKIP`)
      continue
    }
    const error = await runOne(each)
    console.log(`${error ? 'not ok' : 'ok'} ${number} - ${file} › ${each.title}`)
    if (!error) continue
    failures++
    console.log(
      `  ---\n  ${String(error?.stack ?? inspect(error))
        .split('\n')
        .slice(0, 40)
        .join('\n  ')}\n  ...`,
    )
  }
  for (const each of hooks.after) await each({ context: {}, log: () => {} })
  console.log(`1..${number}`)
  process.exit(failures === 0 ? 0 : 1)
}

// All tests are declared when the file has been evaluated, which may take several turns.
process.on('uncaughtException', (error) => {
  console.log(
    `not ok 0 - ${file} › uncaught exception\n  ${String(error?.stack ?? error).replaceAll('\n', '\n  ')}`,
  )
  process.exit(1)
})
process.on('unhandledRejection', (error) => {
  console.log(
    `not ok 0 - ${file} › unhandled rejection\n  ${String(error?.stack ?? error).replaceAll('\n', '\n  ')}`,
  )
  process.exit(1)
})
export const start = runAll
