// Tests a Memfd as a JavaScript object: inspection, cloning, streams, blobs, and creation from chunks.
import * as fs from 'node:fs'
import { Readable } from 'node:stream'
import { inspect } from 'node:util'

import test from 'ava'
import { Memfd, memfdCreate, type SyncContents } from 'fdkit'
import { createMemfd, type AsyncContents } from 'fdkit/promises'

import { child } from '../helpers/child.js'
import { notLinux, unless } from '../helpers/platform.js'
import { runOn, runtimes } from '../helpers/runtimes.js'

const onLinux = unless(notLinux, test.serial)

// The Memfds of earlier tests may be collected at any time, so descriptors are counted by name.
const countOpen = (name: string) =>
  fs.readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return fs.readlinkSync(`/proc/self/fd/${fd}`).startsWith(`/memfd:${name} `)
    } catch {
      return false
    }
  }).length

const text = (memfd: Pick<Memfd, 'read'>) => memfd.read().toString()

for (const { name, runtime, missing } of runtimes) {
  unless(notLinux || missing)(
    `${name}: a Memfd can be inspected, streamed and read as a Blob, and cannot be cloned`,
    async (t) => {
      if (runtime === undefined) throw new Error('skipped')
      const found = JSON.parse(await runOn(runtime, '__test__/helpers/object-probe.mjs')) as Record<
        string,
        unknown
      >
      const shown = String(found['shown'])
        .replaceAll(/[\s,"]+/g, ' ')
        .replaceAll("'", '')
      t.regex(shown, /^Memfd \{ name: object size: 240000 seals: \[ exec \] fd: N \}$/)
      t.is(found['closed'], 'Memfd { closed }')
      for (const how of ['cloned', 'posted', 'postedToWorker', 'workerData']) {
        const [error, , message] = found[how] as [string, unknown, string]
        // Deno uses another name for the error when the Memfd is posted to a worker.
        t.is(error, name === 'deno' && how === 'postedToWorker' ? 'TypeError' : 'DataCloneError', how)
        // The message of JavaScriptCore does not name the object that cannot be cloned.
        if (name !== 'bun') t.regex(message, /share\(\).* fd/, how)
      }
      for (const what of ['response', 'blobAfterClose', 'fromResponse', 'fromBlob', 'fromStream'])
        t.is(found[what], true, what)
      t.deepEqual(found['chunks'], [true, true])
      t.is(found['byob'], '<h1>\u{fffd}')
      // Bun appends a charset.
      const [isBlob, isWhole, type, isSame] = found['blob'] as [boolean, boolean, string, boolean]
      t.deepEqual([isBlob, isWhole, type.split(';')[0], isSame], [true, true, 'text/html', true])
    },
  )
}

onLinux(
  'inspect prints names of every kind, respects depth, and reports a descriptor that was closed elsewhere',
  (t) => {
    for (const [name, shown] of [
      ['plain', 'plain'],
      ['', ''],
      ['a (deleted)', 'a (deleted)'],
      ['two\nlines', 'two\nlines'],
      [Buffer.from([0x61, 0xff]), 'a\udcff'],
    ] as const) {
      using memfd = Memfd.create(name)
      t.is(memfd.name, shown)
      t.true(inspect(memfd).includes(`name: ${inspect(shown)}`))
      t.is(inspect({ memfd }, { depth: 0 }), '{ memfd: [Memfd] }')
    }
    using other = Memfd.from(memfdCreate('other'))
    t.is(other.name, 'other')
    const script = `
    const memfd = fdkit.Memfd.create('stolen')
    fs.closeSync(memfd.fd)
    const { inspect } = process.getBuiltinModule('node:util')
    answer(inspect(memfd))
  `
    t.regex(child<string>(script), /^Memfd \{ name: 'ENOENT', size: 'EBADF', seals: 'EBADF', fd: \d+ \}$/)
  },
)

onLinux('a Proxy over a Memfd, and an object that inherits from one, can be shown', (t) => {
  using memfd = Memfd.create('behind')
  t.notThrows(() => inspect(new Proxy(memfd, {})))
  t.notThrows(() => inspect(Object.create(memfd)))
})

onLinux('spreading, comparing and serializing a Memfd to JSON do not throw', (t) => {
  using memfd = Memfd.create('harmless')
  t.notThrows(() => ({ ...memfd }))
  t.is(JSON.stringify(memfd), '{}')
  t.deepEqual(memfd, memfd)
})

onLinux('a stream fails if its Memfd is closed, and reads what is appended to the file', async (t) => {
  const memfd = Memfd.create('streamed', { size: 100_000 })
  const reader = memfd.stream().getReader()
  t.is((await reader.read()).value?.length, 65_536)
  memfd.truncate(200_000)
  let rest = 0
  for (let read = await reader.read(); !read.done; read = await reader.read()) rest += read.value.length
  t.is(rest, 200_000 - 65_536)
  const late = memfd.stream().getReader()
  await late.read()
  await late.read()
  await late.read()
  memfd.close()
  await t.throwsAsync(
    async () => {
      for (;;) if ((await late.read()).done) return
    },
    { code: 'ERR_INVALID_STATE' },
  )
})

onLinux('blob rejects invalid options', (t) => {
  using memfd = Memfd.create('blob', { contents: 'text' })
  t.is(memfd.blob().type, '')
  t.throws(() => memfd.blob({ type: 5 } as never), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => memfd.blob({ typ: 'x' } as never), { code: 'ERR_INVALID_ARG_VALUE' })
})

function* generate(): Iterable<string | Uint8Array> {
  yield 'one, '
  yield new Uint8Array()
  yield Buffer.from('two')
  yield new Uint16Array([0x2c20, 0x2033]).buffer.slice(0, 1) as never
}

const sync: [SyncContents, string][] = [
  ['whole', 'whole'],
  [['a', Buffer.from('b'), new DataView(new ArrayBuffer(1))], 'ab\0'],
  [generate(), 'one, two '],
  [new Set(['x', 'y']), 'xy'],
  [[], ''],
]

onLinux(
  'create accepts contents in chunks, synchronously and by promise, with and without a size',
  async (t) => {
    for (const [contents, expected] of sync) {
      // A generator can be iterated only once.
      const pieces = typeof contents === 'string' ? contents : [...(contents as Iterable<string>)]
      for (const size of [undefined, 100]) {
        const padded = expected.padEnd(size ?? 0, '\0')
        t.is(text(Memfd.create('pieces', { contents: pieces, size })), padded)
        t.is(text(await createMemfd('pieces', { contents: pieces, size })), padded)
      }
    }
    async function* later() {
      for (const piece of generate()) {
        await new Promise((resolve) => setTimeout(resolve, 1))
        yield piece
      }
    }
    const awaited: AsyncContents[] = [
      later(),
      Readable.from(generate()),
      new Response('one, two '),
      new Request('http://localhost', { method: 'POST', body: 'one, two ' }),
      new Blob(['one, ', 'two ']),
      new ReadableStream({
        start: (controller) =>
          [...generate(), undefined].forEach((piece) =>
            piece ? controller.enqueue(piece) : controller.close(),
          ),
      }) as never,
      [Promise.resolve('one, '), 'two '] as never,
    ]
    for (const [index, contents] of awaited.entries()) {
      const memfd = await createMemfd('later', { contents, sealing: false })
      t.is(text(memfd), 'one, two ', String(index))
      t.deepEqual(memfd.seals.includes('seal'), true)
      memfd.close()
    }
    t.is(text(await createMemfd('none', { contents: new Response(null, { status: 204 }) })), '')
    t.is((await createMemfd('empty')).size, 0)
  },
)

onLinux('a large file is reserved chunk by chunk, and contents beyond its size are an error', async (t) => {
  const piece = Buffer.alloc(2 ** 20, 'x')
  using large = Memfd.create('large', { contents: Array.from({ length: 40 }, () => piece) })
  t.is(large.size, 40 * 2 ** 20)
  t.is(large.read(Buffer.alloc(1), large.size - 1)[0], 0x78)
  for (const contents of [['abc', 'de'], 'abcde']) {
    const tooSmall = {
      code: 'ERR_OUT_OF_RANGE',
      message: /"options\.size" is out of range. It must be >= 5. Received 4/,
    }
    t.throws(() => Memfd.create('small', { contents, size: 4 }), tooSmall)
    await t.throwsAsync(createMemfd('small', { contents, size: 4 }), tooSmall)
  }
  t.is(countOpen('small'), 0)
})

onLinux('a failure in the middle closes the file and the iterator', async (t) => {
  const returned: string[] = []
  function* failing(name: string, last: unknown) {
    try {
      yield 'fine'
      yield last as string
      throw new Error('of the iterator')
    } finally {
      returned.push(name)
    }
  }
  t.throws(() => Memfd.create('failing', { contents: failing('throws', 'more') }), {
    message: 'of the iterator',
  })
  t.throws(() => Memfd.create('failing', { contents: failing('wrong', 5) }), { code: 'ERR_INVALID_ARG_TYPE' })
  await t.throwsAsync(createMemfd('failing', { contents: failing('throws later', 'more') }), {
    message: 'of the iterator',
  })
  await t.throwsAsync(createMemfd('failing', { contents: failing('wrong later', null) }), {
    code: 'ERR_INVALID_ARG_TYPE',
  })
  t.deepEqual(returned, ['throws', 'wrong', 'throws later', 'wrong later'])
  for (const contents of [5, {}, null, true, { body: 5 }]) {
    t.throws(() => Memfd.create('wrong', { contents } as never), {
      code: 'ERR_INVALID_ARG_TYPE',
      message: /"options\.contents"/,
    })
    await t.throwsAsync(createMemfd('wrong', { contents } as never), {
      code: 'ERR_INVALID_ARG_TYPE',
      message: /"options\.contents"/,
    })
  }
  t.deepEqual([countOpen('failing'), countOpen('wrong')], [0, 0])
})

onLinux('a signal aborts the creation immediately, cancels the stream and closes the file', async (t) => {
  let canceled = false
  const endless = new ReadableStream({
    pull: () => new Promise(() => {}),
    cancel: () => void (canceled = true),
  })
  const controller = new AbortController()
  const { signal } = controller
  setTimeout(() => controller.abort(), 20)
  await t.throwsAsync(createMemfd('aborted', { contents: endless as never, signal }), { name: 'AbortError' })
  await new Promise((resolve) => setTimeout(resolve, 5))
  t.true(canceled)
  let asked = 0
  const counting = {
    [Symbol.asyncIterator]: () => ({ next: async () => ({ done: asked++ > 0, value: 'x' }) }),
  }
  await t.throwsAsync(createMemfd('aborted', { contents: counting, signal }), { name: 'AbortError' })
  t.is(asked, 0)
  t.is(countOpen('aborted'), 0)
})
