// Tests the programs of README.md and of the task pages as a reader runs them: in an empty folder with
// the packed package, on Node without a loader.
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'

import test, { type ExecutionContext } from 'ava'

import { platformName } from '../../scripts/platform.mjs'
import { patience } from '../helpers/patience.js'
import { notLinux, unless } from '../helpers/platform.js'
import { makeTree } from '../helpers/tree.js'

const root = mkdtempSync(join(realpathSync(tmpdir()), 'fdkit-pages-'))
test.after.always(() => rmSync(root, { recursive: true }))

test.before('pack and install', () => {
  for (const [name, directory] of [
    ['fdkit', '.'],
    [`@fdkit/binding-${platformName()}`, join('npm', platformName())],
  ] as const) {
    const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', root]
    const output = execFileSync('npm', args, { cwd: directory, encoding: 'utf8', stdio: 'pipe' })
    const target = join(root, 'node_modules', name)
    mkdirSync(target, { recursive: true })
    const tarball = join(root, JSON.parse(output)[0].filename)
    execFileSync('tar', ['xf', tarball, '-C', target, '--strip-components=1'])
  }
})

interface Block {
  language: string
  text: string
}

function blocksOf(page: string): Block[] {
  const fenced = /^```(\w+)[^\n]*\n([^]*?)^```$/gm
  return Array.from(readFileSync(page, 'utf8').matchAll(fenced), ([, language = '', text = '']) => ({
    language,
    text,
  }))
}

/** Returns an empty folder in which the package is installed. */
function folder(t: ExecutionContext): string {
  const directory = makeTree(t, {})
  cpSync(join(root, 'node_modules'), join(directory, 'node_modules'), { recursive: true })
  return directory
}

function run(cwd: string, command: string): string {
  const path = `${dirname(process.execPath)}:${process.env['PATH']}`
  const env = { ...process.env, PATH: path, NODE_OPTIONS: '' }
  return execFileSync('sh', ['-c', command], { cwd, env, encoding: 'utf8', timeout: patience(60_000) })
}

const nameOf = ({ text }: Block) => /^\/\/ ([\w-]+\.mjs)\n/.exec(text)?.[1]

/** Saves the files of a page, runs its commands from top to bottom, and returns what they print. */
function follow(t: ExecutionContext, blocks: Block[]): Block[] {
  const cwd = folder(t)
  for (const block of blocks) {
    const name = nameOf(block)
    if (name !== undefined) writeFileSync(join(cwd, name), block.text)
  }
  return blocks.filter(isConsole).map((block) => {
    const [, command = ''] = /^\$ (.*)\n/.exec(block.text) ?? []
    return { language: 'console', text: `$ ${command}\n${run(cwd, command)}` }
  })
}

const isConsole = ({ language }: Block) => language === 'console'
const tasks = readdirSync('docs/tasks').map((name) => `docs/tasks/${name}`)
const linuxOnly = /Memfd|RESOLVE_|openRoot|FdSocket/

for (const page of tasks) {
  const blocks = blocksOf(page)
  const reason = linuxOnly.test(readFileSync(page, 'utf8')) && notLinux
  unless(reason)(`${page}: the programs print what the page says`, (t) => {
    const unnamed = blocks.filter((block) => !isConsole(block) && nameOf(block) === undefined)
    t.deepEqual(unnamed, [], 'the first line of a program is its name')
    t.true(blocks.some(isConsole))
    t.deepEqual(follow(t, blocks), blocks.filter(isConsole))
  })
}

for (const [index, { language, text }] of blocksOf('README.md').entries()) {
  if (language !== 'ts' && language !== 'js') continue
  const reason = linuxOnly.test(text) && notLinux
  unless(reason)(`README.md: block ${index + 1} runs in an empty folder`, (t) => {
    const cwd = folder(t)
    writeFileSync(join(cwd, 'app.mjs'), text)
    t.notThrows(() => run(cwd, 'node app.mjs'))
  })
}

test('each task page is in the navigation of the site and in the list of README', (t) => {
  const readme = readFileSync(resolve('README.md'), 'utf8')
  const config = readFileSync('docs/.vitepress/config.mjs', 'utf8')
  for (const page of tasks) {
    t.true(readme.includes(`(${page})`), page)
    t.true(config.includes(`'${basename(page, '.md')}'`), page)
  }
})
