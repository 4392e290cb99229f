// Tests buffers over mappings on each runtime, and on one that forbids external buffers.
import * as fs from 'node:fs'
import { join } from 'node:path'

import { addonPath } from '../../scripts/platform.mjs'
import { child, packageRoot } from '../helpers/child.js'
import { notLinux, unless } from '../helpers/platform.js'
import { noCompiler, preloading } from '../helpers/preload.js'
import { runOn, runtimes } from '../helpers/runtimes.js'
import { makeTree } from '../helpers/tree.js'

interface Expected {
  /** The result of structuredClone with a buffer in its transfer list. */
  transfer: 'DataCloneError' | 'copies' | 'transfers'
  /** Whether a buffer of 5 GiB is mapped, or the code of the error. */
  large: 'mapped' | 'ERR_BUFFER_TOO_LARGE'
  shares: boolean
}

const expected: Record<string, Expected> = {
  'node-20': { transfer: 'copies', large: 'ERR_BUFFER_TOO_LARGE', shares: false },
  'node-22': { transfer: 'DataCloneError', large: 'mapped', shares: true },
  'node-24': { transfer: 'DataCloneError', large: 'mapped', shares: true },
  'node-26': { transfer: 'DataCloneError', large: 'mapped', shares: true },
  bun: { transfer: 'DataCloneError', large: 'ERR_BUFFER_TOO_LARGE', shares: true },
  deno: { transfer: 'transfers', large: 'mapped', shares: false },
}

for (const { name, runtime, missing } of runtimes) {
  const { transfer, large, shares } = expected[name] as Expected
  const run = async () => {
    if (runtime === undefined) throw new Error('skipped')
    return JSON.parse(await runOn(runtime, '__test__/helpers/mapping-probe.mjs')) as Record<string, unknown>
  }

  unless(notLinux || missing)(
    `${name}: buffers can be read, written, cloned, transferred and unmapped`,
    async (t) => {
      const found = await run()
      t.deepEqual(found['mapped'], ['Text', 'Text', 1])
      t.deepEqual(found['unmapped'], [0, 0, 0, 'ERR_INVALID_ARG_VALUE'])
      // A clone has its own memory.
      t.deepEqual(found['clone'], ['!ext', 'Text', 'ERR_INVALID_ARG_VALUE', 4])
      t.is(found['transfer'], transfer === 'DataCloneError' ? transfer : 'transferred')
      // A buffer that was transferred away cannot be unmapped; its memory is unmapped by the collector.
      t.deepEqual(
        found['afterTransfer'],
        transfer === 'transfers' ? [0, 'ERR_INVALID_ARG_VALUE', 1] : [4, 'unmapped', 0],
      )
      // A transfer keeps the mapping: the new buffer unmaps it, once.
      if ('moved' in found) {
        t.is(found['transferMethod'], 'DataCloneError')
        t.deepEqual(found['moved'], ['ERR_INVALID_ARG_VALUE', 'Text', null, 1])
        t.is(found['movedTwice'], 'ERR_INVALID_ARG_VALUE')
      } else {
        t.is(name, 'node-20')
      }
      t.deepEqual(found[2 ** 31], [2 ** 31, 42])
      t.deepEqual(found[2 ** 32], [2 ** 32, 42])
      t.deepEqual(found[5 * 2 ** 30], large === 'mapped' ? [5 * 2 ** 30, 42] : large)
      t.is(found['supportsSharedMapping'], shares)
      if (shares) t.deepEqual(found['shared'], [true, 4, 'TExt'])
      else
        t.regex(
          String(found['shared']),
          /^ENOTSUP: .*, mmap: this runtime cannot make such a buffer over memory that it /,
        )
    },
  )
}

const attempts = 'memory/refused-buffers.mjs'

for (const [words, status, code, message] of [
  [
    'forbids external buffers',
    22,
    'ENOTSUP',
    /^ENOTSUP: .*, mmap: this runtime cannot make such a buffer over memory/,
  ],
  ['fails to create an external buffer', 9, 'GenericFailure', /^creating a buffer over the mapping failed$/],
] as const) {
  unless(noCompiler)(
    `a runtime that ${words} causes ${code}, nothing stays mapped, and other functions work`,
    (t) => {
      const { shell } = preloading(t, 'memory/forbid-buffers.c', `-DSTATUS=${status}`)
      const altered = fs
        .readFileSync(join(packageRoot, addonPath()), 'latin1')
        .replaceAll('\0napi_create_external_arraybuffer\0', '\0none_create_external_arraybuffer\0')
        .replaceAll(
          'node_api_create_external_sharedarraybuffer\0',
          'none_api_create_external_sharedarraybuffer\0',
        )
      const path = `${makeTree(t, { 'fdkit.node': '' })}/fdkit.node`
      fs.writeFileSync(path, altered, 'latin1')
      const options = { shell: `${shell}; export FDKIT_ADDON='${path}'` }
      const [results, left, text] = child<[[string, string][], number, string]>(attempts, options)
      t.is(results.length, 3)
      for (const [is, said] of results) {
        t.is(is, code)
        t.regex(said, message)
      }
      t.is(left, 0)
      t.is(text, 'text')
    },
  )
}
