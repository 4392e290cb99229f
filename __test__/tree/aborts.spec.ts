// Tests signals that abort at every moment at which JavaScript runs.
import * as fs from 'node:fs'

import test, { type ExecutionContext } from 'ava'
import { Memfd } from 'fdkit'
import { createMemfd, futexWaitAsync, fwalk, rmtree, stat } from 'fdkit/promises'

import { countFds, identity, isOpen } from '../helpers/fds.js'
import { notLinux, unless } from '../helpers/platform.js'
import { makeTreeInMemory, writeTree, type Tree } from '../helpers/tree.js'

const serially = unless(notLinux, test.serial)

const TREE: Tree = { a: { b: { f: '' }, c: {} }, d: { f: '', g: '' }, f: '' }

/** Aborts after this number of turns of the event loop and then this number of microtasks. */
async function abortAfter(controller: AbortController, turns: number, microtasks: number): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve))
  for (let i = 0; i < microtasks; i++) await undefined
  controller.abort()
}

/** The outcome of one run: it was aborted, or was over before the abort. */
type End = 'aborted' | 'over'

function endOf(t: ExecutionContext, error: unknown): End {
  t.is((error as Error).name, 'AbortError')
  return 'aborted'
}

/**
 * Runs with an abort at successively later moments, until 12 runs are over before the abort. No run may
 * leak a descriptor.
 */
async function atEveryMoment(t: ExecutionContext, run: (signal: AbortSignal) => Promise<End>): Promise<void> {
  const before = countFds()
  const ends = { aborted: 0, over: 0 }
  for (let turns = 0; ends.over < 12 && turns < 2000; turns++) {
    for (const microtasks of turns === 0 ? Array(20).keys() : [0, 1, 2, 5]) {
      const controller = new AbortController()
      const end = run(controller.signal)
      await abortAfter(controller, turns, microtasks)
      ends[await end] += 1
      t.is(countFds(), before, `${turns} turns, ${microtasks} microtasks`)
    }
  }
  t.log(ends)
  t.true(ends.aborted > 0 && ends.over > 0)
}

for (const topdown of [true, false]) {
  serially(
    `a walk, ${topdown ? 'top-down' : 'bottom-up'}, keeps the descriptor that it has yielded open when it is aborted`,
    async (t) => {
      const top = makeTreeInMemory(t, TREE)
      const identities = new Map<string, string>()
      for await (const [dirpath] of fwalk(top)) identities.set(dirpath, identity(dirpath))
      await atEveryMoment(t, async (signal) => {
        const walk = fwalk(top, { topdown, signal })
        try {
          for await (const [dirpath, , filenames, dirFd] of walk) {
            const check = () => t.is(identity(dirFd), identities.get(dirpath) ?? '')
            check()
            await Promise.all(filenames.map((name) => stat(name, { dirFd })))
            check()
            await new Promise((resolve) => setImmediate(resolve))
            check()
          }
          return 'over'
        } catch (error) {
          return endOf(t, error)
        } finally {
          t.deepEqual(await walk.next(), { done: true, value: undefined })
        }
      })
    },
  )
}

serially('a walk with several pending steps rejects at most one of them when it is aborted', async (t) => {
  const top = makeTreeInMemory(t, TREE)
  await atEveryMoment(t, async (signal) => {
    const walk = fwalk(top, { signal })
    const asked = Array.from({ length: 8 }, () => walk.next())
    const results = await Promise.allSettled([...asked, walk.return()])
    const rejected = results.filter(({ status }) => status === 'rejected')
    t.true(rejected.length <= 1)
    for (const result of results) if (result.status === 'rejected') endOf(t, result.reason)
    // Steps after the abort find that the walk is over.
    const first = results.findIndex(({ status }) => status === 'rejected')
    const rest = first === -1 ? [] : results.slice(first + 1)
    for (const result of rest) t.like(result, { status: 'fulfilled', value: { done: true } })
    return rejected.length > 0 ? 'aborted' : 'over'
  })
})

serially('a walk can be aborted, ended and stepped within its own callbacks', async (t) => {
  const top = makeTreeInMemory(t, TREE)
  const before = countFds()
  const ends: ((walk: AsyncIterator<unknown>, controller: AbortController) => unknown)[] = [
    (_walk, controller) => controller.abort(),
    (walk) => walk.return?.(),
    (walk) => walk.next(),
    (walk) => walk.throw?.(new Error('thrown in')).catch(() => {}),
    (walk, controller) => {
      void walk.return?.()
      controller.abort()
    },
  ]
  for (const end of ends) {
    const controller = new AbortController()
    const pending: unknown[] = []
    const onerror = () => {
      pending.push(Promise.resolve(end(walk, controller)).catch((error: unknown) => endOf(t, error)))
    }
    const walk = fwalk(top, { signal: controller.signal, onerror })
    const { value } = await walk.next()
    const dirFd = value?.[3] ?? -1
    value?.[1].splice(0, 0, 'missing', 'missing too')
    t.true(isOpen(dirFd))
    await walk.next().catch((error: unknown) => endOf(t, error))
    await Promise.all(pending)
    await walk.return()
    t.deepEqual(await walk.next(), { done: true, value: undefined })
    t.is(countFds(), before)
  }
})

serially('an aborted deletion leaves the rest intact and does not continue in the background', async (t) => {
  const root = makeTreeInMemory(t)
  const top = `${root}/top`
  await atEveryMoment(t, async (signal) => {
    if (!fs.existsSync(top)) writeTree(top, TREE)
    try {
      await rmtree(top, { signal })
      t.false(fs.existsSync(top))
      return 'over'
    } catch (error) {
      const left = fs.existsSync(top) && fs.readdirSync(top, { recursive: true }).length
      await new Promise((resolve) => setTimeout(resolve, 2))
      t.is(fs.existsSync(top) && fs.readdirSync(top, { recursive: true }).length, left)
      return endOf(t, error)
    }
  })
})

serially('a wait for a futex can be aborted at every moment', async (t) => {
  const memfd = Memfd.create('words', { size: 4 })
  const words = new Int32Array(memfd.map())
  await atEveryMoment(t, async (signal) => {
    try {
      await futexWaitAsync(words, 0, 0, { timeout: 1, signal })
      return 'over'
    } catch (error) {
      return endOf(t, error)
    }
  })
  memfd.close()
})

/** Yields strings, some of them after a turn of the event loop, and then calls `ended`. */
async function* arriving(pieces: readonly string[], ended: () => void): AsyncGenerator<string> {
  try {
    for (const piece of pieces) {
      if (piece.length % 2 === 0) await new Promise((resolve) => setImmediate(resolve))
      yield piece
    }
  } finally {
    ended()
  }
}

serially('the creation of a memory file can be aborted at every moment, and closes the file', async (t) => {
  const pieces = ['one', 'two', 'three', 'four', 'five', 'six']
  await atEveryMoment(t, async (signal) => {
    let isEnded = false
    const contents = arriving(pieces, () => {
      isEnded = true
    })
    try {
      const memfd = await createMemfd('aborted', { contents, signal })
      t.is(memfd.read().toString(), pieces.join(''))
      memfd.close()
      t.true(isEnded)
      return 'over'
    } catch (error) {
      t.deepEqual(await contents.next(), { done: true, value: undefined })
      return endOf(t, error)
    }
  })
})
