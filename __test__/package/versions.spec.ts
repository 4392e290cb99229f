// Tests that fdkit refuses the versions of Node.js that "engines" excludes.
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join, resolve } from 'node:path'

import test from 'ava'

import { makeTree } from '../helpers/tree.js'
import { unless } from '../helpers/platform.js'

const supported = '^20.19 || ^22.12 || >=24'

test('all packages have the same engines', (t) => {
  for (const dir of ['.', ...fs.readdirSync('npm').map((name) => join('npm', name))]) {
    const { engines } = JSON.parse(fs.readFileSync(join(dir, 'package.json'), 'utf8'))
    t.deepEqual(engines, { node: supported }, dir)
  }
})

/** Runs a module that imports fdkit after a preload script. */
function importOn(node: string, dir: string, fake = '') {
  fs.mkdirSync(join(dir, 'node_modules'), { recursive: true })
  fs.symlinkSync(resolve('.'), join(dir, 'node_modules/fdkit'))
  fs.writeFileSync(join(dir, 'fake.cjs'), fake)
  fs.writeFileSync(
    join(dir, 'program.mjs'),
    `import('fdkit/promises').then(() => console.log('imported'), ({ code, message }) => console.log(code, message))`,
  )
  const { stdout, stderr } = spawnSync(node, ['--require', './fake.cjs', 'program.mjs'], {
    cwd: dir,
    encoding: 'utf8',
  })
  return stdout + stderr
}

for (const name of ['node-18', 'node-20.10', 'node-22.5']) {
  const node = resolve(`build/runtimes/${name}/node_modules/node-linux-${process.arch}/bin/node`)
  unless(!fs.existsSync(node) && 'run "npm run runtimes"')(
    `${name} is refused with the list of supported versions`,
    (t) => {
      const output = importOn(node, makeTree(t))
      t.true(
        output.startsWith(
          `ERR_FDKIT_NODE_VERSION fdkit needs Node.js ${supported}, and this is ${name.slice(5)}.`,
        ),
        output,
      )
    },
  )
}

const verdicts = {
  '18.20.8': false,
  '20.18.3': false,
  '20.19.0': true,
  '21.7.3': false,
  '22.11.0': false,
  '22.12.0': true,
  '23.11.1': false,
  '24.0.0': true,
  '27.1.0': true,
}

for (const [version, isSupported] of Object.entries(verdicts)) {
  test(`Node.js ${version} is ${isSupported ? 'accepted' : 'refused'}`, (t) => {
    const fake = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`
    const output = importOn(process.execPath, makeTree(t), fake)
    if (isSupported) t.is(output, 'imported\n')
    else t.regex(output, /^ERR_FDKIT_NODE_VERSION /)
  })
}

test('Bun and Deno are accepted with any version of Node.js that they report', (t) => {
  const fake = `Object.defineProperty(process, 'versions', { value: { node: '18.0.0', bun: '1.0.0' } })`
  t.is(importOn(process.execPath, makeTree(t), fake), 'imported\n')
})
