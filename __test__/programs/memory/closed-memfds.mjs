// Closes Memfds, and counts the collections that this causes.
import { PerformanceObserver } from 'node:perf_hooks'

import * as fdkit from 'fdkit'

import { answer } from '../context.mjs'

const MAJOR = 4
let collections = 0
const observer = new PerformanceObserver((list) => {
  collections += list.getEntries().filter((/** @type {any} */ { detail }) => detail.kind & MAJOR).length
})
observer.observe({ entryTypes: ['gc'] })
for (let count = 0; count < 2000; count++) {
  fdkit.Memfd.create('closed').close()
  if (count % 10 === 0) await new Promise(setImmediate)
}
await new Promise((resolve) => setTimeout(resolve, 20))
answer(collections)
