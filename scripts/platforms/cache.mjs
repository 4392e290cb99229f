// The cache of everything that was downloaded or built for other platforms.
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

import { root } from '../run.mjs'

/** The directory of the cache: PLATFORMS_CACHE, or build/platforms by default. */
export const cache = resolve(root, process.env.PLATFORMS_CACHE ?? 'build/platforms')

const started = Date.now()

export function say(text) {
  const seconds = Math.round((Date.now() - started) / 1000)
  console.log(`== ${text} (${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')})`)
}

/**
 * Returns the folder of that name in the cache. If it is missing, `make` fills a temporary folder,
 * which is renamed when it is complete. So an interrupted download is never mistaken for a complete
 * one.
 */
export async function cached(name, size, make) {
  const folder = join(cache, name)
  if (existsSync(folder)) return folder
  say(`${name}: ${size}`)
  const unfinished = join(cache, 'unfinished', name)
  rmSync(unfinished, { recursive: true, force: true })
  mkdirSync(unfinished, { recursive: true })
  await make(unfinished)
  mkdirSync(dirname(folder), { recursive: true })
  renameSync(unfinished, folder)
  return folder
}
