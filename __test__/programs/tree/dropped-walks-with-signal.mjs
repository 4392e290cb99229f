// Drops asynchronous walks whose signal is kept.
import * as promises from 'fdkit/promises'

import { answer, args, countFds } from '../context.mjs'

const controller = new AbortController()
const before = countFds()
const start = async () => {
  const walks = []
  for (let i = 0; i < 20; i++) {
    walks.push(promises.fwalk(args[0], { signal: controller.signal }))
    await walks.at(-1).next()
  }
  const held = countFds() - before
  return walks.length && held
}
const held = await start()
for (let i = 0; i < 50 && countFds() > before; i++) {
  globalThis.gc?.()
  await new Promise((resolve) => setTimeout(resolve, 2))
}
const left = countFds() - before
controller.abort()
answer({ held, left })
