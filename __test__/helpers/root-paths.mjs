// Prints the outcomes of many random paths in a Root, one line for each. The paths depend only on the
// seed, so processes with and without openat2 can be compared.
import * as fs from 'node:fs'

import * as fc from 'fast-check'
import { openRoot } from 'fdkit'

const [top, seed, count] = process.argv.slice(2)
const names = ['a', 'b', 'c', 'd', 'file', 'here', 'up', 'self', 'dangling', 'absolute', 'in', 'back', 'out']
const more = [
  'slash',
  'chain',
  'dirfile',
  'deep',
  'around',
  'nested',
  'filelink',
  'new',
  '\uDCFF',
  'é',
  '...',
]
const long = fc.constantFrom(254, 255, 256, 300).map((length) => 'n'.repeat(length))
const component = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom(...names, ...more) },
  { weight: 6, arbitrary: fc.constantFrom('.', '..', '..') },
  { weight: 1, arbitrary: long },
)
const slashes = fc.oneof({ weight: 9, arbitrary: fc.constant('/') }, fc.constantFrom('//', '///'))
const short = fc.tuple(
  fc.oneof({ weight: 30, arbitrary: fc.constant('') }, fc.constantFrom('/', './', '../')),
  fc.array(fc.tuple(component, slashes), { minLength: 1, maxLength: 7 }),
  fc.boolean(),
)
const path = fc.oneof(
  {
    weight: 200,
    arbitrary: short.map(([first, parts, ends]) => {
      const text = first + parts.flat().join('')
      return ends ? text : text.replace(/\/+$/, '')
    }),
  },
  // About as long as the kernel takes them.
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('./', 'here/', 'd/../'), fc.integer({ min: 4090, max: 4100 }))
      .map(([step, length]) => `${step.repeat(length).slice(0, length - 4)}file`),
  },
)

const roots = [openRoot(top), openRoot(top, { symlinks: 'refuse' })]
const identity = ({ dev, ino }) => `${dev}:${ino}`
const operations = [
  (root, at) => identity(root.stat(at)),
  (root, at) => identity(root.lstat(at)),
  (root, at) => root.readlink(at),
  (root, at) => root.realpath(at),
  (root, at) => {
    const file = root.openFile(at, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW)
    const found = identity(fs.fstatSync(file.fd))
    file.close()
    return found
  },
  (root, at) => root.readdir(at).join(),
  (root, at) => root.mkdir(at),
  (root, at) => root.rmdir(at),
  (root, at) => root.writeFile(at, 'x', { flag: 'wx' }),
  (root, at) => root.unlink(at),
  (root, at) => root.rename(at, 'moved'),
]

const outcomes = []
// The last ones change the tree, and the other process makes the same changes to its own.
for (const [index, at] of fc.sample(path, { seed: Number(seed), numRuns: Number(count) }).entries()) {
  const root = roots[index % 2]
  for (const operation of index % 50 === 0 ? operations : operations.slice(0, 6)) {
    let found
    try {
      found = String(operation(root, at)).replaceAll(/\d+:\d+/g, (each) => nameOf(each))
    } catch ({ code }) {
      found = code
    }
    outcomes.push(found)
  }
  outcomes.push(JSON.stringify(at.length > 200 ? at.length : at))
}

// Inode numbers differ between two trees.
function nameOf(found) {
  nameOf.known ??= new Map()
  if (!nameOf.known.has(found)) nameOf.known.set(found, `#${nameOf.known.size}`)
  return nameOf.known.get(found)
}

console.log(outcomes.join('\n'))
