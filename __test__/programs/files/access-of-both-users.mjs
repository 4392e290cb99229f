// Asks for access to every file as root, and again as another effective user.
import * as fs from 'node:fs'

import * as fdkit from 'fdkit'

import { answer, args } from '../context.mjs'

process.chdir(args[0])
const names = fs.readdirSync('.').sort()
const ask = () =>
  names.flatMap((name) =>
    [0, 1, 2, 3, 4, 5, 6, 7].map((mode) => fdkit.canAccess(name, mode, { effectiveIds: true })),
  )
const asRoot = ask()
process.setgroups?.([1234])
process.setegid?.(65534)
process.seteuid?.(65534)
answer([asRoot, ask()])
