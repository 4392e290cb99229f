// What importing fdkit costs, over an empty module; and how large the addon is.
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { transient } from './candidate.js'
import { interleave } from './interleave.js'

const ROUNDS = 25

/** In milliseconds. */
export async function measureImport(): Promise<number> {
  const evaluate = (code: string) =>
    transient(code, process.execPath, '--input-type=module', '--eval', code)
  const candidates = [evaluate(''), evaluate("import 'fdkit'")]
  const [empty, fdkit] = await interleave(candidates, ROUNDS, 3)
  return (fdkit!.nanoseconds - empty!.nanoseconds) / 1e6
}

/** In bytes. */
export function addonSize(): number {
  const files = readdirSync('npm', { recursive: true, encoding: 'utf8' })
  const addons = files.filter((file) => file.endsWith('.node'))
  return Math.max(...addons.map((file) => statSync(join('npm', file)).size))
}
