// The visible properties of a thrown error.
import { inspect } from 'node:util'

import { isDeno, isNode } from './platform.js'

export function thrown(call: () => unknown): NodeJS.ErrnoException {
  try {
    call()
  } catch (error) {
    return error as NodeJS.ErrnoException
  }
  throw new Error('nothing was thrown')
}

const withoutFrames = (text: string) => text.replace(/\n {4}at .*/g, '')

const pick = (error: NodeJS.ErrnoException, names: string[]) =>
  Object.fromEntries(names.map((name) => [name, (error as unknown as Record<string, unknown>)[name]]))

/** Returns the visible properties of an error without the name of the system call. */
export function look(error: NodeJS.ErrnoException) {
  const call = error.syscall as string
  const blank = (text: string) => withoutFrames(text).replaceAll(call, 'SYSCALL')
  const described = Object.entries(Object.getOwnPropertyDescriptors(error))
  const properties = described.filter(([name]) => name !== 'stack' && name !== 'message')
  const words = { message: blank(error.message), name: error.name, cause: error.cause }
  // The errors of fdkit look like those of Node.js on all runtimes. Those of Bun have other properties and
  // no empty paths, and those of Deno have only the code.
  if (isDeno) return pick(error, ['code'])
  if (!isNode) return { ...words, message: error.message.split(',')[0], ...pick(error, ['code', 'errno']) }
  return {
    ...words,
    keys: Object.keys(error),
    descriptors: properties.map(([name, property]) => [
      name,
      { ...property, value: name === 'syscall' ? 'SYSCALL' : property.value },
    ]),
    messageIsEnumerable: Object.prototype.propertyIsEnumerable.call(error, 'message'),
    text: blank(String(error)),
    stack: blank(error.stack ?? ''),
    shown: blank(inspect(error)),
    json: blank(JSON.stringify(error)),
    prototype: Object.getPrototypeOf(error),
  }
}
