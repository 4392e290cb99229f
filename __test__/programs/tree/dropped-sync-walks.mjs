// Drops walks that have begun, and waits until the collector has closed their descriptors.
import { fwalk } from 'fdkit'

import { answer, args, countFds } from '../context.mjs'

const before = countFds()
const start = () => {
  for (let i = 0; i < 50; i++) {
    const walk = fwalk(args[0])
    walk.next()
  }
}
start()
const held = countFds() - before
for (let i = 0; i < 50 && countFds() > before; i++) {
  globalThis.gc?.()
  await new Promise((resolve) => setTimeout(resolve, 2))
}
answer({ held, left: countFds() - before })
