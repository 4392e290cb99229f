// The TypeScript compiler of this repository.
import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'

const folder = resolve('node_modules/@typescript')
const name = readdirSync(folder).find((each) => each.startsWith('typescript-')) ?? 'missing'

/**
 * The path of the compiler. It is a program for the machine's own platform, and so is found there and not by
 * the Node.js that runs the tests, which may be one for another platform.
 */
export const compiler = join(folder, name, 'lib/tsc')
