// Reads options objects: each function declares its option names once, each option is read once,
// and unknown names are refused.
import { invalidArgType, unknownOption } from './error.js'

type Check = (value: unknown, name: string) => unknown
type Checks = Record<string, Check>

/** The options that were given, validated. */
export type Read<C extends Checks> = { readonly [Name in keyof C]?: ReturnType<C[Name]> | undefined }

/**
 * Returns whether an object has a property, either its own or inherited. Properties of
 * `Object.prototype` do not count.
 */
function has(object: object, name: string): boolean {
  if (!(name in Object.prototype)) return name in object
  for (let each: object | null = object; each !== null; each = Object.getPrototypeOf(each)) {
    if (each === Object.prototype) return false
    if (Object.hasOwn(each, name)) return true
  }
  return false
}

/**
 * Reads a property of an object once. If only `Object.prototype` has it, the result is `undefined`.
 */
export function property(object: object, name: string): unknown {
  const value = (object as Record<string, unknown>)[name]
  return value === undefined || !(name in Object.prototype) || has(object, name) ? value : undefined
}

/**
 * Returns false for built-in objects whose contents are not properties, such as a Map or a promise
 * that was not awaited. The caller meant to pass options, but none of them would be read.
 */
function isOrdinary(object: object): boolean {
  return Object.prototype.toString.call(object) === '[object Object]'
}

// The constructor of the results. Its prototype is empty, so an option that was not given is
// undefined, whatever `Object.prototype` has. V8 reads its instances as fast as ordinary objects,
// unlike objects without a prototype.
function Values(this: object): void {}
Values.prototype = Object.freeze(Object.create(null))
const NewValues = Values as unknown as new () => Record<string, unknown>

/** Reads and validates the options of a function. */
export interface OptionsReader<C extends Checks> {
  (options: unknown): Read<C>
  /** The name of the function. */
  readonly callerName: string
  /** The names of the options. */
  readonly names: readonly string[]
}

/**
 * Declares the options of a function: their names, each with its check. The returned function reads
 * an options object: it reads each option once, in this order, and throws if there is an unknown
 * name.
 */
export function optionsOf<C extends Checks>(caller: string, checks: C): OptionsReader<C> {
  const entries = Object.entries(checks).map(([name, check]) => ({ name, check, full: `options.${name}` }))
  const names = Object.keys(checks)
  const known = new Set(names)
  const none = Object.freeze(new NewValues())

  function read(options: unknown): Record<string, unknown> {
    if (options === undefined) return none
    if (options === null || typeof options !== 'object' || Array.isArray(options)) {
      const note = names.length === 0 ? '' : `. Pass an object: { ${names.join(', ')} }`
      throw invalidArgType('options', 'of type object', options, note)
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

  return Object.assign(read as (options: unknown) => Read<C>, { callerName: caller, names })
}
