// Prints the results: plain-text tables, and whether the targets hold.
import { ratio, type Outcome } from './interleave.js'

/**
 * Prints a table with columns of the necessary width. The first column is aligned left, the others
 * right.
 */
export function printTable(title: string, rows: string[][]): void {
  const widths: number[] = []
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, cell.length)
    }
  }
  console.log(`\n${title}\n`)
  for (const row of rows) {
    const cells = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
    )
    console.log(`  ${cells.join('  ').trimEnd()}`)
  }
}

/** Prints times in a unit, and their ratios to the first. */
export function printOutcomes(title: string, outcomes: Outcome[], unit: string, per: number): void {
  const [floor] = outcomes
  const rows = outcomes.map((outcome) => [
    outcome.label,
    `${(outcome.nanoseconds / per).toFixed(1)} ${unit}`,
    `${ratio(outcome, floor!).toFixed(2)} x`,
  ])
  printTable(title, rows)
}

/** A figure and its target. */
export interface Target {
  what: string
  figure: number
  unit: string
  atMost?: number
  atLeast?: number
}

function holds({ figure, atMost = Infinity, atLeast = -Infinity }: Target): boolean {
  return figure <= atMost && figure >= atLeast
}

/** Prints the targets and whether they hold. Returns the number of those that do not. */
export function printTargets(targets: Target[]): number {
  const rows = targets.map((target) => {
    const { what, figure, unit, atMost, atLeast } = target
    const limit = atMost === undefined ? `>= ${atLeast}` : `<= ${atMost}`
    return [what, `${figure.toFixed(2)} ${unit}`, `${limit} ${unit}`, holds(target) ? 'holds' : 'MISSES']
  })
  printTable('Targets', rows)
  return targets.filter((target) => !holds(target)).length
}
