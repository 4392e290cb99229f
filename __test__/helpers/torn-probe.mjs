// A program that decodes memory that another process writes continuously, for a number of milliseconds:
// from a copy, or in place ("raw") to see the crash that the documentation warns about.
import { spawn } from 'node:child_process'

import { copyFrom, Memfd, supportsSharedMapping } from '../../dist/index.js'

const [time = '1000', how = 'copy', path] = process.argv.slice(2)
const SIZE = 65_536

if (path !== undefined) {
  // The writer alternates between one-byte characters, three-byte characters and invalid UTF-8.
  const bytes = new Uint8Array(Memfd.from(process.getBuiltinModule('node:fs').openSync(path, 'r+')).map())
  const patterns = ['a'.repeat(SIZE), '€'.repeat(SIZE / 3)].map((text) => Buffer.from(text))
  patterns.push(Buffer.alloc(SIZE, 0xe2))
  const until = performance.now() + Number(time)
  console.log('ready')
  while (performance.now() < until) for (const pattern of patterns) bytes.set(pattern)
} else {
  const memfd = Memfd.create('torn', { size: SIZE })
  const memories = [memfd.map(), ...(supportsSharedMapping ? [memfd.share()] : [])]
  const start = process.versions.deno ? ['run', '--allow-all', '--quiet'] : []
  const args = [...start, process.argv[1], String(Number(time) + 500), how, memfd.path]
  const writer = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((resolve) => writer.stdout.once('data', resolve))
  const until = performance.now() + Number(time)
  const decoder = new TextDecoder()
  const seen = new Set()
  for (let round = 0; performance.now() < until; round++) {
    const memory = memories[round % memories.length]
    const bytes = how === 'raw' ? Buffer.from(memory) : copyFrom(memory, 0, SIZE)
    seen.add(bytes.toString().length)
    seen.add(decoder.decode(bytes).length)
    bytes.sort()
    if (how === 'raw') continue
    if (copyFrom(new Uint16Array(memory, 2, 100), 4).length !== 196) throw new Error('a length is wrong')
  }
  writer.kill()
  console.log(JSON.stringify({ lengths: seen.size }))
  process.exit()
}
