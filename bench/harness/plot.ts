// Plots lines on logarithmic axes. Each line has a marker of its own and a label at its end, so that
// nobody has to tell colors apart.
import { escape, frame, round, WIDTH } from './svg.js'

export interface Series {
  label: string
  values: number[]
}

export interface Plot {
  title: string
  /** The suite that measures it. */
  suite: string
  x: number[]
  xLabel: string
  yLabel: string
  series: Series[]
}

const HEIGHT = 380
const [LEFT, RIGHT, TOP, BOTTOM] = [66, 200, 44, 56]
const LABEL_HEIGHT = 16

// The colors of Okabe and Ito that are neither too dark nor too light, and the shapes of the markers.
const COLORS = ['#808080', '#d55e00', '#0090d0', '#009e73', '#cc79a7']
const MARKERS = [
  (x: number, y: number) => `<circle cx="${x}" cy="${y}" r="4"/>`,
  (x: number, y: number) => `<rect x="${x - 4}" y="${y - 4}" width="8" height="8"/>`,
  (x: number, y: number) => `<path d="M${x} ${y - 5}l5 9h-10z"/>`,
  (x: number, y: number) => `<path d="M${x} ${y - 6}l6 6l-6 6l-6-6z"/>`,
  (x: number, y: number) => `<path d="M${x} ${y + 5}l5-9h-10z"/>`,
]
const DASHES = ['2 4', '', '8 4', '12 3 2 3', '5 2']

/** Returns the powers of ten from below the least value to above the greatest. */
function decades(values: number[]): number[] {
  const first = Math.floor(Math.log10(Math.min(...values)))
  const last = Math.ceil(Math.log10(Math.max(...values)))
  return Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index))
}

/** Returns a function from values to coordinates. */
function scale(ticks: number[], from: number, to: number): (value: number) => number {
  const [low, high] = [Math.log10(ticks[0]!), Math.log10(ticks.at(-1)!)]
  return (value) => round(from + ((Math.log10(value) - low) / (high - low)) * (to - from))
}

/** Moves labels down until none covers another. */
function spread(heights: number[]): number[] {
  const order = heights.map((_, index) => index).sort((a, b) => heights[a]! - heights[b]!)
  const spreadOut = [...heights]
  for (const [place, index] of order.entries()) {
    const above = place > 0 ? spreadOut[order[place - 1]!]! : -Infinity
    spreadOut[index] = Math.max(spreadOut[index]!, above + LABEL_HEIGHT)
  }
  return spreadOut
}

/** Returns the SVG of a plot. */
export function plot({ title, suite, x, xLabel, yLabel, series }: Plot): string {
  const xTicks = decades(x)
  const yTicks = decades(series.flatMap(({ values }) => values))
  const toX = scale(xTicks, LEFT, WIDTH - RIGHT)
  const toY = scale(yTicks, HEIGHT - BOTTOM, TOP)
  const lines: string[] = []
  for (const tick of xTicks) {
    const at = toX(tick)
    lines.push(
      `<path class="grid" d="M${at} ${TOP}V${HEIGHT - BOTTOM}"/>`,
      `<text x="${at}" y="${HEIGHT - BOTTOM + 20}" text-anchor="middle">${tick.toLocaleString('en')}</text>`,
    )
  }
  for (const tick of yTicks) {
    const at = toY(tick)
    lines.push(
      `<path class="grid" d="M${LEFT} ${at}H${WIDTH - RIGHT}"/>`,
      `<text x="${LEFT - 8}" y="${at + 4}" text-anchor="end">${tick.toLocaleString('en')}</text>`,
    )
  }
  const middle = (LEFT + WIDTH - RIGHT) / 2
  lines.push(
    `<text x="${middle}" y="${HEIGHT - 16}" text-anchor="middle">${escape(xLabel)}</text>`,
    `<text transform="translate(18 ${HEIGHT / 2})rotate(-90)" text-anchor="middle">${escape(yLabel)}</text>`,
  )
  const heights = spread(series.map(({ values }) => toY(values.at(-1)!)))
  for (const [index, { label, values }] of series.entries()) {
    const color = COLORS[index % COLORS.length]!
    const points = values.map((value, at) => [toX(x[at]!), toY(value)] as const)
    const dash = DASHES[index % DASHES.length]!
    const end = WIDTH - RIGHT + 30
    lines.push(
      `<g fill="${color}" stroke="${color}">`,
      `<polyline fill="none" stroke-width="2" stroke-dasharray="${dash}" points="${points.join(' ')}"/>`,
      ...points.map(([left, top]) => MARKERS[index % MARKERS.length]!(left, top)),
      MARKERS[index % MARKERS.length]!(end, heights[index]!),
      '</g>',
      `<text x="${end + 12}" y="${heights[index]! + 4}">${escape(label)}</text>`,
    )
  }
  return frame({ title, height: HEIGHT, suite }, lines)
}
