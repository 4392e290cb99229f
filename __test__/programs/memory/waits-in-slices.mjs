// Waits in every way, for a kernel without futex_waitv.
import * as fdkit from 'fdkit'
import { futexWake } from 'fdkit'
import { futexWaitAsync } from 'fdkit/promises'

import { answer } from '../context.mjs'

const memfd = fdkit.Memfd.create('words', { size: 64 })
const words = new Int32Array(memfd.map())
const signal = AbortSignal.timeout(130)
const aborted = futexWaitAsync(words, 1, 0, { signal }).catch((error) => error.name)
const woken = futexWaitAsync(words, 2, 0)
setTimeout(() => {
  Atomics.store(words, 2, 1)
  futexWake(words, 2)
}, 250)
const timed = futexWaitAsync(words, 3, 0, { timeout: 150 })
answer(await Promise.all([aborted, woken, timed, futexWaitAsync(words, 4, 1)]))
memfd.close()
