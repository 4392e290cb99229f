// Tests that names keep their bytes: they are returned as strings (PEP 383) or Buffers, and a call that
// takes them back uses the same bytes.
import * as fs from 'node:fs'

import test, { type ExecutionContext } from 'ava'
import * as fc from 'fast-check'
import { fwalk, listdir, lstat, memfdCreate, open, rmdir, stat, unlink } from 'fdkit'

import { notLinux, unless } from '../helpers/platform.js'
import { makeTree } from '../helpers/tree.js'

// Other file systems accept only UTF-8.
const onLinux = unless(notLinux)

/** Decodes by PEP 383, slowly and simply: each byte that does not begin a character is escaped. */
function escape(bytes: Buffer): string {
  let text = ''
  for (let index = 0; index < bytes.length;) {
    const found = [1, 2, 3, 4].find((length) => isCharacter(bytes.subarray(index, index + length)))
    text += found
      ? bytes.toString('utf8', index, index + found)
      : String.fromCharCode(0xdc00 + (bytes[index] as number))
    index += found ?? 1
  }
  return text
}

function isCharacter(bytes: Buffer): boolean {
  try {
    return [...new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)].length === 1
  } catch {
    return false
  }
}

const asBytes = (array: Uint8Array) => Buffer.from(array)
const isName = (name: Buffer) => name.length > 0 && name.length <= 255 && !/^\.{1,2}$/.test(name.toString())
const anyByte = fc.integer({ min: 1, max: 255 }).filter((byte) => byte !== 0x2f)
const pieces = fc.oneof(
  anyByte.map((byte) => Buffer.from([byte])),
  fc
    .constantFrom('a', 'é', '\ufffd', '\ufeff', '\u{1f600}', '\u{10ffff}', '\n', '\\', '\u0080')
    .map((text) => Buffer.from(text)),
  // Overlong, surrogate, out-of-range and truncated sequences.
  fc
    .constantFrom('c080', 'e08080', 'eda080', 'edb380', 'f4908080', 'f09f98', 'e282', 'ff')
    .map((hex) => Buffer.from(hex, 'hex')),
)
const names = fc
  .oneof(
    fc.array(pieces, { minLength: 1, maxLength: 20 }).map((list) => Buffer.concat(list)),
    fc.uint8Array({ min: 1, max: 255, minLength: 1, maxLength: 255 }).map(asBytes),
    fc.uint8Array({ min: 128, max: 255, minLength: 240, maxLength: 255 }).map(asBytes),
  )
  .filter((name) => isName(name) && !name.includes(0x2f))

function forAll<T>(arbitrary: fc.Arbitrary<T>, check: (value: T) => void, numRuns = 150): void {
  fc.assert(fc.property(arbitrary, check), { numRuns })
}

const below = (top: string, name: Buffer) => Buffer.concat([Buffer.from(`${top}/`), name])

function pathOf(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return (error as NodeJS.ErrnoException).path
  }
  return 'nothing was thrown'
}

function opened(t: ExecutionContext, path: string): number {
  const fd = open(path)
  t.teardown(() => fs.closeSync(fd))
  return fd
}

onLinux('any name round-trips as a string and as bytes', (t) => {
  const top = makeTree(t)
  const dirFd = opened(t, top)
  forAll(names, (name) => {
    const text = escape(name)
    fs.writeFileSync(below(top, name), '')
    t.deepEqual(listdir(top), [text])
    t.deepEqual(listdir(dirFd), [text])
    t.deepEqual(listdir(Buffer.from(top)), [name])
    t.deepEqual(
      [...fwalk(top)].map(([, , files]) => files),
      [[text]],
    )
    t.deepEqual(
      [...fwalk(Buffer.from(top))].map(([, , files]) => files),
      [[name]],
    )

    const { ino } = fs.statSync(below(top, name))
    for (const path of [`${top}/${text}`, below(top, name)]) {
      t.is(stat(path).ino, ino)
      fs.closeSync(open(path))
    }
    for (const path of [text, name, new Uint8Array(name)]) {
      t.is(lstat(path, { dirFd }).ino, fs.statSync(below(top, name)).ino)
      unlink(path, { dirFd })
      t.deepEqual(fs.readdirSync(top), [])
      t.deepEqual(
        pathOf(() => unlink(path, { dirFd })),
        path,
      )
      fs.writeFileSync(below(top, name), '')
    }
    unlink(`${top}/${text}`)
    t.deepEqual(fs.readdirSync(top), [])
  })
})

onLinux('a directory of any name is walked, and is removed by both forms of its name', (t) => {
  const top = makeTree(t)
  forAll(
    names,
    (name) => {
      const text = escape(name)
      fs.mkdirSync(below(top, name))
      t.deepEqual(
        [...fwalk(top)].map(([path, dirs]) => [path, dirs]),
        [
          [top, [text]],
          [`${top}/${text}`, []],
        ],
      )
      t.deepEqual(
        [...fwalk(Buffer.from(top), { topdown: false })].map(([path, dirs]) => [path, dirs]),
        [
          [below(top, name), []],
          [Buffer.from(top), [name]],
        ],
      )
      t.deepEqual(
        pathOf(() => unlink(`${top}/${text}`)),
        `${top}/${text}`,
      )
      t.deepEqual(
        pathOf(() => unlink(below(top, name))),
        below(top, name),
      )
      rmdir(`${top}/${text}`)
      fs.mkdirSync(below(top, name))
      rmdir(below(top, name))
      t.deepEqual(fs.readdirSync(top), [])
    },
    80,
  )
})

