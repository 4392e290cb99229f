// The time to add up what a tree takes on disk.
import { inJavaScript, inRust, transient } from '../harness/candidate.js'
import { interleave, pick, ratio } from '../harness/interleave.js'
import { printOutcomes, type Target } from '../harness/report.js'

const ROUNDS = 9
const WARMUP = 2

// A tree with contents: the one that is made has only empty files.
const TOP = '/usr'

const DU = 'du -sb, with its start'
const COMMAND = 'fdkit du, without the start of Node.js'
const USAGE = 'diskUsage'

export async function measureUsage(): Promise<Target[]> {
  const outcomes = await interleave(
    [
      transient(DU, 'du', '-sb', TOP),
      inRust('DiskUsage in Rust', 'du', TOP),
      inJavaScript(USAGE, 'usage', TOP),
      inJavaScript(`${USAGE}, threads: 0`, 'usage-threads-0', TOP),
      inJavaScript(COMMAND, 'largest', TOP),
      inJavaScript('fwalk with stats', 'sizes', TOP),
    ],
    ROUNDS,
    WARMUP,
  )
  printOutcomes(`The size of ${TOP}`, outcomes, 'ms', 1e6)
  const toDu = (label: string) => ratio(pick(outcomes, label), outcomes[0]!)
  return [
    { what: `${COMMAND}, to ${DU}`, figure: toDu(COMMAND), unit: 'x', atMost: 0.65 },
    { what: `${USAGE}, to ${DU}`, figure: toDu(USAGE), unit: 'x', atMost: 0.5 },
  ]
}
