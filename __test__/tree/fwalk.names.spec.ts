// Tests that no name of a file is lost or changed, as a string or as a Buffer.
import * as fs from 'node:fs'

import test from 'ava'
import { fwalk } from 'fdkit'

import { identity } from '../helpers/fds.js'
import { isLinux, unless } from '../helpers/platform.js'
import { fsencode, makeTree, type Tree } from '../helpers/tree.js'

const anyBytes = isLinux ? false : 'needs a file system that takes any bytes'

const NAMES = [
  '\udcff',
  'a\udc80b',
  '\udce2\udc82', // the beginning of a euro sign
  '\udced\udcb2\udc80', // U+DC80 encoded as UTF-8, which is not valid UTF-8
  '\udcc0\udcaf', // an overlong slash
  '\udcf4\udc90\udc80\udc80', // beyond U+10FFFF
  'é',
  'e\u0301',
  '€uro 😀',
  'new\nline',
  ' ',
  '...',
  '-rf',
  'quote\'"',
  '\u0001\u007f\u0080',
  '\ufeffbom',
  'x'.repeat(255),
  '\udcff'.repeat(255),
]

const files = Object.fromEntries(NAMES.map((name) => [`${name.slice(0, 254)}f`, '']))
const directories = Object.fromEntries(NAMES.map((name) => [name, { inner: {} }]))
const TREE: Tree = { directories, files }

unless(anyBytes)('string names are escaped according to PEP 383', (t) => {
  const top = makeTree(t, TREE)
  const entries = new Map([...fwalk(top)].map((entry) => [entry[0], entry]))
  t.deepEqual(entries.get(`${top}/directories`)?.[1].toSorted(), NAMES.toSorted())
  t.deepEqual(entries.get(`${top}/files`)?.[2].toSorted(), Object.keys(files).toSorted())
  for (const name of NAMES) t.true(entries.has(`${top}/directories/${name}/inner`))
})

unless(anyBytes)('Buffer names are the bytes themselves', (t) => {
  const top = makeTree(t, TREE)
  const hex = (name: Buffer) => name.toString('hex')
  const entries = new Map([...fwalk(fsencode(top))].map((entry) => [hex(entry[0]), entry]))
  const expected = (names: string[]) => names.map((name) => hex(fsencode(name))).toSorted()
  const at = (path: string) => entries.get(hex(fsencode(path)))
  t.deepEqual(at(`${top}/directories`)?.[1].map(hex).toSorted(), expected(NAMES))
  t.deepEqual(at(`${top}/files`)?.[2].map(hex).toSorted(), expected(Object.keys(files)))
  for (const name of NAMES) {
    const entry = at(`${top}/directories/${name}/inner`)
    t.true(Buffer.isBuffer(entry?.[0]))
    t.true(fs.statSync(entry?.[0] as Buffer).isDirectory())
  }
})

unless(anyBytes)('yielded names in dirnames lead to the same directories', (t) => {
  const top = makeTree(t, directories)
  const visited: string[] = []
  for (const [dirpath, dirnames, , dirfd] of fwalk(top)) {
    if (dirpath === top) dirnames.splice(0, dirnames.length, ...NAMES)
    else if (!dirpath.endsWith('/inner')) {
      visited.push(dirpath.slice(top.length + 1))
      t.is(identity(dirfd), identity(fsencode(dirpath)))
    }
  }
  t.deepEqual(visited, NAMES)
})

unless(anyBytes)('a top that is not UTF-8 is walked', (t) => {
  const top = `${makeTree(t, { '\udcfe': { '\udcff': {} } })}/\udcfe`
  t.deepEqual(
    [...fwalk(top)].map(([dirpath]) => dirpath),
    [top, `${top}/\udcff`],
  )
  const bytes = [...fwalk(fsencode(top))].map(([dirpath]) => dirpath)
  t.deepEqual(bytes, [fsencode(top), fsencode(`${top}/\udcff`)])
})

unless(anyBytes)('paths of errors have the type of the top', (t) => {
  const name = 'gone\udcff'
  for (const isBytes of [false, true]) {
    const top = makeTree(t, { [name]: {} })
    const seen: unknown[] = []
    const onerror = (error: { path: unknown }) => seen.push(error.path)
    const walk = isBytes ? fwalk(fsencode(top), { onerror }) : fwalk(top, { onerror })
    walk.next()
    fs.rmdirSync(fsencode(`${top}/${name}`))
    walk.next()
    t.deepEqual(seen, [isBytes ? fsencode(`${top}/${name}`) : `${top}/${name}`])

    const missing = isBytes ? fwalk(fsencode(`${top}/\udcff`)) : fwalk(`${top}/\udcff`)
    const error = t.throws<Error & { path?: unknown }>(() => missing.next(), { code: 'ENOENT' })
    t.deepEqual(error.path, isBytes ? fsencode(`${top}/\udcff`) : `${top}/\udcff`)
  }
})

test('a Uint8Array as the top yields Buffers', (t) => {
  const top = makeTree(t, { a: { f: '' } })
  const entries = [...fwalk(new TextEncoder().encode(top))]
  t.deepEqual(
    entries.map(([dirpath]) => dirpath),
    [Buffer.from(top), Buffer.from(`${top}/a`)],
  )
  for (const [dirpath, dirnames, filenames] of entries) {
    for (const name of [dirpath, ...dirnames, ...filenames]) t.true(Buffer.isBuffer(name))
  }
})

test('fwalk copies the top when it is called', (t) => {
  const top = Buffer.from(makeTree(t))
  const walk = fwalk(top)
  const copy = Buffer.from(top)
  top.fill('x')
  t.deepEqual(walk.next().value?.[0], copy)
})