onLinux('node:fs finds a file that fdkit created by the same bytes', (t) => {
  const top = makeTree(t)
  forAll(names, (name) => {
    fs.closeSync(open(`${top}/${escape(name)}`, 'wx'))
    t.deepEqual(fs.readdirSync(top, { encoding: 'buffer' }), [name])
    unlink(`${top}/${escape(name)}`)
  })
})

onLinux('a missing name that is added to dirnames is passed to onerror unchanged', (t) => {
  const top = makeTree(t)
  forAll(
    names,
    (name) => {
      const seen: unknown[] = []
      for (const [, dirs] of fwalk(top, { onerror: (error) => seen.push(error.path) })) {
        dirs.push(escape(name))
      }
      for (const [, dirs] of fwalk(Buffer.from(top), { onerror: (error) => seen.push(error.path) })) {
        dirs.push(name)
      }
      t.deepEqual(seen, [`${top}/${escape(name)}`, below(top, name)])
    },
    80,
  )
})

test('each non-ASCII byte round-trips alone', (t) => {
  for (let byte = 0x80; byte <= 0xff; byte++) {
    const text = String.fromCharCode(0xdc00 + byte)
    t.is(escape(Buffer.from([byte])), text)
    t.is(
      pathOf(() => open(`/nonexistent/${text}`)),
      `/nonexistent/${text}`,
    )
  }
})

test('other lone surrogates are rejected', (t) => {
  for (const unit of [0xd800, 0xd9ab, 0xdbff, 0xdc00, 0xdc7f, 0xdd00, 0xdfff]) {
    const lone = String.fromCharCode(unit)
    for (const name of [
      lone,
      `a${lone}b`,
      `${lone}\u{1f600}`,
      `\udc80${lone}`,
      `${'n'.repeat(300)}${lone}`,
    ]) {
      for (const call of [open, stat, lstat, unlink, rmdir, listdir, fwalk, memfdCreate]) {
        t.throws(() => (call as (name: string) => unknown)(name), {
          code: 'ERR_INVALID_ARG_VALUE',
          message: /must not contain lone surrogates other than U\+DC80 to U\+DCFF\. Received /,
        })
      }
    }
  }
})

test('a high surrogate before an escaped byte forms one character, as in every string', (t) => {
  const top = makeTree(t)
  fs.closeSync(open(`${top}/\ud83d\udcff`, 'w'))
  t.deepEqual(listdir(Buffer.from(top)), [Buffer.from('\u{1f4ff}')])
})

onLinux('a real U+FFFD is kept as it is', (t) => {
  const top = makeTree(t)
  const all = ['\ufffd', '\udcef\udcbf', 'a\ufffdb', '\ufffd\udc80', '\ufffd'.repeat(85)]
  for (const name of all) fs.closeSync(open(`${top}/${name}`, 'wx'))
  t.deepEqual(listdir(top).sort(), all.sort())
  t.true(fs.existsSync(`${top}/${'\ufffd'.repeat(85)}`))
  for (const name of all) unlink(`${top}/${name}`)
  t.deepEqual(listdir(top), [])
})

for (const character of ['n', 'é', '€', '\u{1f600}', '\ufffd', '\udcff']) {
  const bytes = character === '\udcff' ? Buffer.from([0xff]) : Buffer.from(character)
  onLinux(`opens paths of all lengths around 256 bytes, made of ${JSON.stringify(character)}`, (t) => {
    const top = makeTree(t)
    const dirFd = opened(t, top)
    // A directory makes the paths longer than a name may be.
    const first = 'd'.repeat(40)
    fs.mkdirSync(`${top}/${first}`)
    for (let length = 200; length <= 224; length++) {
      const count = Math.floor(length / bytes.length)
      const rest = 'x'.repeat(length - count * bytes.length)
      const path = `${first}/${character.repeat(count)}${rest}`
      const raw = Buffer.concat([Buffer.from(`${first}/`), ...Array(count).fill(bytes), Buffer.from(rest)])
      fs.closeSync(open(path, 'wx', { dirFd }))
      t.true(fs.existsSync(below(top, raw)), String(length))
      t.is(stat(path, { dirFd }).ino, stat(raw, { dirFd }).ino)
      unlink(path, { dirFd })
    }
  })
}

onLinux('paths up to PATH_MAX are accepted, and longer ones are ENAMETOOLONG', (t) => {
  const top = makeTree(t)
  const name = `${'é'.repeat(120)}\udcff`
  let path = top
  while (Buffer.byteLength(path) + 300 < 4096) {
    path += `/${name}`
    fs.mkdirSync(pathBytes(path))
  }
  t.true(stat(path).isDirectory())
  t.deepEqual([...fwalk(top)].at(-1)?.[0], path)
  const slashes = '/'.repeat(4095 - pathBytes(path).length)
  t.true(stat(path + slashes).isDirectory())
  t.throws(() => stat(`${path}${slashes}/`), { code: 'ENAMETOOLONG' })
  t.throws(() => stat('n'.repeat(2 ** 20)), { code: 'ENAMETOOLONG' })
})

const pathBytes = (path: string): Buffer =>
  Buffer.concat(
    path
      .split('\udcff')
      .flatMap((piece, index) => (index ? [Buffer.from([0xff])] : []).concat(Buffer.from(piece))),
  )
