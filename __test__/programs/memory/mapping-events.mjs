// Answers with the audit events of mappings.
import * as fs from 'node:fs'

import * as fdkit from 'fdkit'

import { answer } from '../context.mjs'

const fd = fdkit.memfdCreate('audited', fdkit.MFD_ALLOW_SEALING)
fs.ftruncateSync(fd, 2 * fdkit.getpagesize())
const events = []
fdkit.addAuditHook((event, /** @type {readonly any[]} */ [first, ...rest]) =>
  events.push([event, [first - fd, ...rest]]),
)
fdkit.mmap(fd)
fdkit.mmap(fd, { length: 5, writable: true })
fdkit.mmap(fd, { writable: false })
fdkit.mmap(fd, { length: 7, offset: fdkit.getpagesize() })
answer(events)
