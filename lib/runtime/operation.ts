// Operations: each is defined once, and two functions are made of the definition. The one in `fdkit`
// blocks, and the one in `fdkit/promises` returns a promise.
import { later, now, type Call } from './call.js'

interface Definition<Args extends unknown[], T> {
  /** Checks the arguments and raises the audit event. Returns the call that is left to make. */
  define: (...args: Args) => unknown
  runLater: (call: unknown) => Promise<T>
}

const definitions = new WeakMap<object, unknown>()

/** Gives a function a name, and the number of arguments that it needs. */
const named = <F extends object>(name: string, length: number, run: F): F =>
  Object.defineProperties(run, { name: { value: name }, length: { value: length } })

/**
 * Returns the function of `fdkit` for an operation. `define` has the arguments of the operation and
 * their defaults. It checks them, raises the audit event, and returns the call that is left to make.
 *
 * `run` and `runLater` make the call, at once or off the main thread. By default, they are {@link
 * now} and {@link later}, and `define` returns a {@link Call}.
 */
export function operation<Args extends unknown[], T>(
  name: string,
  define: (...args: Args) => Call<T>,
): (...args: Args) => T
export function operation<Args extends unknown[], C, T>(
  name: string,
  define: (...args: Args) => C,
  run: (call: C) => T,
  runLater: (call: C) => Promise<T>,
): (...args: Args) => T
export function operation<Args extends unknown[], C, T>(
  name: string,
  define: (...args: Args) => C,
  run: (call: C) => T = now as never,
  runLater: (call: C) => Promise<T> = later as never,
): (...args: Args) => T {
  const perform = named(name, define.length, (...args: Args) => run(define(...args)))
  setLater(perform, define, runLater)
  return perform
}

/**
 * Tells {@link promised} how to make the call of a function off the main thread. {@link operation}
 * does so for the functions that it returns.
 */
export function setLater<Args extends unknown[], C, T>(
  perform: object,
  define: (...args: Args) => C,
  runLater: (call: C) => Promise<T>,
): void {
  definitions.set(perform, { define, runLater })
}

/**
 * Returns the function of `fdkit/promises` for a function of `fdkit`. The build gives it the
 * documentation and the overloads of that function.
 */
export function promised<Args extends unknown[], T>(
  perform: (...args: Args) => T,
): (...args: Args) => Promise<T> {
  const { define, runLater } = definitions.get(perform) as Definition<Args, T>
  return named(perform.name, perform.length, async (...args: Args) => runLater(define(...args)))
}
