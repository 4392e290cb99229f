// npm run platforms: builds the addons of all platforms, checks them, and runs the tests on each
// platform that this machine can run. Missing tools are downloaded into build/platforms (2.6 GB).
// It requires Debian 12 on x64 with apt, python3 with pip, npm and cargo. The tests of other
// platforms also require root.
//
//   npm run platforms                                    everything
//   npm run platforms -- linux-arm64-gnu                 one platform
//   npm run platforms -- linux-x64-gnu@22                on one version of Node.js
//   npm run platforms -- node-22 node-24                 on the machine's own platform
//   npm run platforms -- linux-x64-musl __test__/tree/fwalk.spec.ts   only these files
//   npm run platforms -- --docs                          only writes the tables into docs/platforms.md
//   npm run platforms -- bun deno                        on runtimes that ava does not run on
//   npm run platforms -- --native linux-arm64-gnu        only the specs of the addon itself
//   npm run platforms -- --built linux-arm64-gnu         with the addons that were built last
//   npm run platforms -- --failed linux-arm64-gnu        the tests that failed last time
//   npm run platforms -- --ci                            the part that .ci/run needs
//   npm run platforms -- --ci --fetch                    only downloads what that part needs
import { readFileSync, writeFileSync } from 'node:fs'

import { platformName } from '../platform.mjs'
import { run } from '../run.mjs'
import { buildFor } from './build.mjs'
import { cache, say } from './cache.mjs'
import { megabytes } from './download.mjs'
import { platformOf, platforms, systems } from './list.mjs'
import { otherRuntimes, runOther } from './other-runtimes.mjs'
import { keep, lastResult, publish, publishedResults } from './results.mjs'
import { whyNoRoot } from './root.mjs'
import { checkFreeBsd, lintOthers, testMusl } from './rust.mjs'
import { nativeSpecs, quickSpecs } from './specs.mjs'
import { fetchFor, repeatFailed, runSuite } from './suite.mjs'
import { addonTable, skipList, suiteTable } from './table.mjs'
import { environment } from './toolchain.mjs'

const flags = new Set(process.argv.slice(2).filter((word) => word.startsWith('--')))
const isCi = flags.has('--ci')
const isSpec = (word) => word.endsWith('.spec.ts')
const chosenSpecs = process.argv.slice(2).filter(isSpec)
const allWords = process.argv.slice(2).filter((word) => !word.startsWith('--') && !isSpec(word))
const words = allWords.filter((word) => !otherRuntimes.includes(word))
const isDefault = allWords.length === 0 && !isCi
const runtimes = isDefault ? otherRuntimes : allWords.filter((word) => otherRuntimes.includes(word))

/** Returns each platform with the requested versions of Node.js and the specs. */
function plan() {
  const specsOf = ({ specs, isEmulated }) => {
    if (chosenSpecs.length > 0) return chosenSpecs
    if (isCi && isEmulated) return quickSpecs
    return specs ?? (flags.has('--native') ? nativeSpecs : undefined)
  }
  const entry = (platform, nodes = platform.nodes) => ({ platform, nodes, specs: specsOf(platform) })
  if (allWords.length > 0) {
    return words.map((word) => {
      const [name, major] = /^node-\d+$/.test(word) ? [platformName(), word.slice(5)] : word.split('@')
      return entry(platformOf(name), major && [Number(major)])
    })
  }
  if (!isCi) return systems.map((system) => entry(system))
  // `npm test` has already run on the machine's own platform. The code for macOS is linted below; GitHub's
  // runners for macOS build the addons.
  return platforms
    .filter(({ os }) => os === 'linux')
    .map((platform) => entry(platform, platform.isOwn ? [] : platform.nodes.slice(-1)))
}

/** Returns the published results. If a whole suite ran, a run of some of its files does not count. */
function suitesPublished() {
  const suites = publishedResults('suite')
  const isWhole = ({ platform, node }) =>
    suites.some((other) => other.platform === platform && other.node === node && other.specs === undefined)
  return suites.filter((suite) => suite.specs === undefined || !isWhole(suite))
}

