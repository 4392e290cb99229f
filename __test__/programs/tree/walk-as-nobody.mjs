// Walks trees as an unprivileged user, and answers with every step and error.
import * as fs from 'node:fs'

import { fwalk } from 'fdkit'

import { answer, args, nobody } from '../context.mjs'

nobody()
const hex = (name) => Buffer.from(name).toString('hex')
answer(
  args[0].map(({ top, bytes, topdown, followSymlinks }) => {
    const outcome = { steps: /** @type {unknown[]} */ ([]), errors: /** @type {string[]} */ ([]) }
    const onerror = (error) => outcome.errors.push(error.code)
    const given = bytes ? Buffer.from(top) : top
    try {
      for (const [path, dirs, files, fd] of fwalk(given, { topdown, followSymlinks, onerror })) {
        outcome.steps.push([hex(path), dirs.map(hex), files.map(hex), fs.fstatSync(fd).ino])
      }
    } catch (error) {
      outcome.raised = error.code
    }
    return outcome
  }),
)
