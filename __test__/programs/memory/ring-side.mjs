// One side of a ring. A message contains its writer, its number, and bytes that are derived from both.
import { writeSync } from 'node:fs'

import { Memfd } from 'fdkit'

const [role, name, module] = process.argv.slice(2)
// The class is an example of the guide.
const { Ring } = await import(String(module))
const ring = new Ring(Memfd.from(3))
const say = (line) => writeSync(1, line + '\n')
const idle = new Int32Array(new SharedArrayBuffer(4))
const pause = () => Math.random() < 0.02 && Atomics.wait(idle, 0, 0, Math.random() * 3)

function message(writer, number) {
  const length = 8 + (((number * 2654435761) >>> 0) % 1500)
  const bytes = Buffer.alloc(length, (writer * 31 + number) & 255)
  bytes.writeUInt32LE(writer, 0)
  bytes.writeUInt32LE(number, 4)
  return bytes
}

if (role === 'writer') {
  for (let number = 0; ; number++) {
    pause()
    while (!ring.write(message(Number(name), number), 200)) say('timed-out')
    if (number % 20 === 0) say('wrote')
  }
} else {
  let last = [-1, -1]
  for (let count = 1; ; count++) {
    pause()
    let bytes
    while ((bytes = ring.read(200)) === undefined) say('timed-out')
    const read = Buffer.from(bytes)
    const [writer, number] = [read.readUInt32LE(0), read.readUInt32LE(4)]
    if (!read.equals(message(writer, number))) {
      say('torn')
      process.exit(1)
    }
    const follows = writer === last[0] ? number === last[1] + 1 : writer > last[0]
    if (last[0] !== -1 && (!follows || (writer !== last[0] && number !== 0))) {
      say('lost')
      process.exit(1)
    }
    last = [writer, number]
    if (count % 20 === 0) say('read')
  }
}
