// Helpers of the scripts: running other programs from the root of the source tree, and copying
// files.
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root of the source tree, in which the scripts work. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '..')

process.chdir(root)

/**
 * Runs a program and returns its exit status. `output` says where its output goes, as in
 * child_process.
 */
export function status(options, command, ...args) {
  const { output, env } = typeof options === 'object' ? options : { output: options }
  // On Windows, npm is a .cmd file, which only a shell can run.
  const shell = process.platform === 'win32' && command === 'npm'
  const result = spawnSync(command, args, { stdio: ['ignore', output, 'inherit'], shell, env })
  if (result.error) console.error(`${command}: ${result.error.message}`)
  return result.status ?? 1
}

/** Runs a program, and ends this process if it fails. Its output goes to standard error. */
export function run(command, ...args) {
  runWith(process.env, command, ...args)
}

/** Runs a program like {@link run}, with other environment variables. */
export function runWith(env, command, ...args) {
  const code = status({ output: 2, env }, command, ...args)
  if (code !== 0) process.exit(code)
}

/**
 * With `RERUN_FAILED=1`, the tests that failed are repeated if they are in no more files than this: some
 * measure time or count descriptors, on a machine that others use as well. `.ci/run` asks for it.
 */
export const RERUN_AT_MOST = 5

const ATTEMPTS = 4

/** Blocks this thread for some seconds. */
export function pause(seconds) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000 * seconds)
}

/** Runs a program that downloads something like {@link run}, and tries again if it fails. */
export function runAgain(command, ...args) {
  for (let attempt = 1; attempt < ATTEMPTS; attempt++) {
    if (status(2, command, ...args) === 0) return
    console.error(`${command} failed; attempt ${attempt + 1} of ${ATTEMPTS} follows`)
    pause(5 * attempt)
  }
  run(command, ...args)
}

/** Runs a program of node_modules like {@link run}. */
export function runScript(path, ...args) {
  run(process.execPath, `node_modules/${path}`, ...args)
}

/** Copies a file if the contents differ, so that an unchanged file keeps its date. */
export function replaceFile(path, from) {
  if (!existsSync(path) || !readFileSync(path).equals(readFileSync(from))) copyFileSync(from, path)
}

/** Runs a check and shows its output. If it fails, ends this process with its status. */
export function step(command, ...args) {
  const code = status('inherit', command, ...args)
  if (code !== 0) process.exit(code)
}

/** Runs a program of node_modules like {@link step}. */
export function stepScript(path, ...args) {
  step(process.execPath, `node_modules/${path}`, ...args)
}
