// The time to create and close a memory file.
import { inJavaScript, inPython, inRust } from '../harness/candidate.js'
import { interleave, ratio } from '../harness/interleave.js'
import { printOutcomes, type Target } from '../harness/report.js'

const CALLS = 2_000
const ROUNDS = 40
const WARMUP = 3

export async function measureMemfd(): Promise<Target[]> {
  const calls = String(CALLS)
  const outcomes = await interleave(
    [
      inRust('bare loop in Rust', 'memfd', calls),
      inRust('the same, beside 8 idle threads', 'memfd-threads', calls),
      inJavaScript('memfdCreate, fs.closeSync', 'memfd', calls),
      inPython('os.memfd_create, os.close', 'memfd', calls),
    ],
    ROUNDS,
    WARMUP,
  )
  printOutcomes('A memory file made and closed', outcomes, 'ns', CALLS)
  const [floor, , fdkit] = outcomes
  const figure = ratio(fdkit!, floor!)
  return [{ what: 'memfdCreate and close, to the bare loop', figure, unit: 'x', atMost: 1.3 }]
}
