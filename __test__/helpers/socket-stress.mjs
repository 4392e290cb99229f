// Four processes exchange messages of random sizes with random descriptors. This one sends them to the
// other three, which send them back, and it kills one of them from time to time. It prints what it has
// counted. The arguments are the number of messages and the number of kills.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'

import { dup, memfdCreate } from 'fdkit'
import { FdSocket } from 'fdkit/promises'

const HEAD = 12
const WINDOW = 24

const countFds = () => fs.readdirSync('/proc/self/fd').length - 1

/** A frame: its length, its number, how many descriptors it has, their inodes, and the payload. */
function encode(number, inodes, size) {
  const frame = Buffer.alloc(HEAD + 4 * inodes.length + size, number & 0xff)
  frame.writeUInt32LE(frame.length, 0)
  frame.writeUInt32LE(number, 4)
  frame.writeUInt32LE(inodes.length, 8)
  for (const [index, inode] of inodes.entries()) frame.writeUInt32LE(inode, HEAD + 4 * index)
  return frame
}

/** Yields the frames that a socket receives, each with its descriptors, after checking both. */
async function* frames(socket) {
  let bytes = Buffer.alloc(0)
  const fds = []
  try {
    for await (const message of socket) {
      bytes = bytes.length === 0 ? message.data : Buffer.concat([bytes, message.data])
      fds.push(...message.fds)
      while (bytes.length >= HEAD && bytes.length >= bytes.readUInt32LE(0)) {
        const frame = bytes.subarray(0, bytes.readUInt32LE(0))
        bytes = bytes.subarray(frame.length)
        const count = frame.readUInt32LE(8)
        const own = fds.splice(0, count)
        if (own.length !== count) throw new Error(`${own.length} of ${count} descriptors have arrived`)
        for (const [index, fd] of own.entries()) {
          const inode = frame.readUInt32LE(HEAD + 4 * index)
          if (Number(fs.fstatSync(fd).ino) !== inode) throw new Error('another file has arrived')
        }
        const number = frame.readUInt32LE(4)
        if (frame.subarray(HEAD + 4 * count).some((byte) => byte !== (number & 0xff))) {
          throw new Error('other bytes have arrived')
        }
        yield { frame, number, fds: own }
      }
    }
  } finally {
    // Closes the descriptors of a frame that never became complete.
    for (const fd of fds) fs.closeSync(fd)
  }
}

const closeAll = (fds) => {
  for (const fd of fds) fs.closeSync(fd)
}

/** Starts the poll thread, which has two descriptors of its own. */
async function warmUp() {
  const [one, other] = FdSocket.pair()
  const receiving = other.receive()
  await one.send('x')
  await receiving
  one.close()
  other.close()
}

/** Sends each frame back. Ends with the number of descriptors that were left open. */
async function echo() {
  await warmUp()
  const socket = FdSocket.from(3)
  const before = countFds()
  let expected = 0
  for await (const { frame, number, fds } of frames(socket)) {
    if (number !== expected++) throw new Error(`${number} has arrived in place of ${expected - 1}`)
    const sending = socket.send(frame, fds)
    closeAll(fds)
    await sending
  }
  process.exitCode = countFds() === before ? 0 : 9
}

async function exchange(total, kills) {
  await warmUp()
  const files = Array.from({ length: 16 }, (_, index) => memfdCreate(String(index)))
  const inodes = files.map((fd) => Number(fs.fstatSync(fd).ino))
  const before = countFds()
  let [started, finished, descriptors, lost, killed, bytes] = [0, 0, 0, 0, 0, 0]
  const random = (below) => Math.floor(Math.random() * below)
  const killEvery = kills > 0 ? Math.ceil(total / (kills + 1)) : Infinity

  const hasMore = () => started < total

  async function serve(type) {
    while (hasMore()) {
      const [ours, theirs] = FdSocket.pair(type)
      const given = dup(theirs.fd)
      theirs.close()
      const child = spawn(process.execPath, [process.argv[1], 'echo'], {
        stdio: ['ignore', 'inherit', 'inherit', given],
      })
      fs.closeSync(given)
      const exited = once(child, 'exit')
      const inFlight = []
      let [next, isKilled] = [0, false]
      const send = () => {
        while (inFlight.length < WINDOW && started < total && !isKilled) {
          const picked = Array.from({ length: random(3) === 0 ? random(9) : 0 }, () => random(16))
          const size = random(50) === 0 ? random(60_000) : random(300)
          const frame = encode(
            next++,
            picked.map((index) => inodes[index]),
            size,
          )
          started += 1
          inFlight.push({ frame, count: picked.length })
          // It fails if the child was killed.
          ours
            .send(
              frame,
              picked.map((index) => files[index]),
            )
            .catch(() => {})
          if (started % killEvery === 0 && killed < kills) {
            killed += 1
            isKilled = true
            setTimeout(() => child.kill('SIGKILL'), random(4))
          }
        }
      }
      send()
      try {
        for await (const { frame, fds } of frames(ours)) {
          closeAll(fds)
          const expected = inFlight.shift()
          if (!expected?.frame.equals(frame) || fds.length !== expected.count) throw new Error('out of order')
          finished += 1
          bytes += frame.length
          descriptors += fds.length
          send()
          if (inFlight.length === 0) break
        }
      } catch (error) {
        // The kernel resets a connection whose receiver was killed before it had read everything.
        if (!isKilled || error.code !== 'ECONNRESET') throw error
      }
      ours.close()
      const [code, signal] = await exited
      if (isKilled ? signal !== 'SIGKILL' && code !== 0 : code !== 0) {
        throw new Error(`a child has ended with ${code ?? signal}`)
      }
      lost += inFlight.length
    }
  }

  const start = Date.now()
  await Promise.all([serve('stream'), serve('seqpacket'), serve('stream')])
  const seconds = (Date.now() - start) / 1000
  const left = countFds() - before
  console.log(JSON.stringify({ total, finished, lost, killed, descriptors, bytes, seconds, left }))
}

if (process.argv[2] === 'echo') await echo()
else await exchange(Number(process.argv[2]), Number(process.argv[3]))
