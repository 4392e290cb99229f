// Tests every block of README.md and of the pages as a reader runs it: in an empty folder with the
// installed package, on Node.js without a loader.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

import test, { type ExecutionContext } from 'ava'

import { withAssertions } from '../helpers/claims.js'
import { userEnvironment, withInstalledPackage } from '../helpers/installed.js'
import { patience } from '../helpers/patience.js'
import { missing, notLinux, unless } from '../helpers/platform.js'
import { noSharing, runtimes, sharingNode } from '../helpers/runtimes.js'

const folder = withInstalledPackage()

// A test runs each recipe of bundlers.md; the reference has the examples of the comments.
const others = /^docs\/(bundlers\.md|reference\/|node_modules\/|\.vitepress\/)/
const pages = [
  'README.md',
  ...readdirSync('docs', { recursive: true })
    .map((name) => `docs/${name}`)
    .filter((name) => name.endsWith('.md') && !others.test(name)),
].toSorted()

interface Block {
  language: string
  line: number
  text: string
}

function blocksOf(page: string): Block[] {
  const contents = readFileSync(page, 'utf8')
  return Array.from(contents.matchAll(/^```(\w*)[^\n]*\n([^]*?)^```$/gm), (match) => {
    const [, language = '', text = ''] = match
    return { language, text, line: contents.slice(0, match.index).split('\n').length + 1 }
  })
}

