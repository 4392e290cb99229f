// Tests that two copies of the package in one process accept each other's symbols, hooks, buffers and
// descriptors.
import * as fs from 'node:fs'

import { child, packageRoot } from '../helpers/child.js'
import { notLinux, unless } from '../helpers/platform.js'
import { makeTree } from '../helpers/tree.js'
import { addonPath } from '../../scripts/platform.mjs'

const onLinux = unless(notLinux)

/** Runs a program with the copies `one` and `two`. Its prelude imports a third one. */
function withTwo<T>(t: Parameters<typeof makeTree>[0], script: string): T {
  const top = makeTree(t, { cwd: { file: '' } })
  const copies = ['one', 'two'].map((name) => {
    const copy = `${top}/${name}/node_modules/fdkit`
    fs.mkdirSync(`${copy}/npm/x`, { recursive: true })
    fs.cpSync(`${packageRoot}/dist`, `${copy}/dist`, { recursive: true })
    fs.copyFileSync(`${packageRoot}/package.json`, `${copy}/package.json`)
    // A copied file is loaded as a separate library with its own statics.
    fs.copyFileSync(`${packageRoot}/${addonPath()}`, `${copy}/addon.node`)
    return copy
  })
  const start = copies.map(
    (copy, index) => `
    process.env.FDKIT_ADDON = ${JSON.stringify(`${copy}/addon.node`)}
    const ${['one', 'two'][index]} = await import(${JSON.stringify(`${copy}/dist/index.js`)})
    const ${['onePromises', 'twoPromises'][index]} = await import(${JSON.stringify(`${copy}/dist/promises.js`)})
  `,
  )
  return child<T>(`process.chdir(args[0])\n${start.join('')}\n${script}`, { args: [`${top}/cwd`] })
}

onLinux('the two copies are separate modules', (t) => {
  const maps = withTwo<string[]>(
    t,
    `
    const lines = fs.readFileSync('/proc/self/maps', 'utf8').split('\\n').filter((line) => line.endsWith('addon.node'))
    answer([String(one.stat === two.stat), ...new Set(lines.map((line) => line.slice(line.indexOf('/'))))])
  `,
  )
  t.is(maps[0], 'false')
  t.is(maps.length, 3)
})

onLinux('both copies use the same symbols for times', (t) => {
  const found = withTwo(
    t,
    `
    two.utime('file', { times: [one.UTIME_OMIT, one.UTIME_NOW] })
    one.utime('file', { ns: [two.UTIME_NOW, two.UTIME_OMIT] })
    answer([one.UTIME_NOW === two.UTIME_NOW, one.UTIME_OMIT === two.UTIME_OMIT])
  `,
  )
  t.deepEqual(found, [true, true])
})

onLinux('a hook that one copy adds receives events of the other, imported before or after', (t) => {
  const found = withTwo(
    t,
    `
    const heard = []
    fdkit.addAuditHook((event, [path]) => heard.push('fdkit ' + event))
    one.addAuditHook((event, [path]) => { heard.push('one ' + event); if (path === 'file') throw new Error('refused') })
    two.addAuditHook((event) => heard.push('two ' + event))
    const attempt = (call) => { try { call() } catch (error) { heard.push(error.message) } }
    attempt(() => two.unlink('file'))
    attempt(() => one.unlink('none'))
    await twoPromises.unlink('file').catch((error) => heard.push(error.message))
    process.env.FDKIT_ADDON = ''
    answer([heard, fs.existsSync('file'), Object.keys(globalThis).filter((name) => /fdkit/.test(name))])
  `,
  )
  t.deepEqual(found, [
    [
      'fdkit sys.addaudithook',
      'fdkit sys.addaudithook',
      'one sys.addaudithook',
      'fdkit os.remove',
      'one os.remove',
      'refused',
      'fdkit os.remove',
      'one os.remove',
      'two os.remove',
      "ENOENT: no such file or directory, unlinkat 'none'",
      'fdkit os.remove',
      'one os.remove',
      'refused',
    ],
    true,
    [],
  ])
})

onLinux('a hook cannot be removed from the shared registry', (t) => {
  const found = withTwo(
    t,
    `
    let heard = 0
    one.addAuditHook(() => heard++)
    const [key] = Object.getOwnPropertySymbols(globalThis).filter((symbol) => /fdkit/.test(String(symbol)))
    const attempts = [
      () => { globalThis[key] = undefined },
      () => { delete globalThis[key] },
      () => { globalThis[key].addHook = () => {} },
      () => Object.defineProperty(globalThis, key, { value: {} }),
    ]
    for (const attempt of attempts) try { attempt() } catch {}
    two.listdir('.')
    answer(heard)
  `,
  )
  t.is(found, 1)
})

onLinux('one copy can unmap, and wait on, a buffer that the other has mapped', (t) => {
  const found = withTwo(
    t,
    `
    const seen = []
    const memfd = one.Memfd.create('x', { size: 4096 })
    const buffer = memfd.map()
    const words = new Int32Array(buffer)
    seen.push(two.futexWait(words, 0, 1), two.futexWait(words, 0, 0, 5), two.futexWake(words, 0))
    const wait = twoPromises.futexWaitAsync(words, 0, 0)
    Atomics.store(words, 0, 1)
    one.futexWake(words, 0)
    seen.push(await wait)
    two.munmap(buffer)
    seen.push(buffer.byteLength)
    try { two.munmap(buffer) } catch (error) { seen.push(error.code) }
    try { two.munmap(new ArrayBuffer(8)) } catch (error) { seen.push(error.code) }
    memfd.close()
    answer(seen)
  `,
  )
  t.deepEqual(found, ['not-equal', 'timed-out', 0, 'ok', 0, 'ERR_INVALID_ARG_VALUE', 'ERR_INVALID_ARG_VALUE'])
})

onLinux('one copy accepts a Memfd of the other, and a descriptor that its walk yields', (t) => {
  const found = withTwo(
    t,
    `
    const memfd = one.Memfd.create('x', { contents: 'four' })
    const sizes = [two.stat(memfd).size, new Uint8Array(two.mmap(memfd)).length]
    for (const [, , files, dirFd] of one.fwalk('.')) sizes.push(...files.map((name) => two.stat(name, { dirFd }).size))
    answer(sizes)
  `,
  )
  t.deepEqual(found, [4, 4, 0])
})

onLinux('both copies have sockets, each with a poll thread of its own, and they talk to each other', (t) => {
  const found = withTwo(
    t,
    `
    const [a, b] = one.socketpair()
    const [left, right] = [onePromises.FdSocket.from(a), twoPromises.FdSocket.from(b)]
    const receiving = right.receive()
    const fd = two.memfdCreate('x')
    await left.send('from one', [fd, left])
    const message = await receiving
    const through = twoPromises.FdSocket.from(message.fds[1])
    fs.closeSync(message.fds[0])
    await through.send('once more')
    const back = await right.receive()
    const waiting = left.receive({ signal: AbortSignal.timeout(20) }).catch((error) => error.name)
    answer([message.data.toString(), message.fdCount, back.data.toString(), await waiting])
  `,
  )
  t.deepEqual(found, ['from one', 2, 'once more', 'AbortError'])
})
