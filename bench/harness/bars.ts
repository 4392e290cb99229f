// Plots times as horizontal bars. Each bar has its name on the left and its value at its end, and the
// names of fdkit's bars are bold, so that nobody has to tell colors apart.
import type { Outcome } from './interleave.js'
import { escape, frame, round, WIDTH } from './svg.js'

export interface Bar {
  label: string
  /** In the unit of the plot. */
  value: number
  isOwn?: boolean
}

export interface Bars {
  title: string
  /** The suite that measures it. */
  suite: string
  unit: string
  groups: { title: string; bars: Bar[] }[]
  /** Whether each group has a scale of its own. By default, all have the same. */
  isScaledByGroup?: boolean
}

const [LEFT, RIGHT] = [225, 85]
const [TOP, ROW, HEADING, GAP] = [40, 22, 24, 10]
const MOST = WIDTH - LEFT - RIGHT

/** Returns bars of the outcomes of a suite with these labels, which get other names in the plot. */
export function barsOf(
  outcomes: Outcome[],
  nanosecondsPerUnit: number,
  names: Record<string, string>,
  own: readonly string[],
): Bar[] {
  return Object.entries(names).flatMap(([label, name]) => {
    const found = outcomes.find((outcome) => outcome.label === label)
    if (found === undefined) return []
    return [{ label: name, value: found.nanoseconds / nanosecondsPerUnit, isOwn: own.includes(label) }]
  })
}

const shown = (value: number) => (value < 10 ? value.toPrecision(2) : Math.round(value).toLocaleString('en'))

/** Returns the SVG of a plot. Its scales start at 0. */
export function bars({ title, suite, unit, groups, isScaledByGroup = false }: Bars): string {
  const largestOf = (bars: Bar[]) => Math.max(...bars.map(({ value }) => value))
  const all = groups.flatMap(({ bars }) => bars)
  const lines: string[] = []
  let y = TOP
  for (const group of groups) {
    const largest = largestOf(isScaledByGroup ? group.bars : all)
    if (group.title !== '') {
      lines.push(`<text x="${LEFT}" y="${y + 14}" class="bold">${escape(group.title)}</text>`)
      y += HEADING
    }
    for (const { label, value, isOwn = false } of group.bars) {
      const length = Math.max(1, round((value / largest) * MOST))
      const bold = isOwn ? ' class="bold"' : ''
      lines.push(
        `<text x="${LEFT - 10}" y="${y + 14}" text-anchor="end"${bold}>${escape(label)}</text>`,
        `<rect class="${isOwn ? 'own' : 'peer'}" x="${LEFT}" y="${y + 3}" width="${length}" height="${ROW - 6}"/>`,
        `<text x="${LEFT + length + 6}" y="${y + 14}"${bold}>${shown(value)} ${escape(unit)}</text>`,
      )
      y += ROW
    }
    y += GAP
  }
  lines.unshift(`<path class="grid" d="M${LEFT} ${TOP}V${y - GAP}"/>`)
  return frame({ title, height: y, suite }, lines)
}
