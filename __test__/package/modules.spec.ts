// Tests the imports between modules of crates/binding.
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

import test from 'ava'

const root = 'crates/binding/src'

// Each layer may import itself and the layers after it.
const layers = ['lib', 'api', 'call', 'convert']

const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
const sources = new Map(
  files.map(({ parentPath, name }) => {
    const path = join(parentPath, name)
    const code = readFileSync(path, 'utf8').replace(/\/\/.*$/gm, '')
    const module = relative(root, path)
      .replace(/(\/mod)?\.rs$/, '')
      .replaceAll('/', '::')
    return [module, code] as const
  }),
)

/** Returns the module that contains the item of a path. */
function moduleOf(path: string): string {
  if (sources.has(path)) return path
  const end = path.lastIndexOf('::')
  return end === -1 ? 'lib' : moduleOf(path.slice(0, end))
}

const imports = new Map(
  Array.from(sources, ([module, code]) => {
    const paths = code.matchAll(/\bcrate::((?:\w+::)*\w+)/g)
    return [module, new Set(Array.from(paths, ([, path = '']) => moduleOf(path)))] as const
  }),
)

test('modules of crates/binding import downward only: lib, api, call, convert', (t) => {
  const layer = (module: string) => layers.indexOf(module.split('::', 1)[0]!)
  t.deepEqual([...new Set(Array.from(sources.keys(), layer))].toSorted(), [0, 1, 2, 3])
  for (const [module, targets] of imports) {
    for (const target of targets) t.true(layer(target) >= layer(module), `${module} imports ${target}`)
    // The graph is built from full paths.
    t.notRegex(sources.get(module)!, /\b(super|self)::|\bcrate::\{/, module)
  }
})

test('no modules of crates/binding import each other in a circle', (t) => {
  const seen = new Set<string>()
  const visit = (module: string, above: string[]): void => {
    t.false(above.includes(module), [...above, module].join(' imports '))
    if (seen.has(module)) return
    seen.add(module)
    for (const target of imports.get(module)!) visit(target, [...above, module])
  }
  for (const module of imports.keys()) visit(module, [])
  t.is(seen.size, sources.size)
  t.true(imports.get('api::tree::walk')!.has('convert::sink'))
})
