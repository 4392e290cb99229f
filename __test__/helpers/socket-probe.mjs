// A program that uses every function for descriptors between processes, and prints what happened. It
// runs on every runtime. The argument is a directory.
import { closeSync, existsSync, fstatSync, readFileSync, writeSync } from 'node:fs'
import { once } from 'node:events'

import { MSG_DONTWAIT, memfdCreate, pidfdGetfd, pidfdOpen, recvFds, sendFds, socketpair } from 'fdkit'
import * as promises from 'fdkit/promises'

const { FdSocket } = promises
const [, , directory] = process.argv
const found = {}

const file = memfdCreate('file')
writeSync(file, 'contents')
const contents = (fds) =>
  fds.map((fd) => {
    const { ino } = fstatSync(fd)
    closeSync(fd)
    return ino === fstatSync(file).ino
  })

const [one, other] = socketpair()
found.sent = sendFds(one, 'sync', [file])
const received = recvFds(other, 10, 2)
found.sync = [String(received.data), contents(received.fds), received.flags]
const later = promises.recvFds(other, 10, 2)
await promises.sendFds(one, 'later', [file, file])
const second = await later
found.later = [String(second.data), contents(second.fds)]
try {
  recvFds(other, 1, 1, { flags: MSG_DONTWAIT })
} catch ({ code }) {
  found.empty = code
}

const pidfd = pidfdOpen(process.pid)
found.pidfd = contents([pidfdGetfd(pidfd, file)])
closeSync(pidfd)
const pidfdLater = await promises.pidfdOpen(process.pid)
found.pidfdLater = contents([await promises.pidfdGetfd(pidfdLater, file)])
closeSync(pidfdLater)

const path = `${directory}/socket`
const server = await FdSocket.listen(path, { type: 'seqpacket' })
const connecting = FdSocket.connect(path, { type: 'seqpacket' })
const connection = await server.accept()
const client = await connecting
found.peer = [connection.peer.pid === process.pid, client.type]
const waiting = connection.receive()
await client.send('message', [file])
const message = await waiting
found.message = [String(message.data), message.fdCount, contents(message.fds)]
const controller = new AbortController()
const aborted = connection.receive({ signal: controller.signal })
controller.abort()
found.aborted = await aborted.catch((error) => error.name)
client.close()
found.end = String(await connection.receive())
connection.close()
const accepting = server.accept()
server.close()
found.closed = [String(await accepting), existsSync(path)]

const streams = FdSocket.pair().map((socket) => socket.toDuplex())
const events = []
streams[1].on('fds', (fds) => events.push('fds', contents(fds)))
streams[1].on('data', (data) => events.push(String(data)))
streams[0].resume()
streams[0].writeWithFds('stream', [file])
streams[0].end()
await once(streams[1], 'end')
found.stream = events

// Takes over a number, and closes it.
const taken = FdSocket.from(one)
await taken.send('taken')
found.taken = String(recvFds(other, 10, 0).data)
taken.close()
closeSync(other)
found.text = readFileSync(`/proc/self/fd/${file}`, 'utf8')

// A waiting call does not keep the process alive after this.
const [idle] = FdSocket.pair()
idle
  .unref()
  .receive()
  .catch(() => {})
console.log(JSON.stringify(found))
