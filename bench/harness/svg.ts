// The frame of the plots, as SVG. It has no background, and its colors are readable on white and on
// black. The line at the bottom says when and where a plot was measured, and how to measure it anew.
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'

const DIRECTORY = 'docs/plots'
const WIDTH = 760

export const escape = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
export const round = (value: number) => Math.round(value * 10) / 10

/** Returns when and where the benchmark runs, and the command that runs one suite of it. */
export function stamp(suite: string): string {
  const [date = ''] = new Date().toISOString().split('T')
  const processors = cpus()
  const { model = 'unknown processor' } = processors[0] ?? {}
  const cpu = `${processors.length} × ${model.replaceAll(/\((?:R|TM)\)/g, '').trim()}`
  const memory = execFileSync('uname', ['-m'], { encoding: 'utf8' }).trim()
  const where = `${cpu} (${memory}), Linux ${release().split('-', 1)[0]}, Node.js ${process.version}`
  return `${date}, ${where}: npm run bench -- --plots --only ${suite}`
}

export interface Frame {
  title: string
  height: number
  /** The last line, from {@link stamp}. */
  stamp: string
}

/** Returns the SVG of a plot, whose lines are in the frame. */
export function frame({ title, height, stamp }: Frame, lines: string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height + 26}" role="img" aria-label="${escape(title)}">`,
    '<style>text{font:13px sans-serif;fill:#404040}.bold{font-weight:bold}.small{font-size:10px}',
    '.grid{stroke:#808080;stroke-opacity:.35}.peer{fill:#808080;fill-opacity:.55}.own{fill:#0078c0}',
    '@media(prefers-color-scheme:dark){text{fill:#d0d0d0}.own{fill:#3aa0e8}}</style>',
    `<text x="10" y="24" class="bold">${escape(title)}</text>`,
    ...lines,
    `<text x="10" y="${height + 14}" class="small">${escape(stamp)}</text>`,
    '</svg>\n',
  ].join('\n')
}

/** Writes a plot of the documentation, and prints its path. */
export function savePlot(name: string, svg: string): void {
  mkdirSync(DIRECTORY, { recursive: true })
  writeFileSync(`${DIRECTORY}/${name}.svg`, svg)
  console.log(`\n  The plot is in ${DIRECTORY}/${name}.svg`)
}
