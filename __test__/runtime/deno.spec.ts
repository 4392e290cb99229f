// Tests Deno's permissions: the import works without them, and calls name the one that is missing.
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'

import type { ExecutionContext } from 'ava'

import { platformName } from '../../scripts/platform.mjs'
import { unless } from '../helpers/platform.js'
import { runtimes } from '../helpers/runtimes.js'
import { makeTree } from '../helpers/tree.js'

const { runtime, missing } = runtimes.find(({ name }) => name === 'deno')!

function runOnDeno(t: ExecutionContext, flags: string[], env: Record<string, string> = {}): string {
  const dir = fs.realpathSync(makeTree(t))
  const modules = join(dir, 'node_modules')
  const platform = platformName()
  fs.cpSync('dist', join(modules, 'fdkit/dist'), { recursive: true })
  fs.cpSync('package.json', join(modules, 'fdkit/package.json'))
  fs.cpSync(`npm/${platform}`, join(modules, `@fdkit/binding-${platform}`), { recursive: true })
  fs.writeFileSync(join(dir, 'package.json'), '{ "dependencies": { "fdkit": "*" } }')
  fs.writeFileSync(
    join(dir, 'program.mjs'),
    `import { getpagesize } from 'fdkit'
    console.log('imported')
    try { console.log(getpagesize() > 0) } catch ({ code, message }) { console.log(code, message) }`,
  )
  const args = ['run', '--quiet', '--no-prompt', '--node-modules-dir=manual', ...flags, 'program.mjs']
  const options = { cwd: dir, encoding: 'utf8', env: { ...process.env, NO_COLOR: '1', ...env } } as const
  const { stdout, stderr } = spawnSync(runtime!.command[0], args, options)
  return stdout + stderr
}

const onDeno = unless(missing)

for (const flags of [
  ['--allow-all'],
  ['--allow-ffi'],
  ['--allow-ffi', '--allow-read'],
  ['--allow-ffi', '--allow-env'],
]) {
  onDeno(`fdkit works with ${flags.join(' ')}`, (t) => {
    t.is(runOnDeno(t, flags), 'imported\ntrue\n')
  })
}

for (const flags of [[], ['--allow-read'], ['--allow-env'], ['--allow-read', '--allow-env', '--allow-sys']]) {
  onDeno(`the error names --allow-ffi with ${flags.join(' ') || 'no permission'}`, (t) => {
    const output = runOnDeno(t, flags)
    t.regex(
      output,
      /^imported\nENOSYS ENOSYS: function not implemented, getpagesize: Deno refuses to load the addon: /,
    )
    t.regex(output, /It needs --allow-ffi;/)
  })
}

onDeno('FDKIT_ADDON is used with --allow-env, and ignored without it', (t) => {
  const env = { FDKIT_ADDON: '/nowhere/fdkit.node' }
  t.regex(runOnDeno(t, ['--allow-all'], env), /which FDKIT_ADDON names, is missing/)
  t.is(runOnDeno(t, ['--allow-ffi', '--allow-read'], env), 'imported\ntrue\n')
})
