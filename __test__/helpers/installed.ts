// The package as npm packs it, installed as a user installs it.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import test from 'ava'

import { platformName } from '../../scripts/platform.mjs'
import { patience } from './patience.js'

/**
 * Installs the packed package before the tests run, and removes it after them. Returns a function
 * that creates a folder with nothing but the package.
 */
export function withInstalledPackage(): () => string {
  const root = mkdtempSync(join(realpathSync(tmpdir()), 'fdkit-installed-'))
  test.after.always(() => rmSync(root, { recursive: true }))

  const pack = (cwd: string) => {
    const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', root]
    const output = execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: 'pipe' })
    return join(root, JSON.parse(output)[0].filename)
  }
  test.before('pack and install', () => {
    writeFileSync(join(root, 'package.json'), '{ "private": true }')
    const tarballs = [pack('.'), pack(join('npm', platformName()))]
    const options = ['--offline', '--ignore-scripts', '--no-audit', '--no-fund']
    execFileSync('npm', ['install', ...options, ...tarballs], { cwd: root, stdio: 'pipe' })
  })
  return () => {
    const folder = mkdtempSync(join(root, 'folder-'))
    // The links of the commands stay relative.
    cpSync(join(root, 'node_modules'), join(folder, 'node_modules'), {
      recursive: true,
      verbatimSymlinks: true,
    })
    return folder
  }
}

/** The environment of a user: this Node.js comes first, and no loader is set. */
export const userEnvironment = {
  ...process.env,
  PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
  NODE_OPTIONS: '',
  NO_UPDATE_NOTIFIER: '1',
}

/** Runs a command of the shell in a folder, as a user does, and returns what it prints. */
export function shell(cwd: string, command: string): string {
  return execFileSync('bash', ['-c', command], {
    cwd,
    env: userEnvironment,
    encoding: 'utf8',
    stdio: 'pipe',
    timeout: patience(100_000),
  })
}
