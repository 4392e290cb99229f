// A program that creates, maps, shares, unmaps, transfers and closes memory files in random order. Its
// arguments are the URL of fdkit, the seed, the number of sequences, and how it ends. It is plain
// JavaScript for every runtime. It prints the number of completed sequences and of remaining mappings.
import * as fs from 'node:fs'
import process from 'node:process'
import { Worker } from 'node:worker_threads'

const [path, seed, count, end] = process.argv.slice(2)
const fdkit = await import(path)
const { Memfd, mmap, mmapShared, munmap, futexWait, futexWake, supportsSharedMapping } = fdkit
const promisesPath = path.replace('index.js', 'promises.js')
const { futexWaitAsync } = await import(promisesPath)

// xorshift
let state = Number(seed) | 1
function random(below) {
  state ^= state << 13
  state ^= state >>> 17
  state ^= state << 5
  return (state >>> 0) % below
}

const page = fdkit.getpagesize()
const codes = /^(ERR_\w+|E[A-Z]+|ABORT_ERR)$/
let ended = 0
// These buffers outlive their sequences, which reveals a mapping that is unmapped too early or twice.
const survivors = []
const pending = new Set()

/** Runs an action, which may fail only with an error of fdkit or of the system. */
function attempt(action) {
  try {
    return action()
  } catch (error) {
    const isEngines = /detach|length|out of bounds|cloned|transfer/i.test(error.message)
    if (!codes.test(error.code) && !isEngines) throw error
    return undefined
  }
}

function touch(buffer) {
  const bytes = new Uint8Array(buffer)
  if (bytes.length === 0) return
  bytes[0]++
  bytes[bytes.length - 1]++
}

function sequence() {
  const memfds = []
  const buffers = []
  const steps = [
    () => memfds.push(Memfd.create('x', { size: (1 + random(4)) * page, sealing: random(4) > 0 })),
    () => memfds.push(Memfd.create('x', { contents: 'text'.repeat(1 + random(3000)) })),
    () => memfds.push(Memfd.from(fdkit.dup(pick(memfds).fd))),
    () => buffers.push(pick(memfds).map()),
    // Files never shrink below this size.
    () => buffers.push(pick(memfds).map({ allowShrink: true, length: 1 + random(4) })),
    () => buffers.push(pick(memfds).map({ offset: random(3) * page, length: 1 + random(2 * page) })),
    () => buffers.push(pick(memfds).map({ writable: random(2) === 0 })),
    () => buffers.push(mmap(pick(memfds).fd)),
    () => supportsSharedMapping && buffers.push(pick(memfds).share()),
    () => supportsSharedMapping && buffers.push(mmapShared(pick(memfds).fd, { length: 1 + random(page) })),
    () => munmap(pick(buffers)),
    () => pick(memfds).unmap(pick(buffers)),
    () => structuredClone(pick(buffers), { transfer: [pick(buffers)] }),
    () => touch(pick(buffers)),
    () => touch(pick(buffers)),
    () => pick(memfds).seal(pick(['seal', 'shrink', 'grow', 'write', 'futureWrite'])),
    () => pick(memfds).write('written', random(page)),
    () => pick(memfds).read(),
    () => pick(memfds).truncate((4 + random(3)) * page),
    () => pick(memfds).close(),
    () => memfds.splice(random(memfds.length), 1),
    () => buffers.splice(random(buffers.length), 1),
    () => futexWait(new Int32Array(pick(buffers), 0, 1), 0, 5, 0),
    () => futexWake(new Int32Array(pick(buffers), 0, 1), 0),
    () => {
      const signal = random(2) ? AbortSignal.timeout(random(5)) : undefined
      const wait = futexWaitAsync(new Int32Array(pick(buffers), 0, 1), 0, 0, { timeout: random(20), signal })
      pending.add(wait)
      wait
        .catch((error) => codes.test(error.code) || fs.writeSync(2, String(error)))
        .finally(() => pending.delete(wait))
    },
    () => random(8) === 0 && globalThis.gc?.(),
  ]
  // If there is nothing to pick, the engine throws a TypeError.
  const pick = (list) => list[random(list.length)] ?? fail()
  const fail = () => {
    throw Object.assign(new Error('nothing yet'), { code: 'ERR_NOTHING' })
  }
  const most = 3 + random(30)
  for (let step = 0; step < most; step++) attempt(pick(steps))
  survivors.push(...buffers.splice(0, 2))
  if (survivors.length > 20) survivors.splice(random(20), 2)
  for (const buffer of survivors) attempt(() => touch(buffer))
  if (random(2)) for (const memfd of memfds) attempt(() => memfd.close())
}

function inWorker(how) {
  const program = `
    const { workerData: { path, promisesPath, buffers } } = require('node:worker_threads')
    Promise.all([import(path), import(promisesPath)]).then(([{ Memfd, futexWait, supportsSharedMapping }, { futexWaitAsync }]) => {
      const memfds = Array.from({ length: 5 }, () => Memfd.create('in a worker', { size: 8192 }))
      globalThis.kept = [...memfds, ...memfds.map((memfd) => memfd.map()), ...buffers]
      if (supportsSharedMapping) require('node:worker_threads').parentPort.postMessage(memfds.map((memfd) => memfd.share()))
      memfds[0].close()
      for (const buffer of buffers) futexWaitAsync(new Int32Array(buffer, 0, 1), 0, 0)
      ${how === 'exit' ? 'process.exit()' : how === 'throw' ? "throw new Error('in a worker')" : how === 'wait' ? 'futexWait(new Int32Array(memfds[1].map()), 0, 0)' : ''}
    })`
  const memfd = Memfd.create('for a worker', { size: page })
  const buffers = supportsSharedMapping ? [memfd.share()] : []
  const worker = new Worker(program, { eval: true, workerData: { path, promisesPath, buffers } })
  return new Promise((resolve) => {
    // A buffer that outlives its worker.
    worker.on('message', (shared) => shared.forEach(touch))
    worker.on('error', () => {})
    worker.on('exit', resolve)
    if (how === 'terminate' || how === 'wait') setTimeout(() => worker.terminate(), 30)
    else if (how === 'end') setTimeout(() => worker.terminate(), 1000)
  })
}

const turn = () => new Promise((resolve) => setTimeout(resolve))
const many = Number(count)
for (; ended < many; ended++) {
  sequence()
  if (ended % 5 === 0) await turn()
  if (ended % 250 === 125) await inWorker(['exit', 'throw', 'terminate', 'wait'][Math.floor(ended / 250) % 4])
  if (end === 'exit' && ended === many >> 1) {
    inWorker('terminate')
    fs.writeSync(1, JSON.stringify({ ended }))
    process.exit(0)
  }
}
survivors.length = 0
await Promise.all([...pending].map((wait) => wait.catch(() => {})))
for (let i = 0; i < 5; i++) {
  globalThis.gc?.()
  globalThis.Bun?.gc(true)
  await turn()
}
const mapped = fs
  .readFileSync('/proc/self/maps', 'utf8')
  .split('\n')
  .filter((line) => line.includes('/memfd:')).length
fs.writeSync(1, JSON.stringify({ ended, mapped, fds: fs.readdirSync('/proc/self/fd').length }))
process.exit(0)
