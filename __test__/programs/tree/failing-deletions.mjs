// Deletes a tree that an unprivileged user may not delete, with every way to treat errors.
import * as promises from 'fdkit/promises'

import { answer, args, countFds, nobody } from '../context.mjs'

await promises.rmtree('/proc/missing', { ignoreErrors: true })
nobody()
const before = countFds()
const errors = []
const path = args[0] + '/top'
const told = (error) => errors.push([error.code, error.syscall, error.path].join(' '))
await promises.rmtree(path, { onerror: told })
await promises.rmtree(path).catch(told)
await promises
  .rmtree(path, {
    onerror: () => {
      throw { code: 'oops' }
    },
  })
  .catch(told)
await promises.rmtree(path, { ignoreErrors: true })
answer({ errors, left: countFds() - before })
