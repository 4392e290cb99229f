// The time to import fdkit, compared with an empty module, and the size of the addon.
import { cpSync, mkdtempSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import { addonPath } from '../../scripts/platform.mjs'
import { transient } from '../harness/candidate.js'
import { interleave } from '../harness/interleave.js'
import type { Target } from '../harness/report.js'
import { removeTree } from '../harness/tree.js'

const ROUNDS = 25

// Installs the package like npm install. In a source tree, the addon would first be looked for in
// other places.
function install(): string {
  const top = mkdtempSync(join(tmpdir(), 'fdkit-bench-'))
  const modules = join(top, 'node_modules')
  const platform = dirname(addonPath())
  cpSync('package.json', join(modules, 'fdkit/package.json'))
  cpSync('dist', join(modules, 'fdkit/dist'), { recursive: true })
  cpSync(platform, join(modules, platform.replace('npm/', '@fdkit/binding-')), { recursive: true })
  writeFileSync(join(top, 'empty.mjs'), '')
  writeFileSync(join(top, 'fdkit.mjs'), "import 'fdkit'")
  return top
}

/** Returns the import time in milliseconds. */
async function importTime(): Promise<number> {
  const top = install()
  try {
    const start = (file: string) => transient(file, process.execPath, join(top, file))
    const [empty, fdkit] = await interleave([start('empty.mjs'), start('fdkit.mjs')], ROUNDS, 3)
    return (fdkit!.nanoseconds - empty!.nanoseconds) / 1e6
  } finally {
    removeTree(top)
  }
}

/** Returns the size in bytes. */
function addonSize(): number {
  return statSync(addonPath()).size
}

export async function measureStartup(): Promise<Target[]> {
  return [
    { what: "import 'fdkit'", figure: await importTime(), unit: 'ms', atMost: 8 },
    { what: 'the addon', figure: addonSize() / 1e3, unit: 'kB', atMost: 660 },
  ]
}
