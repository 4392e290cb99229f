// The frame of the plots, as SVG. It has no background, and its colors are readable on white and on
// black. The lines at the bottom have the date, the machine, and the command that draws it anew.
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'

const DIRECTORY = 'docs/plots'
/** A phone shows a plot of this width at two thirds of its size, which is still readable. */
export const WIDTH = 580

export const escape = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
export const round = (value: number) => Math.round(value * 10) / 10

/** Returns when and where the benchmark runs, and the command that runs one suite of it. */
function stamp(suite: string): [string, string] {
  const [date = ''] = new Date().toISOString().split('T')
  const processors = cpus()
  const { model = 'unknown processor' } = processors[0] ?? {}
  const cpu = `${processors.length} × ${model.replaceAll(/\((?:R|TM)\)/g, '').trim()}`
  const memory = execFileSync('uname', ['-m'], { encoding: 'utf8' }).trim()
  const where = `${cpu} (${memory}), Linux ${release().split('-', 1)[0]}, Node.js ${process.version}`
  return [`${date}, ${where}`, `npm run bench -- --plots --only ${suite}`]
}

export interface Frame {
  title: string
  height: number
  /** The suite that measures it. */
  suite: string
}

/** Returns the SVG of a plot, whose lines are in the frame. */
export function frame({ title, height, suite }: Frame, lines: string[]): string {
  const [measured, command] = stamp(suite)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height + 40}" role="img" aria-label="${escape(title)}">`,
    '<style>text{font:13px sans-serif;fill:#404040}.bold{font-weight:bold}.small{font-size:11px}',
    '.grid{stroke:#808080;stroke-opacity:.35}.peer{fill:#808080;fill-opacity:.55}.own{fill:#0078c0}',
    '@media(prefers-color-scheme:dark){text{fill:#d0d0d0}.own{fill:#3aa0e8}}</style>',
    `<text x="10" y="24" class="bold">${escape(title)}</text>`,
    ...lines,
    `<text x="10" y="${height + 14}" class="small">${escape(measured)}</text>`,
    `<text x="10" y="${height + 28}" class="small">${escape(command)}</text>`,
    '</svg>\n',
  ].join('\n')
}

/** Writes a plot of the documentation, and prints its path. */
export function savePlot(name: string, svg: string): void {
  mkdirSync(DIRECTORY, { recursive: true })
  writeFileSync(`${DIRECTORY}/${name}.svg`, svg)
  console.log(`\n  The plot is in ${DIRECTORY}/${name}.svg`)
}
