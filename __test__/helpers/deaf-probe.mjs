// A program that waits with a signal whose listener stops the event. Writes the outcomes as JSON.
import { Memfd } from '../../dist/index.js'
import { futexWaitAsync } from '../../dist/promises.js'

const warnings = []
process.on('warning', ({ message }) => warnings.push(message))
const words = new Int32Array(Memfd.create('deaf', { size: 4 }).map())
const controller = new AbortController()
const { signal } = controller
signal.addEventListener('abort', (event) => event.stopImmediatePropagation())
const wait = (timeout) => futexWaitAsync(words, 0, 0, { timeout, signal }).catch((error) => error.name)

// Exceeds the number of listeners of a signal at which Node.js warns.
let over
for (let count = 0; count < 30; count++) over = await wait(1)
const pending = wait(20_000)
setTimeout(() => controller.abort(), 20)
console.log(JSON.stringify([await pending, over, await wait(20_000), warnings]))
process.exit()
