// Where everything is kept that was downloaded or made for other platforms, and how it gets there.
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

import { root } from '../run.mjs'

/** build/platforms, or what PLATFORMS_CACHE names. */
export const cache = resolve(root, process.env.PLATFORMS_CACHE ?? 'build/platforms')

const started = Date.now()

export function say(text) {
  const seconds = Math.round((Date.now() - started) / 1000)
  console.log(`== ${text} (${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')})`)
}

/**
 * The folder of that name in the cache. If it is missing, `make` fills a temporary one, which gets its
 * name when it is complete, so that an interrupted download is never taken for a whole one.
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
