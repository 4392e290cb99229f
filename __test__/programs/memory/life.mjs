// The life of a memory file from creation to close. After a step that fails, the next steps continue.
import * as fs from 'node:fs'

import * as fdkit from 'fdkit'
import { Memfd, mmap, futexWait } from 'fdkit'
import { futexWaitAsync } from 'fdkit/promises'

import { answer, countFds, settledFds } from '../context.mjs'

const errors = []
const page = fdkit.getpagesize()
const before = await settledFds()
const step = async (step, action) => {
  try {
    return await action()
  } catch ({ code, syscall }) {
    errors.push({ step, code, syscall })
  }
}
const memfd = await step('create', () =>
  Memfd.create('faulty', { contents: 'abc', size: 2 * page, sealing: true }),
)
if (memfd) {
  const fd = await step('dup', () => fdkit.dup(memfd.fd))
  const copy = fd && (await step('from', () => Memfd.from(fd)))
  if (fd && !copy) fs.closeSync(fd)
  await step('write', () => memfd.write('text', 5))
  await step('read', () => memfd.read())
  const buffer = await step('map', () => memfd.map())
  await step('mmap', () => mmap(memfd.fd, { offset: page, writable: false, allowShrink: true }))
  if (buffer) {
    await step('wait', () => futexWait(new Int32Array(buffer), 0, 1))
    await step('wait later', () => futexWaitAsync(new Int32Array(buffer), 100, 0, { timeout: 5 }))
    await step('unmap', () => memfd.unmap(buffer))
  }
  await step('truncate', () => memfd.truncate(9000))
  await step('seal', () => memfd.seal('grow'))
  await step('close', () => memfd.close())
  if (copy) await step('close the copy', () => copy.close())
}
for (let i = 0; i < 3; i++) {
  globalThis.gc?.()
  await new Promise((resolve) => setTimeout(resolve, 1))
}
const mapped = fs.readFileSync('/proc/self/maps', 'latin1').split('/memfd:faulty').length - 1
answer({ errors, fds: countFds() - before, mapped })
