// Tests which files an import opens, since opening files takes most of the start-up time.
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'

import test from 'ava'

import { platformName } from '../../scripts/platform.mjs'
import { unless } from '../helpers/platform.js'
import { noStrace } from '../helpers/strace.js'
import { makeTree } from '../helpers/tree.js'

const platform = platformName()
// If musl's loader exists, the C library is looked up in /usr/bin/ldd.
const notGlibc =
  platform.endsWith('-gnu') && !fs.existsSync('/lib/ld-musl-x86_64.so.1') ? false : 'needs glibc, and no musl'

for (const entry of ['fdkit', 'fdkit/promises']) {
  const scripts = entry === 'fdkit' ? ['index.js'] : ['promises.js', 'index.js']
  unless(noStrace || notGlibc)(
    `an import of ${entry} opens ${scripts.join(', ')} and the addon, once each`,
    (t) => {
      const dir = fs.realpathSync(makeTree(t))
      const modules = join(dir, 'node_modules')
      fs.cpSync('dist', join(modules, 'fdkit/dist'), { recursive: true })
      fs.cpSync('package.json', join(modules, 'fdkit/package.json'))
      fs.cpSync(`npm/${platform}`, join(modules, `@fdkit/binding-${platform}`), { recursive: true })
      fs.writeFileSync(join(dir, 'program.mjs'), `import '${entry}'`)
      const log = join(dir, 'log')
      execFileSync(
        'strace',
        ['-f', '-qq', '-e', 'trace=openat', '-o', log, process.execPath, 'program.mjs'],
        { cwd: dir },
      )
      const opened = fs
        .readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => line.includes(' = ') && !line.includes('ENOENT'))
        .map((line) => /"(.*?)"/.exec(line)?.[1] ?? '')
      t.deepEqual(
        opened.filter((path) => path.endsWith('/ldd')),
        [],
      )
      const below = opened
        .filter((path) => path.includes('/node_modules/') && path !== process.execPath)
        .map((path) => path.slice(path.lastIndexOf('/') + 1))
      t.deepEqual(below.toSorted(), ['package.json', ...scripts, `fdkit.${platform}.node`].toSorted())
    },
  )
}

test('the export promises of fdkit equals fdkit/promises', async (t) => {
  const { promises } = await import('fdkit')
  t.deepEqual({ ...promises }, { ...(await import('fdkit/promises')) })
})
