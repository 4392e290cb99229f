// Runs the tests of both languages. Arguments are passed to ava.
import { existsSync, readFileSync, rmSync } from 'node:fs'

import { RERUN_AT_MOST, status } from './run.mjs'

// ava lists here the files of the last run in which a test failed.
const FAILING = 'node_modules/.cache/ava/failing-tests.json'

const rust = status('inherit', 'cargo', 'test', '--workspace', '--locked')
const ava = 'node_modules/ava/entrypoints/cli.mjs'
const runsTwice = process.env.RERUN_FAILED === '1'
// ava keeps the list only outside of continuous integration.
if (runsTwice) process.env.AVA_FORCE_CI = 'not-ci'
rmSync(FAILING, { force: true })
let javascript = status('inherit', process.execPath, ava, ...process.argv.slice(2))

// A test that fails twice has failed.
if (javascript !== 0 && runsTwice && existsSync(FAILING)) {
  const files = JSON.parse(readFileSync(FAILING, 'utf8'))
  if (files.length > 0 && files.length <= RERUN_AT_MOST) {
    console.log(`\ntest: these files are run a second time, alone:\n  ${files.join('\n  ')}`)
    javascript = status('inherit', process.execPath, ava, '--concurrency=1', ...files)
  }
}
process.exit(rust || javascript)
