// Counts how much a long listing grows in each turn of the event loop.
import * as fs from 'node:fs'

import { listdir, scandir } from 'fdkit/promises'

import { answer, args } from '../context.mjs'

for (let i = 0; i < args[1]; i++) fs.closeSync(fs.openSync(args[0] + '/file-' + i, 'w'))
// Counts by how much the lists grow in each turn, by counting what is pushed to arrays.
const { push } = Array.prototype
let pushed = 0
const measure = async (call) => {
  let [turns, most, isOver] = [0, 0, false]
  const turn = () => {
    turns += 1
    most = Math.max(most, pushed)
    pushed = 0
    if (!isOver) setImmediate(turn)
  }
  // oxlint-disable-next-line no-extend-native -- counts what is pushed
  Array.prototype.push = function (...values) {
    pushed += values.length
    return Reflect.apply(push, this, values)
  }
  pushed = 0
  turn()
  const lists = await call()
  most = Math.max(most, pushed)
  // oxlint-disable-next-line no-extend-native -- undoes it
  Array.prototype.push = push
  isOver = true
  return { turns, most, length: lists.length }
}
answer({
  names: await measure(() => listdir(args[0])),
  buffers: await measure(() => listdir(Buffer.from(args[0]))),
  entries: await measure(() => scandir(args[0])),
  // A turn takes no longer if several listings run at once.
  together: await measure(async () => (await Promise.all([1, 2, 3, 4].map(() => listdir(args[0])))).flat()),
})
