// The results of the runs, as the tables that are printed and that docs/platforms.md contains.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { cache } from './cache.mjs'
import { systems } from './list.mjs'
import { otherRuntimes } from './other-runtimes.mjs'

const results = join(cache, 'results')

/** Stores a result with today's date. It replaces an earlier one for the same platform and version of Node.js. */
export function keep(kind, name, result) {
  mkdirSync(results, { recursive: true })
  const dated = { ...result, date: new Date().toISOString().slice(0, 10) }
  writeFileSync(join(results, `${kind}.${name}.json`), JSON.stringify(dated, null, 2))
}

/** Returns all stored results, in the order of the platforms. */
export function kept(kind) {
  const files = readdirSync(results)
    .filter((name) => name.startsWith(`${kind}.`))
    .sort()
  const all = files.map((name) => JSON.parse(readFileSync(join(results, name), 'utf8')))
  const names = [...systems.map(({ name }) => name), ...otherRuntimes]
  const place = ({ platform }) => names.indexOf(platform)
  return all.sort((a, b) => place(a) - place(b))
}

const row = (...cells) => `| ${cells.join(' | ')} |`
const head = (...cells) => [row(...cells), row(...cells.map(() => '---'))]

export function addonTable(addons) {
  const rows = addons.map(({ platform, bytes, newest, needed }) =>
    row(
      platform,
      bytes.toLocaleString('en'),
      newest,
      needed.map((path) => `\`${path.replace(/.*\//, '')}\``).join(', '),
    ),
  )
  return [...head('Addon', 'Bytes', 'Needs at least', 'Libraries'), ...rows].join('\n')
}

const total = (skipped) => Object.values(skipped).reduce((sum, count) => sum + count, 0)

const minutes = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`

export function suiteTable(suites) {
  const rows = suites.map(({ platform, node, passed, repeated, failed, skipped, seconds, specs, date }) => {
    const all = repeated ? `${passed}, ${repeated} when repeated` : passed
    return row(platform, node, specs ?? 'all', all, failed, total(skipped), minutes(seconds), date)
  })
  return [
    ...head('Platform', 'Node.js', 'Specs', 'Passed', 'Failed', 'Skipped', 'Minutes', 'Date'),
    ...rows,
  ].join('\n')
}

export function skipList(suites) {
  return suites
    .filter(({ skipped }) => total(skipped) > 0)
    .map(({ platform, node, skipped }) => {
      const reasons = Object.entries(skipped).map(([reason, count]) => `${count} × ${reason}`)
      return `- ${platform}${node && `, Node.js ${node}`}: ${reasons.join('; ')}`
    })
    .join('\n')
}
