// Tests copies of memory that another process writes continuously, on every runtime.
import test from 'ava'
import { copyFrom, Memfd, munmap } from 'fdkit'

import { notLinux, unless } from '../helpers/platform.js'
import { runOn, runtimes } from '../helpers/runtimes.js'

for (const { name, runtime, missing } of runtimes) {
  unless(notLinux || missing)(
    `${name}: a copy can be decoded and sorted while another process writes the memory`,
    async (t) => {
      if (runtime === undefined) throw new Error('skipped')
      const { lengths } = JSON.parse(await runOn(runtime, '__test__/helpers/torn-probe.mjs', '2000')) as {
        lengths: number
      }
      // The writer was running.
      t.true(lengths > 1)
    },
  )
}

const text = (bytes: Buffer) => bytes.toString()

test('a copy has the bytes of each kind of source, with an offset and a length', (t) => {
  const source = Uint8Array.from(Buffer.from('0123456789'))
  const shared = new SharedArrayBuffer(10)
  new Uint8Array(shared).set(source)
  const views = [
    source,
    source.buffer,
    shared,
    new DataView(source.buffer),
    Buffer.from(source),
    new Uint16Array(shared),
  ]
  for (const each of views) {
    t.is(text(copyFrom(each)), '0123456789')
    t.is(text(copyFrom(each, 3)), '3456789')
    t.is(text(copyFrom(each, 3, 4)), '3456')
    t.is(text(copyFrom(each, 10)), '')
    t.is(text(copyFrom(each, 0, 0)), '')
  }
  t.is(text(copyFrom(new Uint16Array(source.buffer, 2, 2), 1)), '345')
})

test('a copy shares memory neither with the source nor with another Buffer', (t) => {
  const source = Buffer.from('text')
  const copy = copyFrom(source)
  source[0] = 0x54
  t.is(text(copy), 'text')
  t.is(copy.buffer.byteLength, 4)
  t.true(Buffer.isBuffer(copy))
})

test('invalid arguments are errors like those of node:fs', (t) => {
  const source = new Uint8Array(4)
  for (const wrong of ['text', null, undefined, 5, {}, []]) {
    t.throws(() => copyFrom(wrong as never), {
      code: 'ERR_INVALID_ARG_TYPE',
      message: /^The "source" argument/,
    })
  }
  for (const [offset, length, name] of [
    [5, undefined, 'offset'],
    [-1, undefined, 'offset'],
    [1.5, undefined, 'offset'],
    [1, 4, 'length'],
    [0, -1, 'length'],
  ] as const) {
    t.throws(() => copyFrom(source, offset, length), {
      code: 'ERR_OUT_OF_RANGE',
      message: new RegExp(`"${name}"`),
    })
  }
  t.throws(() => copyFrom(source, '1' as never), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => copyFrom(source, 0, null as never), { code: 'ERR_INVALID_ARG_TYPE' })
})

unless(notLinux)('an unmapped buffer cannot be copied', (t) => {
  const memfd = Memfd.create('copied', { contents: 'text' })
  t.teardown(() => memfd.close())
  const buffer = memfd.map()
  const view = new Uint8Array(buffer)
  t.is(text(copyFrom(buffer, 1, 2)), 'ex')
  munmap(buffer)
  const detached = { code: 'ERR_INVALID_ARG_VALUE', message: /must not be detached or unmapped/ }
  t.throws(() => copyFrom(buffer), detached)
  // Using it as contents is an error too, and not silently ignored.
  for (const contents of [buffer, view]) {
    t.throws(() => memfd.write(contents), detached)
    t.throws(() => Memfd.create('none', { contents }), detached)
  }
})
