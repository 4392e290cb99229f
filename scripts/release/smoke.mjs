// Installs the published package as a user does, and uses it: node scripts/release/smoke.mjs 1.2.3
// Further arguments are passed to npm install, such as --libc=musl.
import assert from 'node:assert'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const PROGRAM = `
import assert from 'node:assert'
import { fwalk, memfdCreate } from 'fdkit'
if (process.platform === 'win32') {
  assert.throws(() => [...fwalk('.')], { code: 'ENOSYS' })
} else {
  const [dirpath, dirnames, filenames, dirfd] = fwalk('.').next().value
  assert.equal(dirpath, '.')
  assert.ok(dirnames.includes('node_modules') && filenames.includes('smoke.mjs') && dirfd > 2)
}
if (process.platform === 'linux') assert.ok(memfdCreate('smoke') > 2)
`

const [version, ...options] = process.argv.slice(2)
assert.ok(version, 'needs a version')

const cwd = mkdtempSync(join(tmpdir(), 'fdkit-smoke-'))
const isWindows = process.platform === 'win32'
const run = (command, ...args) =>
  spawnSync(command, args, { cwd, stdio: 'inherit', shell: isWindows && command === 'npm' }).status === 0

writeFileSync(join(cwd, 'package.json'), '{ "private": true }')
writeFileSync(join(cwd, 'smoke.mjs'), PROGRAM)
// It takes a while until a published package is visible everywhere.
const attempts = Number(process.env.SMOKE_ATTEMPTS ?? 10)
for (
  let attempt = 1;
  !run('npm', 'install', '--ignore-scripts', '--no-audit', ...options, `fdkit@${version}`);
  attempt++
) {
  assert.ok(attempt < attempts, `fdkit@${version} cannot be installed`)
  await new Promise((resolve) => setTimeout(resolve, 30_000))
}
assert.ok(run(process.execPath, 'smoke.mjs'), 'the installed package does not work')
rmSync(cwd, { recursive: true })
console.log(`fdkit ${version} works on ${process.platform}-${process.arch}, Node.js ${process.version}`)
