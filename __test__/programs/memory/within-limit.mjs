// Creates memory files within and beyond the limit of a control group.
import * as fs from 'node:fs'

import * as fdkit from 'fdkit'

import { answer } from '../context.mjs'

const attempt = (size) => {
  try {
    const memfd = fdkit.Memfd.create('limited', { size })
    const { blocks } = fs.fstatSync(memfd.fd)
    memfd.close()
    return blocks * 512 === size
  } catch ({ message }) {
    return message
  }
}
answer([attempt(2 ** 25), attempt(2 ** 29), attempt(2 ** 25)])
