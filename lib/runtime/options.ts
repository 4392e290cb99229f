// Options objects: each declares its names once, is read once, and has no others.
import { invalidArgType, unknownOption } from './error.js'

type Check = (value: unknown, name: string) => unknown
type Checks = Record<string, Check>

/** What was read: the options that were given, checked. */
export type Read<C extends Checks> = { readonly [Name in keyof C]?: ReturnType<C[Name]> | undefined }

/**
 * Whether an object has a property of its own, or by what it was made from. What somebody has put
 * on `Object.prototype` does not count.
 */
function has(object: object, name: string): boolean {
  if (!(name in Object.prototype)) return name in object
  for (let each: object | null = object; each !== null; each = Object.getPrototypeOf(each)) {
    if (each === Object.prototype) return false
    if (Object.hasOwn(each, name)) return true
  }
  return false
}

/** A property of an object, read once; `undefined` if only `Object.prototype` has it. */
export function property(object: object, name: string): unknown {
  const value = (object as Record<string, unknown>)[name]
  return value === undefined || !(name in Object.prototype) || has(object, name) ? value : undefined
}

/**
 * Returns false for built-in objects that have no properties to look at, such as a promise that was
 * not awaited, or a Map: their author meant to give options, and none would be read.
 */
function isOrdinary(object: object): boolean {
  return Object.prototype.toString.call(object) === '[object Object]'
}

// Instances are what was read. Their prototype has nothing, so that an option that was not given is
// undefined whatever stands on `Object.prototype`. Unlike objects without a prototype V8 reads them
// as fast as any other.
function Values(this: object): void {}
Values.prototype = Object.freeze(Object.create(null))
const NewValues = Values as unknown as new () => Record<string, unknown>

/** What takes options. */
export interface OptionsReader<C extends Checks> {
  (options: unknown): Read<C>
  /** The names that it knows. */
  readonly names: readonly string[]
}

/**
 * Declares the options of a function: their names, each with its check. What comes back reads an
 * options object: each option once, in this order, and it refuses names that it does not know.
 */
export function optionsOf<C extends Checks>(caller: string, checks: C): OptionsReader<C> {
  const entries = Object.entries(checks).map(([name, check]) => ({ name, check, full: `options.${name}` }))
  const names = Object.keys(checks)
  const known = new Set(names)
  const none = Object.freeze(new NewValues())

  function read(options: unknown): Record<string, unknown> {
    if (options === undefined) return none
    if (options === null || typeof options !== 'object' || Array.isArray(options)) {
      throw invalidArgType('options', 'of type object', options)
    }
    let isEmpty = true
    for (const name in options) {
      isEmpty = false
      if (!known.has(name) && has(options, name)) throw unknownOption(caller, name, names)
    }
    if (isEmpty && !isOrdinary(options)) throw invalidArgType('options', 'of type object', options)
    const values = new NewValues()
    for (const { name, check, full } of entries) {
      const value = property(options, name)
      if (value !== undefined) values[name] = check(value, full)
    }
    return values
  }

  return Object.assign(read as (options: unknown) => Read<C>, { names })
}