/** Returns the last result of the whole suite on this machine. Ends this process if there is none. */
function lastSuite({ name }, node) {
  const found = lastResult('suite', `${name}.${node}`)
  if (found) return found
  console.error(`The whole suite has not run on ${name} with Node.js ${node}.`)
  process.exit(2)
}

function writeDocs() {
  publish()
  const path = 'docs/platforms.md'
  const suites = suitesPublished()
  const tables = {
    addons: addonTable(publishedResults('addon')),
    suites: suiteTable(suites),
    skipped: skipList(suites),
  }
  let text = readFileSync(path, 'utf8')
  for (const [name, table] of Object.entries(tables)) {
    const place = new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- /${name} -->)`)
    text = text.replace(place, (_, before, after) => `${before}\n${table}\n\n${after}`)
  }
  writeFileSync(path, text)
}

// So that .ci/run can repeat the downloads without repeating the builds and tests.
async function fetchAll() {
  run(process.execPath, 'scripts/setup.mjs')
  for (const { platform, nodes } of plan()) {
    await environment(platform)
    for (const node of nodes) await fetchFor(platform, node)
  }
  say(`downloaded; ${megabytes(cache)} MB in ${cache}`)
}

async function runAll() {
  const chosen = plan()
  if (!flags.has('--built')) run(process.execPath, 'scripts/setup.mjs')
  const addons = []
  const wanted = flags.has('--built') ? [] : chosen.map(({ platform }) => platform.addon)
  for (const name of new Set(wanted)) {
    const platform = platformOf(name)
    say(`build ${platform.name}`)
    const addon = { platform: platform.name, ...(await buildFor(platform)) }
    keep('addon', platform.name, addon)
    addons.push(addon)
  }
  if (isDefault || isCi) await lintOthers()
  if (isDefault) {
    await testMusl()
    await checkFreeBsd()
  }
  const suites = []
  const unable = whyNoRoot()
  for (const { platform, nodes, specs } of chosen) {
    for (const node of nodes) {
      if (unable && !platform.isOwn) {
        say(`${platform.name}, Node.js ${node}: not run, ${unable}`)
        suites.push({
          platform: platform.name,
          node,
          passed: 0,
          failed: 0,
          skipped: { [`all of it: ${unable}`]: 1 },
          seconds: 0,
        })
        continue
      }
      say(`tests, ${platform.name}, Node.js ${node}`)
      const suite = flags.has('--failed')
        ? await repeatFailed(platform, node, lastSuite(platform, node))
        : { ...(await runSuite(platform, node, specs)), specs: specs && `${specs.length} files` }
      // A run that was interrupted is not kept, nor one of files that were chosen by hand.
      if (chosenSpecs.length === 0 && suite.isComplete)
        keep('suite', `${platform.name}.${node}${specs ? '.part' : ''}`, suite)
      suites.push(suite)
    }
  }
  for (const runtime of runtimes) {
    say(`tests, ${runtime}`)
    const suite = await runOther(runtime, chosenSpecs)
    if (chosenSpecs.length === 0) keep('suite', runtime, suite)
    suites.push(suite)
  }
  say(`everything; ${megabytes(cache)} MB in ${cache}`)
  console.log(`\n${addonTable(addons)}\n\n${suiteTable(suites)}\n\n${skipList(suites)}`)
  const sum = (key) => suites.reduce((all, suite) => all + suite[key], 0)
  const skipped = suites
    .flatMap((suite) => Object.values(suite.skipped))
    .reduce((all, count) => all + count, 0)
  // In ava's format, for .ci/run.
  console.log(
    `\n  ${sum('passed')} tests passed\n  ${sum('failed')} tests failed\n  ${skipped} tests skipped`,
  )
  process.exitCode = sum('failed') === 0 ? 0 : 1
}

if (flags.has('--docs')) writeDocs()
else if (flags.has('--fetch')) await fetchAll()
else await runAll()
