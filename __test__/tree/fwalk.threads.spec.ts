// Tests the threads that list directories ahead of a walk.
import * as fs from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

import test from 'ava'
import { fwalk, rmtree, type FwalkOptions } from 'fdkit'
import * as promises from 'fdkit/promises'

import { countFds } from '../helpers/fds.js'
import { patience } from '../helpers/patience.js'
import { notLinux, unless } from '../helpers/platform.js'
import { makeTreeInMemory, type Tree } from '../helpers/tree.js'

const times = (count: number, make: (index: number) => Tree): Tree =>
  Object.assign({}, ...Array.from({ length: count }, (_, index) => make(index))) as Tree

/** Returns a tree of 1 + 12 + 144 directories. */
const wide = (): Tree =>
  times(12, (one) => ({ [`d${one}`]: times(12, (other) => ({ [`e${other}`]: { [`f${one}`]: '' } })) }))

// Waits because directories that changed less than 20 ms ago are not listed ahead.
const age = (): Promise<void> => sleep(30)

const threads = (): number =>
  fs.readdirSync('/proc/self/task').filter((id) => {
    try {
      return fs.readFileSync(`/proc/self/task/${id}/comm`, 'utf8') === 'fdkit walk\n'
    } catch {
      return false
    }
  }).length

const summary = ([path, dirnames, filenames]: [string, string[], string[], number]): unknown => [
  path,
  [...dirnames],
  [...filenames],
]

test.serial('a walk yields the same entries with any number of threads', async (t) => {
  const top = makeTreeInMemory(t, wide())
  await age()
  for (const topdown of [true, false]) {
    const expected = Array.from(fwalk(top, { topdown, threads: 0 }), summary)
    t.is(expected.length, 157)
    for (const exact of [true, false]) {
      for (const count of [1, 4, undefined]) {
        const options = { topdown, exact, threads: count }
        t.deepEqual(Array.from(fwalk(top, options), summary), expected)
        const later = []
        for await (const entry of promises.fwalk(top, options)) later.push(summary(entry))
        t.deepEqual(later, expected)
      }
    }
  }
})

unless(notLinux, test.serial)('threads start during a walk and end with it, however it ends', async (t) => {
  const top = makeTreeInMemory(t, wide())
  await age()
  const before = countFds()
  for (const threadsWanted of [0, 2]) {
    let most = 0
    let steps = 0
    for (const _ of fwalk(top, { threads: threadsWanted })) {
      steps += 1
      most = Math.max(most, threads())
      if (steps === 100) break
    }
    t.true(most <= threadsWanted && (threadsWanted === 0 || most > 0), `${most} threads`)
    t.is(threads(), 0)
    t.is(countFds(), before)
  }
  const walk = promises.fwalk(top, { threads: 2 })
  for (let step = 0; step < 80; step += 1) await walk.next()
  await walk.return()
  t.is(threads(), 0)
  t.is(countFds(), before)
})

test.serial(
  'with exact, a directory that was listed ahead is yielded with entries that were added since',
  async (t) => {
    const top = makeTreeInMemory(t, wide())
    await age()
    let steps = 0
    let late = 0
    for (const [path, , filenames] of fwalk(top, { threads: 4 })) {
      steps += 1
      if (steps === 60) {
        // Waits until everything is listed that is listed ahead.
        await sleep(50)
        for (const one of fs.readdirSync(top)) {
          for (const other of fs.readdirSync(`${top}/${one}`))
            fs.writeFileSync(`${top}/${one}/${other}/late`, '')
        }
      } else if (steps > 60 && /e\d+$/.test(path)) {
        t.true(filenames.includes('late'), path)
        late += 1
      }
    }
    t.is(steps, 157)
    t.true(late > 80)
  },
)

/** Takes ten steps, and returns how many of them resolved in the turn in which they were asked for. */
async function stepsInTime(top: string, options: FwalkOptions): Promise<number> {
  const walk = promises.fwalk(top, options)
  await walk.next()
  await sleep(patience(50))
  let inTime = 0
  for (let steps = 0; steps < 10; steps += 1) {
    let isOver = false
    const isInTime = walk.next().then(() => !isOver)
    setImmediate(() => {
      isOver = true
    })
    if (await isInTime) inTime += 1
  }
  await walk.return()
  return inTime
}

test.serial('a step to a directory that is listed already resolves in the same turn', async (t) => {
  const top = makeTreeInMemory(t, wide())
  // On a slow machine, the millisecond is over after fewer steps.
  const least = patience(1) > 1 ? 5 : 8
  for (const topdown of [true, false]) {
    // The second walk has no threads of its own: the first step lists what comes next.
    for (const threads of [2, undefined]) {
      const start = threads === undefined ? `${top}/d1` : top
      // If another program takes the processor in between, the time of the turn is over.
      let best = 0
      for (let walks = 0; best < least && walks < 20; walks += 1) {
        best = Math.max(best, await stepsInTime(start, { topdown, ...(threads && { threads }) }))
      }
      t.true(best >= least, `${best}, topdown ${topdown}, threads ${threads}`)
    }
  }
})

test.serial('with exact and without threads, each step is made off the main thread', async (t) => {
  const top = makeTreeInMemory(t, { a: {}, b: {}, c: {} })
  for (const options of [{ exact: true }, { threads: 0 }]) {
    let turns = 0
    let steps = 0
    const count = () => {
      turns += 1
      immediate = setImmediate(count)
    }
    let immediate = setImmediate(count)
    for await (const _ of promises.fwalk(top, options)) {
      steps += 1
      t.true(turns >= steps, `${turns} turns, ${steps} steps`)
    }
    clearImmediate(immediate)
    t.is(steps, 4)
  }
})

test.serial('the event loop turns every millisecond while directories are ready', async (t) => {
  const top = makeTreeInMemory(t, wide())
  let steps = 0
  let most = 0
  const count = () => {
    steps = 0
    immediate = setImmediate(count)
  }
  let immediate = setImmediate(count)
  const run = async (walk: AsyncIterable<unknown>) => {
    for await (const _ of walk) {
      steps += 1
      most = Math.max(most, steps)
      // So slow that everything is always listed ahead.
      const until = performance.now() + 0.2
      while (performance.now() < until);
    }
  }
  await Promise.all([run(promises.fwalk(top)), run(promises.fwalk(top))])
  clearImmediate(immediate)
  // Both walks together take a millisecond, and each may take one step too many. A loaded machine may give
  // each of them a turn of its own.
  t.true(most > 1 && most <= 16, `${most} steps in a turn`)
})

test.serial('rmtree removes everything with any number of threads', async (t) => {
  for (const count of [0, 1, 4, undefined]) {
    const top = makeTreeInMemory(t, { now: wide(), later: wide() })
    rmtree(`${top}/now`, { threads: count })
    await promises.rmtree(`${top}/later`, { threads: count })
    t.deepEqual(fs.readdirSync(top), [])
  }
})

test('an invalid number of threads is rejected', (t) => {
  for (const count of [-1, 65, 1.5]) {
    t.throws(() => fwalk('.', { threads: count }), { code: 'ERR_OUT_OF_RANGE' })
    t.throws(() => rmtree('none', { threads: count }), { code: 'ERR_OUT_OF_RANGE' })
  }
})
