// The last result for each platform and version of Node.js: those of this machine in the cache, and in
// results.json those that docs/platforms.md shows, which may come from several machines.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { root } from '../run.mjs'
import { cache } from './cache.mjs'
import { systems } from './list.mjs'
import { otherRuntimes } from './other-runtimes.mjs'

const folder = join(cache, 'results')
const published = join(root, 'scripts/platforms/results.json')

const read = (path) => JSON.parse(readFileSync(path, 'utf8'))
const write = (path, value) => writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`)

/** Stores a result with today's date. It replaces an earlier one of the same kind and name. */
export function keep(kind, name, result) {
  mkdirSync(folder, { recursive: true })
  write(join(folder, `${kind}.${name}.json`), { ...result, date: new Date().toISOString().slice(0, 10) })
}

function keptHere() {
  const files = existsSync(folder) ? readdirSync(folder).sort() : []
  return Object.fromEntries(files.map((file) => [file.slice(0, -'.json'.length), read(join(folder, file))]))
}

/** Returns the last result of this machine under that kind and name, if there is one. */
export const lastResult = (kind, name) => keptHere()[`${kind}.${name}`]

/** Adds the results of this machine that are not older to results.json. */
export function publish() {
  const all = existsSync(published) ? read(published) : {}
  for (const [key, result] of Object.entries(keptHere())) {
    if (all[key]?.date > result.date) continue
    delete result.failures
    delete result.isComplete
    all[key] = result
  }
  const keys = Object.keys(all).sort()
  write(published, Object.fromEntries(keys.map((key) => [key, all[key]])))
}

/** Returns the published results of a kind, in the order of the platforms. */
export function publishedResults(kind) {
  const all = Object.entries(read(published))
  const found = all.filter(([key]) => key.startsWith(`${kind}.`)).map(([, result]) => result)
  const names = [...systems.map(({ name }) => name), ...otherRuntimes]
  return found.sort((a, b) => names.indexOf(a.platform) - names.indexOf(b.platform))
}
