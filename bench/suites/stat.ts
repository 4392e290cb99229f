// The time to stat each file of a tree whose directories are held open.
import { inJavaScript, inPython, type Candidate } from '../harness/candidate.js'
import { interleave, ratio, type Outcome } from '../harness/interleave.js'
import { printOutcomes, type Target } from '../harness/report.js'
import { FEW, makeTree, removeTree } from '../harness/tree.js'

const ROUNDS = 40
const WARMUP = 5

async function measure(title: string, candidates: (top: string) => Candidate[]): Promise<Outcome[]> {
  const top = makeTree(FEW)
  try {
    const outcomes = await interleave(candidates(top), ROUNDS, WARMUP)
    const files = Number(/(\d+) entries/.exec(outcomes[0]!.seen!)![1])
    printOutcomes(`${title}, ${files} files, up to 7 names below ${top}`, outcomes, 'ns', files)
    return outcomes
  } finally {
    removeTree(top)
  }
}

export async function measureStat(): Promise<Target[]> {
  const outcomes = await measure('A look at a file', (top) => [
    inJavaScript('stat(name, { dirFd })', 'statByName', top),
    inJavaScript('fs.statSync(path)', 'statByPath', top),
    inJavaScript('statAll(names, { dirFd })', 'statAllByName', top),
    inPython('os.stat(name, dir_fd=…)', 'stat', top),
  ])
  const [fdkit, ...peers] = outcomes
  return peers
    .filter(({ label }) => !label.startsWith('statAll'))
    .map((peer) => {
      const what = `stat by dirFd: times as fast as ${peer.label}`
      return { what, figure: ratio(peer, fdkit!), unit: 'x', atLeast: 1 }
    })
}

export async function measureStatPromises(): Promise<Target> {
  const [fdkit, , node] = await measure('Looks at 64 files at a time, by promises', (top) => [
    inJavaScript('promises.stat(name, { dirFd })', 'statByNameLater', top),
    inJavaScript('promises.stat(path)', 'statByPathLater', top),
    inJavaScript('fs.promises.stat(path)', 'statOfNodeLater', top),
  ])
  const what = `promises.stat by dirFd: times as fast as ${node!.label}`
  return { what, figure: ratio(node!, fdkit!), unit: 'x', atLeast: 1 }
}
