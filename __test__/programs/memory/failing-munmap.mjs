// Unmaps a buffer while munmap fails.
import { Memfd } from 'fdkit'

import { answer, args, countFds } from '../context.mjs'

const before = countFds()
const seen = []
const attempt = (action) => {
  try {
    action()
  } catch ({ code, syscall }) {
    seen.push([code, syscall])
  }
}
const memfd = Memfd.create('large')
memfd.truncate(args[0])
const [one, other] = [memfd.map(), memfd.map()]
attempt(() => memfd.unmap(one))
attempt(() => memfd.close())
answer({ seen, left: countFds() - before, lengths: [one.byteLength, other.byteLength] })
