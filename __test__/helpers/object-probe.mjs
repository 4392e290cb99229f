// A program that inspects, clones, posts and streams a Memfd, and creates one from a body. Writes its
// findings as JSON.
import { Worker } from 'node:worker_threads'
import { inspect } from 'node:util'

import { Memfd } from '../../dist/index.js'
import { createMemfd } from '../../dist/promises.js'

const attempt = async (call) => {
  try {
    return await call()
  } catch (error) {
    return [error.name, error.code ?? null, error.message]
  }
}

const text = '<h1>€</h1>'.repeat(20_000)
const memfd = Memfd.create('object', { contents: text })
const findings = { shown: inspect(memfd).replace(String(memfd.fd), 'N') }
findings.cloned = await attempt(() => structuredClone(memfd))
const { port1 } = new MessageChannel()
findings.posted = await attempt(() => port1.postMessage({ nested: [memfd] }))
port1.close()
const worker = new Worker('0', { eval: true })
findings.postedToWorker = await attempt(() => worker.postMessage(memfd))
findings.workerData = await attempt(() => new Worker('0', { eval: true, workerData: memfd }))
worker.terminate()

findings.response = (await new Response(memfd.stream()).text()) === text
const chunks = []
for await (const chunk of memfd.stream()) chunks.push(chunk)
findings.chunks = [Buffer.concat(chunks).toString() === text, chunks.every((chunk) => chunk.length <= 65_536)]
const reader = memfd.stream().getReader({ mode: 'byob' })
const { value } = await reader.read(new Uint8Array(5))
findings.byob = Buffer.from(value).toString()
await reader.cancel()

const blob = memfd.blob({ type: 'text/html' })
memfd.write('<h2>')
findings.blob = [blob instanceof Blob, blob.size === memfd.size, blob.type, (await blob.text()) === text]
memfd.close()
findings.blobAfterClose = (await blob.slice(0, 4).text()) === '<h1>'

const made = await createMemfd('body', { contents: new Response(blob) })
findings.fromResponse = made.read().toString() === text
findings.fromBlob = (await createMemfd('body', { contents: blob })).read().toString() === text
findings.fromStream = (await createMemfd('body', { contents: made.stream() })).read().toString() === text
findings.closed = inspect(memfd)
console.log(JSON.stringify(findings))
process.exit()
