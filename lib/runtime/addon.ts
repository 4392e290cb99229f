// Finds and loads the addon: the file that FDKIT_ADDON names, or the one in the platform's package.
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'

import {
  explainBroken,
  explainMissing,
  explainRefused,
  isNotFound,
  isRefused,
  unsupportedPlatform,
} from './advice.js'
import type * as Addon from './binding.js'
import { exactPlatform, exists, likelyPlatform, platforms } from './platform.js'

// The build defines it from package.json.
declare const FDKIT_VERSION: string

/** The outcome if no addon could be loaded. */
export class NoAddon {
  /** The reason in words, with advice on what to do. */
  readonly reason: string
  /** The errors that the loaders threw. */
  readonly errors: unknown[]

  constructor(reason: string, errors: unknown[] = []) {
    this.reason = reason
    this.errors = errors
  }
}

type Loaded = typeof Addon | NoAddon

// A variable of webpack, rspack and ncc. They replace `import.meta` with the path that this file
// had on the machine that built the bundle.
declare const __webpack_require__: unknown

/**
 * Returns the directory of this file, or of the bundle that contains it. CommonJS bundles and
 * single executable applications have `__dirname` instead of `import.meta`.
 */
function ownDirectory(): string | undefined {
  if (typeof __webpack_require__ === 'undefined' && typeof import.meta.dirname === 'string') {
    return import.meta.dirname
  }
  return typeof __dirname === 'string' ? __dirname : undefined
}

// Loads files that bundlers must not follow.
const requireFrom = (path: string): NodeJS.Require =>
  process.getBuiltinModule('node:module').createRequire(path)

function dlopen(path: string): typeof Addon {
  const module = { exports: {} as typeof Addon }
  process.dlopen(module, path)
  return module.exports
}

/**
 * Loads the addon from the places where package managers, bundles and source trees put it. It takes
 * a third of the time of `require`, which searches more places.
 */
function loadFile(name: string, errors: unknown[]): typeof Addon | undefined {
  const directory = ownDirectory()
  if (directory === undefined) return undefined
  const file = `fdkit.${name}.node`
  for (const place of [`../../@fdkit/binding-${name}`, '.', `../npm/${name}`]) {
    const path = join(directory, place, file)
    try {
      const addon = dlopen(path)
      // A package manager may have put another version there, and the right one elsewhere.
      if (addon.VERSION === FDKIT_VERSION) return addon
    } catch (error) {
      if (isRefused(error) || exists(path)) errors.push(error)
    }
  }
  return undefined
}

function requirePackage(name: string, errors: unknown[]): typeof Addon | null | undefined {
  // A switch over literals inside a try statement: bundlers and tracers follow no other form, and
  // elsewhere they report a package that is not installed as an error.
  try {
    if (typeof import.meta.url !== 'string') return requireFrom(__filename)(`@fdkit/binding-${name}`)
    const require = createRequire(import.meta.url)
    switch (name) {
      case 'linux-x64-gnu':
        return require('@fdkit/binding-linux-x64-gnu')
      case 'linux-arm64-gnu':
        return require('@fdkit/binding-linux-arm64-gnu')
      case 'linux-x64-musl':
        return require('@fdkit/binding-linux-x64-musl')
      case 'linux-arm64-musl':
        return require('@fdkit/binding-linux-arm64-musl')
      case 'darwin-x64':
        return require('@fdkit/binding-darwin-x64')
      case 'darwin-arm64':
        return require('@fdkit/binding-darwin-arm64')
    }
  } catch (error) {
    errors.push(error)
  }
  return undefined
}

const versionProblem = ({ VERSION }: typeof Addon) =>
  VERSION === undefined
    ? 'is not an addon of fdkit'
    : `has version ${VERSION}, and fdkit has ${FDKIT_VERSION}`

function load(name: string): Loaded {
  if (!platforms.includes(name)) return new NoAddon(unsupportedPlatform(name))
  const errors: unknown[] = []
  const addon = loadFile(name, errors) ?? requirePackage(name, errors)
  if (addon === null) return new NoAddon(explainBroken(name, 'is not an addon of fdkit'))
  if (addon === undefined) return new NoAddon(explainMissing(name, ownDirectory(), errors), errors)
  if (addon.VERSION === FDKIT_VERSION) return addon
  const problem = versionProblem(addon)
  const error = new Error(`@fdkit/binding-${name} ${problem}`)
  return new NoAddon(explainBroken(name, problem), [error])
}

function loadNamed(path: string): Loaded {
  const explain = (problem: string) =>
    `${path}, which FDKIT_ADDON names, ${problem}. ` +
    `Unset that variable, or let it name an addon of fdkit ${FDKIT_VERSION}.`
  try {
    const absolute = resolve(path)
    const addon = requireFrom(absolute)(absolute) as typeof Addon
    if (addon.VERSION === FDKIT_VERSION) return addon
    const problem = versionProblem(addon)
    return new NoAddon(explain(problem), [new Error(`${path} ${problem}`)])
  } catch (error) {
    if (isRefused(error)) return new NoAddon(explainRefused(error), [error])
    return new NoAddon(explain(isNotFound(error) ? 'is missing' : 'cannot be loaded'), [error])
  }
}

function namedAddon(): string | undefined {
  try {
    return process.env['FDKIT_ADDON']
  } catch {
    // Deno throws without --allow-env.
    return undefined
  }
}

/** Loads the addon. It never throws. */
export function loadAddon(): Loaded {
  const path = namedAddon()
  if (path) return loadNamed(path)
  const likely = likelyPlatform()
  const loaded = load(likely)
  if (!(loaded instanceof NoAddon) || loaded.errors.some(isRefused)) return loaded
  const exact = exactPlatform()
  return exact === likely ? loaded : load(exact)
}
