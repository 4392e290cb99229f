// The results of the runs, as the tables that are printed and that docs/platforms.md contains.

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