/** Returns the name of a file of which a block has the contents. */
const nameOf = ({ text }: Block) => /^(?:\/\/|#) ([\w-]+\.(?:mjs|py|socket))\n/.exec(text)?.[1]
const isConsole = ({ language }: Block) => language === 'console'
const isSetUp = ({ language }: Block) => language === 'sh'
const isProgram = (block: Block) => block.language === 'js' && nameOf(block) === undefined

// Blocks that are no programs, and commands that are for another place than an empty folder.
const notRun = new Map([
  ['README.md', ['npm install fdkit\n', /^npm start -- \/usr .*\nnpm test .*\n$/]],
  ['docs/index.md', ['npm install fdkit\n']],
  ['docs/design.md', [/^ {2}your code\n/, /^Cargo\.toml {2}/]],
])
const isRun = (page: string, { text }: Block) =>
  !notRun.get(page)?.some((known) => (typeof known === 'string' ? known === text : known.test(text)))

const linuxOnly =
  /\bMemfd\b|memfdCreate|createMemfd|\bmmap\(|RESOLVE_|openRoot|FdSocket|futexWait|\/proc\/|RENAME_|fdkit du|hugePage/
const node24 = runtimes.find(({ name }) => name === 'node-24')!

/** Returns the Node.js that a block needs, or why it cannot run. */
function needs(text: string): { node: string; reason: string | false } {
  const node = process.execPath
  if (linuxOnly.test(text) && notLinux) return { node, reason: notLinux }
  if (/\bshare\(|\bmmapShared\(/.test(text) && !/supportsSharedMapping \?/.test(text)) {
    return { node: sharingNode ?? node, reason: noSharing }
  }
  if (/--permission/.test(text) && !process.allowedNodeEnvironmentFlags.has('--permission')) {
    return { node: node24.runtime?.command[0] ?? node, reason: node24.missing }
  }
  return { node, reason: false }
}

/** Runs a command as a reader does, and returns what it prints. */
function run(cwd: string, command: string, node: string): string {
  const env = { ...userEnvironment, PATH: `${dirname(node)}:${userEnvironment.PATH}` }
  const timeout = patience(60_000)
  const { status, stdout, stderr } = spawnSync('bash', ['-c', command], {
    cwd,
    env,
    encoding: 'utf8',
    timeout,
  })
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${stderr}`)
  return stdout
}

/** Creates a folder and runs the commands of a page that prepare it. */
function prepared(page: string, node: string): string {
  const cwd = folder()
  for (const block of blocksOf(page)) {
    if (isSetUp(block) && isRun(page, block)) run(cwd, block.text, node)
  }
  return cwd
}

function commandIn(text: string): { command: string; output: string } {
  const [, command = '', output = ''] = /^\$ (.*)\n([^]*)$/.exec(text) ?? []
  return { command, output }
}

/** Saves the files of a page, runs its commands from top to bottom, and returns what they print. */
function follow(t: ExecutionContext, page: string, blocks: Block[]): void {
  const cwd = prepared(page, process.execPath)
  for (const block of blocks) {
    const name = nameOf(block)
    if (name !== undefined) writeFileSync(join(cwd, name), block.text)
  }
  for (const { text } of blocks.filter(isConsole)) {
    const { command, output } = commandIn(text)
    const { node, reason } = needs(command)
    if (reason !== false) t.log(`${command} was not run: ${reason}`)
    else t.is(run(cwd, command, node), output, command)
  }
}

for (const page of pages) {
  const blocks = blocksOf(page)
  const text = blocks.map((block) => block.text).join('')

  for (const block of blocks.filter(isProgram)) {
    const { node, reason } = needs(block.text)
    unless(reason)(`${page}:${block.line}: the program runs and its claims hold`, (t) => {
      for (const program of new Set([block.text, withAssertions(block.text.split('\n'))])) {
        const cwd = prepared(page, node)
        writeFileSync(join(cwd, 'app.mjs'), program)
        t.notThrows(() => run(cwd, 'node app.mjs', node))
      }
    })
  }

  if (blocks.some(isConsole)) {
    const tools = ['curl', 'python3', 'systemd-socket-activate'].filter((tool) => text.includes(tool))
    const lacks = tools.map(missing).find((reason) => reason !== false) ?? false
    const reasons = blocks.filter(isConsole).map((block) => needs(commandIn(block.text).command).reason)
    const none = reasons.every((each) => each !== false) && reasons[0]!
    const reason = (linuxOnly.test(text) && notLinux) || lacks || none
    unless(reason, test.serial)(`${page}: the commands print what the page says`, (t) => {
      follow(t, page, blocks)
    })
  }

  test(`${page}: every block is run`, (t) => {
    const known = (block: Block) =>
      isProgram(block) || isConsole(block) || isSetUp(block) || nameOf(block) !== undefined
    t.deepEqual(
      blocks.filter((block) => isRun(page, block) && !known(block)),
      [],
    )
    // A file that no command and no other file mentions is never run.
    for (const name of blocks.map(nameOf)) {
      if (name !== undefined && !name.endsWith('.socket')) {
        t.true(text.replace(new RegExp(`^(//|#) ${name}$`, 'm'), '').includes(name), name)
      }
    }
    // Exceptions that nothing needs hide mistakes.
    t.is(blocks.filter((block) => !isRun(page, block)).length, notRun.get(page)?.length ?? 0)
  })
}

test('the pages have their programs', (t) => {
  const programs = pages.flatMap((page) => blocksOf(page).filter(isProgram))
  const commands = pages.flatMap((page) => blocksOf(page).filter(isConsole))
  t.true(programs.length >= 45, `${programs.length}`)
  t.true(commands.length >= 24, `${commands.length}`)
})

const tasks = pages.filter((page) => page.startsWith('docs/tasks/'))

test('each task page has only files and commands', (t) => {
  t.is(tasks.length, 11)
  for (const page of tasks) {
    t.deepEqual(
      blocksOf(page).filter((block) => !isConsole(block) && nameOf(block) === undefined),
      [],
      page,
    )
  }
})

test('each task page is in the navigation of the site and in the list of README', (t) => {
  const readme = readFileSync('README.md', 'utf8')
  const config = readFileSync('docs/.vitepress/config.mjs', 'utf8')
  for (const page of tasks) {
    t.true(readme.includes(`(${page})`), page)
    t.true(config.includes(`'${basename(page, '.md')}'`), page)
  }
})
