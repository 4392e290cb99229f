// Tests the package installed by pnpm, yarn 1 and yarn 4 (with and without Plug'n'Play).
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

import test from 'ava'

import { platformName } from '../../scripts/platform.mjs'
import { patience } from '../helpers/patience.js'
import { unless } from '../helpers/platform.js'

const tools = resolve('build/managers/node_modules')
const missing = !fs.existsSync(join(tools, '.package-lock.json')) && 'run "npm run runtimes"'
const platformPackage = `@fdkit/binding-${platformName()}`

const root = fs.mkdtempSync(join(fs.realpathSync(tmpdir()), 'fdkit-'))
test.after.always(() => fs.rmSync(root, { recursive: true }))

// Yarn 1 keeps its cache outside of the home directory if root runs it, and takes a tarball of an earlier
// build from there.
const environment = { CI: '1', HOME: root, YARN_CACHE_FOLDER: join(root, 'yarn') }
const run = (cwd: string, command: string, ...args: string[]) =>
  execFileSync(command, args, {
    cwd,
    encoding: 'utf8',
    stdio: 'pipe',
    timeout: patience(100_000),
    env: { ...process.env, ...environment },
  })

function pack(dir: string): string {
  return join(
    root,
    JSON.parse(run(dir, 'npm', 'pack', '--json', '--ignore-scripts', '--pack-destination', root))[0].filename,
  )
}

let packed: { fdkit: string; platform: string } | undefined
/** Packs the tarballs as they are released: the root package depends on the platform packages. */
function tarballs() {
  if (packed !== undefined) return packed
  run(root, 'tar', 'xf', pack(resolve('.')), '-C', root)
  const path = join(root, 'package/package.json')
  const manifest = JSON.parse(fs.readFileSync(path, 'utf8'))
  manifest.optionalDependencies = { [platformPackage]: manifest.version }
  fs.writeFileSync(path, JSON.stringify(manifest))
  packed = { fdkit: pack(join(root, 'package')), platform: pack(resolve('npm', platformName())) }
  return packed
}

const yarn4 = join(tools, '@yarnpkg/cli-dist/bin/yarn.js')
const managers = {
  pnpm: {
    files: (platform: string) => ({
      'pnpm-workspace.yaml': `overrides:\n  '${platformPackage}': 'file:${platform}'\n`,
    }),
    install: [join(tools, 'pnpm/bin/pnpm.mjs'), 'install', '--offline', '--ignore-scripts'],
    run: [],
  },
  'yarn 1': {
    files: () => ({}),
    install: [join(tools, 'yarn/bin/yarn.js'), 'install', '--offline', '--ignore-scripts'],
    run: [],
  },
  'yarn 4': {
    files: () => ({
      'yarn.lock': '',
      '.yarnrc.yml':
        'enableNetwork: false\nenableTelemetry: false\nenableImmutableInstalls: false\nnodeLinker: node-modules\n',
    }),
    install: [yarn4, 'install'],
    run: [],
  },
  "yarn 4, Plug'n'Play": {
    files: () => ({
      'yarn.lock': '',
      '.yarnrc.yml': 'enableNetwork: false\nenableTelemetry: false\nenableImmutableInstalls: false\n',
    }),
    install: [yarn4, 'install'],
    run: [yarn4, 'node'],
  },
}

for (const [name, manager] of Object.entries(managers)) {
  unless(missing, test.serial)(`${name}: the installed package can be imported and required`, (t) => {
    const { fdkit, platform } = tarballs()
    const dir = fs.mkdtempSync(join(root, 'project-'))
    const files = {
      'package.json': JSON.stringify({
        private: true,
        dependencies: { fdkit: `file:${fdkit}` },
        resolutions: { [platformPackage]: `file:${platform}` },
      }),
      'import.mjs':
        "import { listdir } from 'fdkit/promises'\nconsole.log((await listdir('/')).includes('proc'))",
      'require.cjs': "const { listdir } = require('fdkit')\nconsole.log(listdir('/').includes('proc'))",
      ...manager.files(platform),
    }
    for (const [path, text] of Object.entries(files)) fs.writeFileSync(join(dir, path), text)
    run(dir, process.execPath, ...manager.install)
    for (const program of ['import.mjs', 'require.cjs']) {
      const output = run(dir, process.execPath, ...manager.run, program)
      t.is(output, 'true\n', program)
    }
  })
}
