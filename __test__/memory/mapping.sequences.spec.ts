// Tests random sequences of map, share, unmap, transfer and close on every runtime, in workers and
// processes that end in the middle. Nothing may crash, and nothing may stay mapped after a collection.
import { join } from 'node:path'

import { packageRoot } from '../helpers/child.js'
import { patience } from '../helpers/patience.js'
import { notLinux, unless } from '../helpers/platform.js'
import { runOn, runtimes, type Runtime } from '../helpers/runtimes.js'

const program = join(packageRoot, '__test__/helpers/sequences.mjs')
const fdkit = `file://${packageRoot}/dist/index.js`
const SEQUENCES = 10_000
const PARTS = 4

const isNode = ({ name }: Runtime) => name.startsWith('node')

function withCollector(runtime: Runtime): Runtime {
  const { name, command } = runtime
  if (isNode(runtime)) return { name, command: [...command, '--expose-gc'] }
  return name === 'deno' ? { name, command: [...command, '--v8-flags=--expose-gc'] } : runtime
}

const run = async (runtime: Runtime, seed: number, count: number, end: string) =>
  JSON.parse(await runOn(runtime, program, fdkit, String(seed), String(count), end)) as {
    ended: number
    mapped?: number
    fds?: number
  }

for (const { name, runtime, missing } of runtimes) {
  unless(notLinux || missing)(`${name}: ${SEQUENCES} random sequences crash and leak nothing`, async (t) => {
    t.timeout(patience(300_000))
    // The seed changes daily, and is in the message of a failure.
    const seed = Math.floor(Date.now() / 86_400_000)
    for (let part = 1; part <= PARTS; part++) {
      const { ended, mapped, fds } = await run(withCollector(runtime!), seed * part, SEQUENCES / PARTS, 'end')
      t.is(ended, SEQUENCES / PARTS, `seed ${seed * part}`)
      if (!isNode(runtime!)) continue
      t.is(mapped, 0, `seed ${seed * part}`)
      t.true(fds! < 50, `seed ${seed * part}`)
    }
  })

  unless(notLinux || missing)(
    `${name}: processes that exit in the middle of a sequence do not crash`,
    async (t) => {
      for (let seed = 1; seed <= 10; seed++) {
        t.deepEqual(await run(runtime!, seed * 7919, 40, 'exit'), { ended: 20 }, `seed ${seed * 7919}`)
      }
    },
  )
}
