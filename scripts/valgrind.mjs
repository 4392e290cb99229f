// Runs the Rust tests of the core under valgrind, which finds accesses outside of allocations, uses
// of uninitialized memory, and leaks. It requires valgrind and takes some minutes. Arguments are
// passed to the tests: `npm run valgrind -- listing` runs those with "listing" in their names.
import { execFileSync } from 'node:child_process'

import { status } from './run.mjs'

if (status('ignore', 'valgrind', '--version') !== 0) {
  console.error('valgrind is missing: install the package "valgrind" of your system')
  process.exit(1)
}

const options = ['test', '--package', 'fdkit', '--tests', '--locked', '--no-run', '--message-format', 'json']
const messages = execFileSync('cargo', options, { encoding: 'utf8', maxBuffer: 2 ** 28 }).split('\n')
const programs = messages
  .filter((line) => line.startsWith('{'))
  .map((line) => JSON.parse(line))
  .filter(({ profile, executable }) => profile?.test && executable)

// The test harness itself leaves blocks behind that are possibly lost.
const leaks = ['--leak-check=full', '--show-leak-kinds=definite', '--errors-for-leak-kinds=definite']
const check = ['--quiet', '--error-exitcode=99', ...leaks]
// The threads of the tests outlive a test that waits for a process.
const patience = ['--fair-sched=yes', '--trace-children=no']
// cargo runs tests in the folder of their package.
process.chdir('crates/core')
const failed = programs.filter(({ executable, target }) => {
  console.log(`\n== ${target.name}`)
  const args = [...process.argv.slice(2), '--test-threads=1']
  // A program runs about 50 times as long, so the attacks are shorter.
  const env = { ROOT_ATTACK: '2000', ...process.env }
  return status({ output: 'inherit', env }, 'valgrind', ...check, ...patience, executable, ...args) !== 0
})
for (const { target } of failed) console.error(`valgrind: ${target.name} failed`)
process.exit(failed.length > 0 ? 1 : 0)
