// Tests that the exports of the addon and their declarations agree.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

import test from 'ava'

import type * as Addon from '../../lib/runtime/binding.js'
import { syscalls } from '../../lib/runtime/syscalls.js'
import { syscalls as collect } from '../../scripts/addon.mjs'
import { addonPath } from '../../scripts/platform.mjs'

const addon = createRequire(import.meta.url)(join('../..', addonPath())) as typeof Addon
const declarations = readFileSync('lib/runtime/binding.d.ts', 'utf8')

test('each export of the addon has a declaration and a system call, and there are no others', (t) => {
  const exported = Object.keys(addon)
    .filter((name) => name !== 'VERSION')
    .toSorted()
  const declared = [...declarations.matchAll(/^export declare function (\w+)/gm)].map(([, name]) => name)
  t.true(exported.length > 50)
  t.deepEqual(declared.toSorted(), exported)
  t.deepEqual(Object.keys(syscalls).toSorted(), exported)
})

test('the table of system calls is generated from the declarations', (t) => {
  t.is(collect(declarations), readFileSync('lib/runtime/syscalls.ts', 'utf8'))
  t.is(syscalls.memfdCreate, 'memfd_create')
  t.is(syscalls.walkStep, 'openat')
})

test('a declaration without the tag @syscall is an error, even if the one before it has the tag', (t) => {
  const tagged = '/**\n * Opens.\n *\n * @syscall openat2\n */\nexport declare function open(): void\n'
  t.regex(collect(tagged), /^ {2}open: 'openat2',$/m)
  for (const doc of ['', '/** Closes. */\n', '/** A type. */\nexport type Name = string\n\n']) {
    t.throws(() => collect(`${tagged}\n${doc}export declare function close(): void\n`), {
      message: /close lacks/,
    })
  }
})

test('the addon has no classes, whose instances crates/napi could not borrow', (t) => {
  const classes = [...declarations.matchAll(/^export declare class (\w+)/gm)].map(([, name]) => name)
  // napi-rs's type of a handle.
  t.deepEqual(classes, ['ExternalObject'])
})

test('a handle of another type is rejected', (t) => {
  const handles = {
    walk: addon.walkStart(false, '.', true, false, 4, true, false),
    rmtree: addon.rmtreeStart(false, undefined, 'none'),
    usage: addon.diskUsageStart(false, undefined, 'none', false, undefined, 0, false),
    waiter: addon.futexWaiter(),
  }
  const uses: Record<keyof typeof handles, (handle: never) => void> = {
    walk: addon.walkClose,
    rmtree: addon.rmtreeClose,
    usage: addon.diskUsageClose,
    waiter: addon.futexCancel,
  }
  for (const [name, use] of Object.entries(uses)) {
    for (const [other, handle] of Object.entries(handles)) {
      const call = () => use(handle as never)
      if (name === other) t.notThrows(call)
      else t.throws(call, { code: 'InvalidArg' }, `${other} for ${name}`)
    }
    for (const value of [undefined, null, {}, 1, addon]) t.throws(() => use(value as never), undefined, name)
  }
})
