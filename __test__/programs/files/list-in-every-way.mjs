// Answers with the number of names that each listing function finds.
import * as fs from 'node:fs'

import * as fdkit from 'fdkit'
import * as promises from 'fdkit/promises'

import { answer, args } from '../context.mjs'

const fd = fs.openSync(args[0], 'r')
const lists = [
  fdkit.listdir(args[0]),
  fdkit.listdir(fd),
  [...fdkit.scandir(args[0])],
  await promises.listdir(args[0]),
  [...fdkit.fwalk(args[0])][0][2],
]
answer(lists.map((list) => list.length))
