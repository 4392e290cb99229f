// A program that tests which side closes a descriptor, in the main thread and in a worker. Writes its
// findings as JSON.
import * as fs from 'node:fs'
import { once } from 'node:events'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

import * as fdkit from '../../dist/index.js'
import * as promises from '../../dist/promises.js'

const isOpen = (fd) => fs.existsSync(`/proc/self/fd/${fd}`)
const leads = (fd) => (isOpen(fd) ? fs.readlinkSync(`/proc/self/fd/${fd}`) : undefined)
const attempt = (call) => {
  try {
    return call()
  } catch (error) {
    return error.message
  }
}

async function findings() {
  const warnings = []
  process.on('warning', ({ message }) => warnings.push(message))
  const makers = {
    open: () => fdkit.open('/dev/zero'),
    dup: () => fdkit.dup(1),
    memfdCreate: () => fdkit.memfdCreate('probe'),
    'promises.open': () => promises.open('/dev/zero'),
    'promises.memfdCreate': () => promises.memfdCreate('probe'),
  }
  const closed = {}
  for (const [name, make] of Object.entries(makers)) {
    const fd = await make()
    const wasOpen = isOpen(fd)
    closed[name] = [wasOpen, attempt(() => fs.closeSync(fd)), isOpen(fd)]
  }

  const written = fdkit.memfdCreate('written', 0)
  const inheritable = [fdkit.getInheritable(written)]
  const count = attempt(() => fs.writeSync(written, 'text'))
  const text = attempt(() => fs.readFileSync(`/proc/self/fd/${written}`, 'utf8'))

  // A descriptor that node:fs opened, and one that fdkit opened.
  const taken = [written, fs.openSync(`/proc/self/fd/${written}`, 'r+')].map((fd) => {
    const memfd = fdkit.Memfd.from(fd)
    inheritable.push(fdkit.getInheritable(memfd.fd))
    const copy = memfd.fd
    const [path, text] = [leads(fd), memfd.read().toString()]
    memfd.close()
    return [path, text, copy === fd, isOpen(copy)]
  })
  await new Promise((resolve) => setTimeout(resolve, 20))
  return { closed, count, text, taken, inheritable, warnings }
}

if (isMainThread) {
  const main = await findings()
  const results = {}
  for (const trackUnmanagedFds of [true, false]) {
    const worker = new Worker(new URL(import.meta.url), { trackUnmanagedFds, workerData: 0 })
    const [found] = await once(worker, 'message')
    // Reuses each number that the worker took over and closed.
    const others = Array.from({ length: 20 }, () => fs.openSync('/dev/null', 'r'))
    worker.postMessage('end')
    await once(worker, 'exit')
    results[trackUnmanagedFds] = {
      found: found.findings,
      left: found.left.map(leads),
      others: others.map(leads),
    }
    for (const fd of others) fs.closeSync(fd)
  }
  console.log(JSON.stringify({ main, ...results }))
} else {
  void workerData
  const found = await findings()
  const left = [fdkit.open('/dev/zero'), fdkit.dup(2), await promises.open('/dev/zero')]
  parentPort.postMessage({ findings: found, left })
  await once(parentPort, 'message')
  process.exit()
}
