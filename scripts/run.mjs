// What the scripts share: other programs, run from the root of the source tree, and files.
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root of the source tree, which the scripts work in. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '..')

process.chdir(root)

/** The program's exit status. Its output goes where `output` says, as in child_process. */
export function status(options, command, ...args) {
  const { output, env } = typeof options === 'object' ? options : { output: options }
  // On Windows npm is a .cmd file, which only a shell runs.
  const shell = process.platform === 'win32' && command === 'npm'
  const result = spawnSync(command, args, { stdio: ['ignore', output, 'inherit'], shell, env })
  if (result.error) console.error(`${command}: ${result.error.message}`)
  return result.status ?? 1
}

/** Ends this process where the program fails. Standard output is left to what is set up. */
export function run(command, ...args) {
  runWith(process.env, command, ...args)
}

/** As {@link run}, with other environment variables. */
export function runWith(env, command, ...args) {
  const code = status({ output: 2, env }, command, ...args)
  if (code !== 0) process.exit(code)
}

/** As {@link run}, of a program in node_modules. */
export function runScript(path, ...args) {
  run(process.execPath, `node_modules/${path}`, ...args)
}

/** Copies what differs, so that what did not change stays as old as it is. */
export function replaceFile(path, from) {
  if (!existsSync(path) || !readFileSync(path).equals(readFileSync(from))) copyFileSync(from, path)
}

/** Runs a check, whose output is shown, and ends this process with its status if it fails. */
export function step(command, ...args) {
  const code = status('inherit', command, ...args)
  if (code !== 0) process.exit(code)
}

/** As {@link step}, of a program in node_modules. */
export function stepScript(path, ...args) {
  step(process.execPath, `node_modules/${path}`, ...args)
}
