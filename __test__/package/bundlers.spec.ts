// Tests every recipe of docs/bundlers.md with the package as npm packs it. The output is moved to an
// empty folder, the project is removed, and the program must still run.
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'

import test from 'ava'

import { platformName } from '../../scripts/platform.mjs'
import { patience } from '../helpers/patience.js'
import { notLinux, unless } from '../helpers/platform.js'
import { runtimes } from '../helpers/runtimes.js'

const tools = resolve('build/bundlers')
const bun = runtimes.find(({ name }) => name === 'bun')!.runtime
const missing = !fs.existsSync(join(tools, 'node_modules/.package-lock.json')) && 'run "npm run runtimes"'

const root = fs.mkdtempSync(join(fs.realpathSync(tmpdir()), 'fdkit-'))
test.after.always(() => fs.rmSync(root, { recursive: true }))

const program = `import { Memfd, fwalk } from 'fdkit'
import { listdir } from 'fdkit/promises'

async function main() {
  const memfd = Memfd.create('name', { contents: 'contents' })
  const [, , , dirfd] = fwalk('/').next().value
  const names = await listdir('/proc/self/fd')
  if (!names.includes(String(dirfd)) || !names.includes(String(memfd.fd))) throw new Error('not there')
  console.log(memfd.read().toString())
}
main()
`

const env = {
  ...process.env,
  PATH: [
    join(tools, 'node_modules/.bin'),
    ...(bun === undefined ? [] : [dirname(bun.command[0])]),
    // Puts the Node.js that runs the tests first.
    dirname(process.execPath),
    process.env['PATH'],
  ].join(delimiter),
  NO_COLOR: '1',
}

const sh = (cwd: string, script: string) =>
  execFileSync('bash', ['-euc', script], {
    cwd,
    env,
    encoding: 'utf8',
    stdio: 'pipe',
    timeout: patience(110_000),
  })

interface Recipe {
  title: string
  files: { name: string; text: string }[]
  build: string
  run: string
}

function readRecipes(): Recipe[] {
  const [, ...sections] = fs.readFileSync('docs/bundlers.md', 'utf8').split(/^## /m)
  return sections.map((section) => {
    const title = section.slice(0, section.indexOf('\n'))
    const blocks = [...section.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, text]) => ({
      language,
      text: text!,
    }))
    const lines = blocks
      .find(({ language }) => language === 'sh')!
      .text.trim()
      .split('\n')
    const files = blocks
      .filter(({ language }) => language !== 'sh')
      .map(({ text }) => {
        const [first = '', ...rest] = text.split('\n')
        return { name: first.replace('// ', ''), text: rest.join('\n') }
      })
    return {
      title,
      files,
      build: lines.slice(0, -1).join('\n'),
      run: lines.at(-1)!.replace('cd out && ', ''),
    }
  })
}

function pack(dir: string): string {
  const packed = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', root], {
    cwd: dir,
    encoding: 'utf8',
    stdio: 'pipe',
  })
  return join(root, JSON.parse(packed)[0].filename)
}

/** Creates a project with the package below the tools, so that configurations find their plugins. */
let installed: string | undefined
function project(): string {
  const dir = fs.mkdtempSync(join(tools, 'project-'))
  fs.writeFileSync(join(dir, 'package.json'), '{ "type": "module", "private": true }')
  fs.writeFileSync(join(dir, 'app.js'), program)
  if (installed === undefined) {
    installed = join(root, 'installed')
    fs.mkdirSync(installed)
    fs.writeFileSync(join(installed, 'package.json'), '{ "private": true }')
    const tarballs = [pack('.'), pack(`npm/${platformName()}`)]
    execFileSync(
      'npm',
      ['install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', ...tarballs],
      { cwd: installed, stdio: 'pipe' },
    )
  }
  fs.cpSync(join(installed, 'node_modules'), join(dir, 'node_modules'), { recursive: true })
  return dir
}

const recipes = readRecipes()

test('docs/bundlers.md has a recipe for each tool', (t) => {
  t.is(recipes.length, 13)
  for (const tool of [
    'esbuild',
    'rollup',
    'rolldown',
    'vite',
    'webpack',
    'ncc',
    'nodeFileTrace',
    'bun',
    'postject',
  ]) {
    t.true(
      recipes.some(
        ({ build, files }) =>
          build.split(/\s/).includes(tool) || files.some(({ text }) => text.includes(tool)),
      ),
      tool,
    )
  }
})

for (const [index, { title, files, build, run }] of recipes.entries()) {
  const lacksBun = title.startsWith('Bun') && bun === undefined && 'run "npm run runtimes"'
  unless(notLinux || missing || lacksBun, test.serial)(
    `${title}: the program runs in an empty folder`,
    (t) => {
      const dir = project()
      t.teardown(() => fs.rmSync(dir, { recursive: true, force: true }))
      for (const { name, text } of files) fs.writeFileSync(join(dir, name), text)
      sh(dir, build)
      const elsewhere = join(root, `elsewhere-${index}`)
      fs.cpSync(join(dir, 'out'), elsewhere, { recursive: true })
      fs.rmSync(dir, { recursive: true })
      t.is(sh(elsewhere, run), 'contents\n')
      for (const name of fs.readdirSync(elsewhere)) {
        if (!/\.[cm]?js$/.test(name) || title.startsWith('Bun')) continue
        t.false(
          fs.readFileSync(join(elsewhere, name), 'utf8').includes(dir),
          `${name} names the place it was built in`,
        )
      }
      fs.rmSync(elsewhere, { recursive: true })
    },
  )
}
