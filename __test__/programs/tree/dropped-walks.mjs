// Drops asynchronous walks, and waits until the collector has closed their descriptors.
import * as fs from 'node:fs'

import * as promises from 'fdkit/promises'

import { answer, args, countFds } from '../context.mjs'

const before = countFds()
const start = async () => {
  const dirFd = fs.openSync(args[0], 'r')
  const walks = []
  for (let i = 0; i < 20; i++) {
    walks.push(promises.fwalk(args[0]), promises.fwalk('a', { dirFd }))
    await walks.at(-2).next()
  }
  fs.closeSync(dirFd)
  // Descriptors are counted before any walk can be collected.
  const held = countFds() - before
  return walks.length && held
}
const held = await start()
for (let i = 0; i < 50 && countFds() > before; i++) {
  globalThis.gc?.()
  await new Promise((resolve) => setTimeout(resolve, 2))
}
answer({ held, left: countFds() - before })
