// One array, several processes: each works on its part of it in place, and nothing is copied.
//
//   node --import @oxc-node/core/register examples/children.ts
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

  const program = [...process.execArgv, fileURLToPath(import.meta.url)]
  const run = async (number: number) => {
    const stdio = ['ignore', 'inherit', 'inherit', memfd.fd] as const
    const child = spawn(process.execPath, [...program, `${number}`], { stdio: [...stdio] })
    const [code] = await once(child, 'exit')
    if (code !== 0) throw new Error(`child ${number} has failed`)
  }
  await Promise.all(Array.from({ length: CHILDREN }, (_, number) => run(number)))

  console.log(numbers.reduce((sum, root) => sum + root, 0))
  memfd.close()
}

function child(number: number) {
  // The descriptor is this process's own: `from` takes it over.
  const memfd = Memfd.from(3)
  const part = new Float64Array(memfd.map()).subarray(number * PART, (number + 1) * PART)
  for (const [index, square] of part.entries()) part[index] = Math.sqrt(square)
}

const number = process.argv[2]
if (number === undefined) await parent()
else child(Number(number))
