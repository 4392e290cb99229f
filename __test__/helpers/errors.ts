// The visible properties of a thrown error.
import { inspect } from 'node:util'

export function thrown(call: () => unknown): NodeJS.ErrnoException {
  try {
    call()
  } catch (error) {
    return error as NodeJS.ErrnoException
  }
  throw new Error('nothing was thrown')
}

const withoutFrames = (text: string) => text.replace(/\n {4}at .*/g, '')

/** Returns the visible properties of an error without the name of the system call. */
export function look(error: NodeJS.ErrnoException) {
  const call = error.syscall as string
  const blank = (text: string) => withoutFrames(text).replaceAll(call, 'SYSCALL')
  const described = Object.entries(Object.getOwnPropertyDescriptors(error))
  const properties = described.filter(([name]) => name !== 'stack' && name !== 'message')
  return {
    keys: Object.keys(error),
    descriptors: properties.map(([name, property]) => [
      name,
      { ...property, value: name === 'syscall' ? 'SYSCALL' : property.value },
    ]),
    message: blank(error.message),
    messageIsEnumerable: Object.prototype.propertyIsEnumerable.call(error, 'message'),
    text: blank(String(error)),
    stack: blank(error.stack ?? ''),
    shown: blank(inspect(error)),
    json: blank(JSON.stringify(error)),
    prototype: Object.getPrototypeOf(error),
    name: error.name,
    cause: error.cause,
  }
}
