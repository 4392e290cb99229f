// A program that tests how a runtime handles buffers over mappings. Writes its findings as JSON.
import * as fs from 'node:fs'

import { Memfd, mmap, mmapShared, munmap, supportsSharedMapping } from '../../dist/index.js'

const count = () => fs.readFileSync('/proc/self/maps', 'latin1').split('/memfd:probe').length - 1
const attempt = (call) => {
  try {
    return call()
  } catch (error) {
    return error.name === 'DataCloneError' ? error.name : error.code
  }
}
const text = (buffer) => String.fromCharCode(...new Uint8Array(buffer))

const memfd = Memfd.create('probe', { contents: 'text' })
const findings = {}

const buffer = mmap(memfd.fd)
const view = new Uint8Array(buffer)
view[0] = 84
findings.mapped = [text(buffer), memfd.read().toString(), count()]
munmap(buffer)
findings.unmapped = [buffer.byteLength, view.length, count(), attempt(() => munmap(buffer))]

const cloned = mmap(memfd.fd)
const clone = structuredClone(cloned)
new Uint8Array(clone)[0] = 33
findings.clone = [text(clone), text(cloned), attempt(() => munmap(clone)), cloned.byteLength]
const transferred = attempt(() => structuredClone(cloned, { transfer: [cloned] }))
findings.transfer = typeof transferred === 'string' ? transferred : 'transferred'
findings.afterTransfer = [cloned.byteLength, attempt(() => munmap(cloned)) ?? 'unmapped', count()]

// Node.js 20 lacks ArrayBuffer.prototype.transfer.
if (typeof ArrayBuffer.prototype.transfer === 'function') {
  const first = mmap(memfd.fd)
  const before = count()
  findings.transferMethod = attempt(() => first.transfer())
  const second = ArrayBuffer.prototype.transfer.call(first)
  findings.moved = [
    attempt(() => munmap(first)),
    text(second),
    attempt(() => munmap(second)),
    before - count(),
  ]
  findings.movedTwice = attempt(() => munmap(second))
}

for (const size of [2 ** 31, 2 ** 32, 5 * 2 ** 30]) {
  const large = Memfd.create('large')
  large.truncate(size)
  const mapping = attempt(() => large.map())
  if (mapping instanceof ArrayBuffer) {
    const last = new Uint8Array(mapping, size - 1)
    last[0] = 42
    findings[size] = [mapping.byteLength, large.read(Buffer.alloc(1), size - 1)[0]]
    munmap(mapping)
  } else {
    findings[size] = mapping
  }
  // Node.js requires this.
  large.close()
}

findings.supportsSharedMapping = supportsSharedMapping
try {
  const shared = mmapShared(memfd.fd)
  const bytes = new Uint8Array(shared)
  Atomics.store(bytes, 1, 69)
  findings.shared = [shared instanceof SharedArrayBuffer, shared.byteLength, memfd.read().toString()]
} catch (error) {
  findings.shared = error.message
}
memfd.close()
console.log(JSON.stringify(findings))
