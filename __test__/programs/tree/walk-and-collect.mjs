// Runs the collector in each step of an asynchronous walk.
import * as fs from 'node:fs'

import * as promises from 'fdkit/promises'

import { answer, args } from '../context.mjs'

let steps = 0
for await (const [, , , dirfd] of promises.fwalk(args[0])) {
  globalThis.gc?.()
  await new Promise((resolve) => setImmediate(resolve))
  fs.fstatSync(dirfd)
  steps += 1
}
answer(steps)
