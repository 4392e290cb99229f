// Runs the specs on Bun and Deno, on which ava does not run. Each spec is bundled with a small
// replacement of ava, and runs in a process of its own.
import { spawn } from 'node:child_process'
import { createWriteStream, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

import { root } from '../run.mjs'
import { installRuntimes } from '../runtimes.mjs'
import { cache } from './cache.mjs'
import { leftOut } from './other-runtimes-list.mjs'

const commands = {
  bun: () => [findBinary('bun', `@oven/bun-linux-${process.arch === 'arm64' ? 'aarch64' : 'x64'}/bin/bun`)],
  deno: () => [
    findBinary('deno', `@deno/linux-${process.arch}-glibc/deno`),
    'run',
    '--allow-all',
    '--quiet',
    '--node-modules-dir=manual',
    '--v8-flags=--expose-gc',
  ],
}

const findBinary = (name, path) => join(root, `build/runtimes/${name}/node_modules`, path)

/** The runtimes that ava does not run on. */
export const otherRuntimes = Object.keys(commands)

// A bundle lies elsewhere than its modules, which look for files beside themselves.
const ownUrls = {
  name: 'own URLs',
  setup({ onLoad }) {
    onLoad({ filter: /\.(ts|mjs)$/ }, ({ path }) => {
      const values = { url: pathToFileURL(path).href, filename: path, dirname: join(path, '..') }
      const text = readFileSync(path, 'utf8').replace(/import\.meta\.(url|filename|dirname)\b/g, (_, key) =>
        JSON.stringify(values[key]),
      )
      return { contents: text, loader: path.endsWith('.ts') ? 'ts' : 'js' }
    })
  },
}

// The program that tests start as process.execPath. Bun understands the arguments of Node.js.
const programs = { deno: join(root, 'scripts/platforms/node-on-deno.sh') }

async function bundle(runtime, spec, bundles, outfile) {
  const shim = join(root, 'scripts/platforms/ava-shim.mjs')
  const contents = `import ${JSON.stringify(join(root, spec))}
    import { start } from ${JSON.stringify(shim)}
    import { execFileSync } from 'node:child_process'
    import { fwalk, stat } from 'fdkit/promises'
    await start(async () => {
      await stat('/')
      for await (const _ of fwalk(${JSON.stringify(bundles)})) execFileSync('true')
    })`
  // Imported only now, since a fresh clone does not have it.
  const { build } = await import('esbuild')
  await build({
    stdin: { contents, resolveDir: root },
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    ignoreAnnotations: true,
    alias: {
      ava: shim,
      fdkit: join(root, 'dist/index.js'),
      'fdkit/promises': join(root, 'dist/promises.js'),
    },
    external: [join(root, 'dist/*')],
    define: programs[runtime] && { 'process.execPath': JSON.stringify(programs[runtime]) },
    plugins: [ownUrls],
    logLevel: 'error',
  })
}

const LIMIT = 10 * 60_000

/** Returns the reason to leave a whole spec out, and those to leave out some of its tests. */
function reasonsFor(runtime, spec) {
  const found = { whole: undefined, tests: [] }
  const name = spec.replace('__test__/', '')
  for (const [reason, entries] of Object.entries(leftOut[runtime])) {
    for (const entry of entries) {
      const [file, part] = entry.split(' › ')
      if (file !== name) continue
      if (part === undefined) found.whole = reason
      else found.tests.push([part, reason])
    }
  }
  return found
}

/** Runs one spec and returns its results. */
async function runSpec(runtime, spec, bundles) {
  const title = spec.replace('__test__/', '').replace('.spec.ts', '').replaceAll('/', ' › ')
  // Some tests look for the name of their file in the stack of an error.
  const outfile = join(bundles, `${spec.replaceAll('/', '.')}.mjs`)
  await bundle(runtime, spec, bundles, outfile)
  const [command, ...args] = commands[runtime]()
  const skipped = JSON.stringify(reasonsFor(runtime, spec).tests)
  const env = {
    ...process.env,
    SPEC_TITLE: title,
    SPEC_SKIPPED: skipped,
    NO_COLOR: '1',
    DENO: command,
    // Looking for an update opens descriptors, which tests count.
    DENO_NO_UPDATE_CHECK: '1',
    // So does its cache, unless it cannot be written.
    DENO_DIR: '/dev/null/none',
  }
  const child = spawn(command, [...args, outfile], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT)
  const found = { passed: 0, failed: 0, skipped: {}, lines: [] }
  let complete = false
  child.stderr.on('data', (chunk) => found.lines.push(String(chunk)))
  const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve(code ?? signal)))
  for await (const line of createInterface({ input: child.stdout })) {
    found.lines.push(line)
    if (line.startsWith('1..')) complete = true
    const [, isFailure, name] = /^(not )?ok \d+ - (.*)$/.exec(line) ?? []
    if (name === undefined) continue
    if (name.endsWith('# SKIP')) {
      const reason = /\(skipped: (.*)\)/.exec(name)?.[1] ?? 'no reason given'
      found.skipped[reason] = (found.skipped[reason] ?? 0) + 1
    } else if (isFailure) found.failed++
    else found.passed++
  }
  const code = await ended
  clearTimeout(timer)
  if (!complete && found.failed === 0) {
    found.failed++
    found.lines.push(`not ok - ${title} ended with ${code} before the last test`)
  }
  return found
}

const specFiles = () =>
  readdirSync(join(root, '__test__'), { recursive: true })
    .filter((path) => path.endsWith('.spec.ts'))
    .map((path) => `__test__/${path}`)
    .sort()

/** Runs all specs that are not left out, or the given ones, and returns the sums. */
export async function runOther(runtime, specs = []) {
  installRuntimes()
  const bundles = join(root, 'build/other', `${runtime}-${process.pid}`)
  mkdirSync(bundles, { recursive: true })
  const logs = join(cache, 'logs')
  mkdirSync(logs, { recursive: true })
  const log = createWriteStream(join(logs, `${runtime}${specs.length > 0 ? '.part' : ''}.tap`))
  const started = Date.now()
  const sum = { platform: runtime, node: '', passed: 0, failed: 0, skipped: {} }
  const all = specs.length > 0 ? specs : specFiles()
  const queue = [...all]
  const add = (reason, count) => (sum.skipped[reason] = (sum.skipped[reason] ?? 0) + count)
  const work = async () => {
    for (let spec = queue.shift(); spec !== undefined; spec = queue.shift()) {
      const reason = reasonsFor(runtime, spec).whole
      if (reason && specs.length === 0) {
        add(`${spec.replace('__test__/', '')} as a whole: ${reason}`, 1)
        continue
      }
      const { passed, failed, skipped, lines } = await runSpec(runtime, spec, bundles)
      sum.passed += passed
      sum.failed += failed
      for (const [why, count] of Object.entries(skipped)) add(why, count)
      log.write(`# ${spec}\n${lines.join('\n')}\n`)
      if (failed > 0)
        console.log(`   ${runtime}, ${spec}:\n${lines.filter((line) => !line.startsWith('ok ')).join('\n')}`)
    }
  }
  await Promise.all([work(), work()])
  log.end()
  rmSync(bundles, { recursive: true })
  return { ...sum, seconds: Math.round((Date.now() - started) / 1000) }
}
