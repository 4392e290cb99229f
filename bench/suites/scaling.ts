// How the time of a walk grows with the entries of a tree, and shrinks with the threads.
import { bars } from '../harness/bars.js'
import { inJavaScript, inRust } from '../harness/candidate.js'
import { interleave } from '../harness/interleave.js'
import { plot, type Series } from '../harness/plot.js'
import { printTable, type Target } from '../harness/report.js'
import { savePlot } from '../harness/svg.js'
import { makeWideTree, removeTree } from '../harness/tree.js'

// 100 entries in each directory.
const DIRECTORIES = [10, 100, 1_000, 10_000]
const ENTRIES = DIRECTORIES.map((directories) => directories * 100)
const THREADS = [0, 1, 2, 4]

const ROUNDS = 5
const WARMUP = 1

/** Writes the plots of the time against the size of the tree, and against the number of threads. */
function writePlots(series: Series[]): void {
  const suite = 'scaling'
  const title = 'Time of a walk by the number of entries'
  savePlot('scaling', plot({ title, suite, x: ENTRIES, xLabel: 'entries', yLabel: 'milliseconds', series }))
  const groups = [2, 3].map((size) => ({
    title: `${ENTRIES[size]!.toLocaleString('en')} entries`,
    bars: series.map(({ label, values }, index) => ({ label, value: values[size]!, isOwn: index > 0 })),
  }))
  savePlot(
    'threads',
    bars({
      title: 'Time of a walk by the number of threads',
      suite,
      unit: 'ms',
      groups,
      isScaledByGroup: true,
    }),
  )
}

/** Measures walks of trees of 1,000 to 1,000,000 entries. Writes the plots if that is asked for. */
export async function measureScaling(isPlotted: boolean): Promise<Target[]> {
  const floor: Series = { label: 'a bare loop, one thread', values: [] }
  const walks = THREADS.map((threads): Series => ({ label: `fwalk, threads: ${threads}`, values: [] }))
  const series = [floor, ...walks]
  for (const directories of DIRECTORIES) {
    const top = makeWideTree(directories)
    try {
      const outcomes = await interleave(
        [
          inRust(floor.label, 'floor', top),
          ...THREADS.map((threads) => inJavaScript(`${threads}`, `topdown-threads-${threads}`, top)),
        ],
        ROUNDS,
        WARMUP,
      )
      for (const [index, { nanoseconds }] of outcomes.entries()) series[index]!.values.push(nanoseconds / 1e6)
    } finally {
      removeTree(top)
    }
  }
  printTable('A walk, in ms, by the number of entries', [
    ['', ...ENTRIES.map((entries) => entries.toLocaleString('en'))],
    ...series.map(({ label, values }) => [
      label,
      ...values.map((value) => value.toFixed(value < 10 ? 2 : 0)),
    ]),
  ])
  if (isPlotted) writePlots(series)
  const [, none, , two] = series.map(({ values }) => values.at(-1)!)
  return [
    { what: 'fwalk of 1,000,000 entries: 2 threads, to none', figure: two! / none!, unit: 'x', atMost: 0.85 },
  ]
}
