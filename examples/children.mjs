// @ts-check
// Lets several processes work on one array, each on its own part. They work in place, and nothing
// is copied.
//
//   node examples/children.mjs
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { Memfd } from 'fdkit'

const COUNT = 1_000_000
const CHILDREN = 4
const PART = COUNT / CHILDREN

async function parent() {
  const memfd = Memfd.create('numbers', { size: COUNT * Float64Array.BYTES_PER_ELEMENT })
  const numbers = new Float64Array(memfd.map())
  for (let index = 0; index < COUNT; index++) numbers[index] = index ** 2

  const children = Array.from({ length: CHILDREN }, async (_, number) => {
    const child = spawn(process.execPath, [fileURLToPath(import.meta.url), `${number}`], {
      stdio: ['ignore', 'inherit', 'inherit', memfd.fd],
    })
    const [code, signal] = await once(child, 'exit')
    if (code !== 0) throw new Error(`child ${number} ended with ${signal ?? code}`)
  })
  await Promise.all(children)

  console.log(numbers.reduce((sum, root) => sum + root, 0))
  memfd.close()
}

/** @param {number} number */
function child(number) {
  // This process owns the descriptor: `from` takes it over.
  const memfd = Memfd.from(3)
  const part = new Float64Array(memfd.map()).subarray(number * PART, (number + 1) * PART)
  for (const [index, square] of part.entries()) part[index] = Math.sqrt(square)
}

const number = process.argv[2]
try {
  if (number === undefined) await parent()
  else child(Number(number))
} catch (error) {
  console.error(`children: ${/** @type {Error} */ (error).message}`)
  process.exitCode = 1
}
