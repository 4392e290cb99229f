// Counts a tree, then ends a second count from onprogress, in both forms of diskUsage.
import { diskUsage, promises } from 'fdkit'

import { answer, args, countFds } from '../context.mjs'

class Enough extends Error {}

const [top] = args
const found = []
for (const count of [diskUsage, promises.diskUsage]) {
  const seen = []
  const whole = await count(top, { onprogress: (usage, path) => void seen.push({ usage, path }) })
  const before = countFds()
  const ended = { isBuffer: false, isEnough: false }
  const onprogress = (_, path) => {
    ended.isBuffer = Buffer.isBuffer(path)
    throw new Enough()
  }
  try {
    await count(Buffer.from(top), { onprogress })
  } catch (error) {
    ended.isEnough = error instanceof Enough
  }
  found.push({ seen, whole, ended, left: countFds() - before })
}
answer(found)
