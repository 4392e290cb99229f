// Random paths have the same outcome in a Root, whether the kernel resolves them or fdkit does.
// ROOT_PATHS is the number of paths; by default, a few thousand.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { patience } from '../helpers/patience.js'
import { unless } from '../helpers/platform.js'
import { hiding, noSeccomp } from '../helpers/seccomp.js'
import { link, makeTreeInMemory, type Tree } from '../helpers/tree.js'

const PATHS = Number(process.env['ROOT_PATHS'] ?? 3_000)

const program = fileURLToPath(new URL('../helpers/root-paths.mjs', import.meta.url))

const TREE: Tree = {
  root: {
    a: {
      b: { c: { deep: link('../../file') }, file: '', back: link('../../d'), out: link('../../../x') },
      file: '',
      filelink: link('file'),
    },
    file: '',
    d: { '\uDCFF': {}, é: '' },
    '\uDCFF': link('d'),
    here: link('.'),
    up: link('..'),
    self: link('self'),
    dangling: link('nothing'),
    absolute: link('/etc'),
    in: link('a/b'),
    slash: link('a/b/'),
    chain: link('in'),
    dirfile: link('file/'),
    around: link('../root/a'),
    nested: link('here/in/c'),
  },
  x: { kept: '' },
}

const run = promisify(execFile)

unless(noSeccomp)('openat2 and fdkit agree on the outcome and the code of random paths', async (t) => {
  t.timeout(patience(300_000) + 10 * PATHS)
  const seed = String(Math.trunc(Math.random() * 2 ** 31))
  const outcomes = [':', hiding('openat2', 38).shell ?? ''].map(async (shell) => {
    const root = `${makeTreeInMemory(t, TREE)}/root`
    const command = [
      '-c',
      `${shell}; exec "$@"`,
      'bash',
      process.execPath,
      program,
      root,
      seed,
      String(PATHS),
    ]
    const { stdout } = await run('bash', command, { maxBuffer: 2 ** 30 })
    return stdout.split('\n')
  })
  const [kernel, own] = (await Promise.all(outcomes)) as [string[], string[]]
  const differing = kernel.findIndex((line, index) => line !== own[index])
  const around = (lines: string[]) => lines.slice(differing - 14, differing + 14)
  t.is(differing, -1, `seed ${seed}: ${JSON.stringify(around(kernel))}, ${JSON.stringify(around(own))}`)
  t.true(kernel.length > 6 * PATHS)
  // The paths are not all refused.
  const count = (text: string) => kernel.filter((line) => line.startsWith(text)).length
  for (const outcome of ['#', 'ERR_FDKIT_ESCAPE', 'ENOENT', 'ENOTDIR', 'ELOOP', 'EINVAL', 'ENAMETOOLONG']) {
    t.true(count(outcome) > PATHS / 300, `${outcome}: ${count(outcome)}`)
  }
})
