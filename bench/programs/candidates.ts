// The candidates in JavaScript, like candidates.rs. Each runs in a process of its own, so that none
// collects another's garbage.
import { closeSync, readdirSync, rmSync, statSync } from 'node:fs'
import * as fsPromises from 'node:fs/promises'
import { createInterface } from 'node:readline'

import { fdir } from 'fdir'
import { diskUsage, dup, fwalk, memfdCreate, rmtree, stat, statAll } from 'fdkit'
import * as promises from 'fdkit/promises'

// The number of promises that are pending at a time.
const BATCH = 64

type Seen = readonly [directories: number, entries: number]

function walk(top: string, topdown: boolean, threads?: number): Seen {
  let directories = 0
  let entries = 0
  for (const [, dirnames, filenames] of fwalk(top, { topdown, threads })) {
    directories++
    entries += dirnames.length + filenames.length
  }
  return [directories, entries]
}

async function walkLater(top: string, exact = false): Promise<Seen> {
  let directories = 0
  let entries = 0
  for await (const [, dirnames, filenames] of promises.fwalk(top, { exact })) {
    directories++
    entries += dirnames.length + filenames.length
  }
  return [directories, entries]
}

// The size of each directory, as examples/du.mjs adds it up. A file with several names counts twice
// here.
async function sizes(top: string): Promise<Seen> {
  let directories = 0
  let entries = 0
  let bytes = 0
  for await (const [, dirnames, filenames, , stats] of promises.fwalk(top, { topdown: false, stats: true })) {
    directories++
    entries += dirnames.length + filenames.length
    for (const name of filenames) bytes += stats.get(name)?.size ?? 0
  }
  if (bytes === 0) throw new Error('the tree has no contents')
  return [directories, entries]
}

async function largest(top: string): Promise<Seen> {
  const { directories, files } = await promises.diskUsage(top, { largest: 20, onprogress() {} })
  return [directories, directories - 1 + files]
}

function usage(top: string, threads?: number): Seen {
  const { directories, files } = diskUsage(top, { threads })
  return [directories, directories - 1 + files]
}

// Without file types, Node 20 follows symbolic links, and does not terminate if they form a loop.
function readdir(top: string): Seen {
  const entries = readdirSync(top, { recursive: true, withFileTypes: true })
  let directories = 1
  for (const entry of entries) if (entry.isDirectory()) directories++
  return [directories, entries.length]
}

async function readdirLater(top: string): Promise<Seen> {
  const entries = await fsPromises.readdir(top, { recursive: true, withFileTypes: true })
  let directories = 1
  for (const entry of entries) if (entry.isDirectory()) directories++
  return [directories, entries.length]
}

// The fastest of the settings of fdir that return directories and files and tell them apart: bare
// names in groups, each with the path of its directory.
function crawl(top: string): Seen {
  const groups = new fdir().group().crawl(top).sync()
  let entries = groups.length - 1
  for (const { files } of groups) entries += files.length
  return [groups.length, entries]
}

async function crawlLater(top: string): Promise<Seen> {
  const groups = await new fdir().group().crawl(top).withPromise()
  let entries = groups.length - 1
  for (const { files } of groups) entries += files.length
  return [groups.length, entries]
}

function memfd(times: string): Seen {
  for (let time = Number(times); time > 0; time--) closeSync(memfdCreate('bench'))
  return [0, 0]
}

interface Held {
  name: string
  dirFd: number
  path: string
}

let held: Held[] | undefined

/**
 * Returns the files of a tree and holds its directories open. It runs in the first run, which is
 * not counted.
 */
function hold(top: string): Held[] {
  return (held ??= [...files(top)])
}

function* files(top: string): Generator<Held> {
  for (const [dirpath, , filenames, walks] of fwalk(top)) {
    const dirFd = dup(walks)
    for (const name of filenames) {
      if (name.startsWith('f-')) yield { name, dirFd, path: `${dirpath}/${name}` }
    }
  }
}

function statByName(top: string): Seen {
  const files = hold(top)
  for (const { name, dirFd } of files) stat(name, { dirFd })
  return [0, files.length]
}

function statAllByName(top: string): Seen {
  const byDirectory = new Map<number, string[]>()
  for (const { name, dirFd } of hold(top)) {
    const names = byDirectory.get(dirFd)
    if (names === undefined) byDirectory.set(dirFd, [name])
    else names.push(name)
  }
  let files = 0
  for (const [dirFd, names] of byDirectory) files += statAll(names, { dirFd }).length
  return [0, files]
}

function statByPath(top: string): Seen {
  const files = hold(top)
  for (const { path } of files) statSync(path)
  return [0, files.length]
}

async function inBatches(top: string, look: (file: Held) => Promise<unknown>): Promise<Seen> {
  const files = hold(top)
  for (let first = 0; first < files.length; first += BATCH) {
    await Promise.all(files.slice(first, first + BATCH).map(look))
  }
  return [0, files.length]
}

const nothing: Seen = [0, 0]

const candidates: Record<string, (argument: string) => Seen | Promise<Seen>> = {
  topdown: (top) => walk(top, true),
  bottomup: (top) => walk(top, false),
  'topdown-threads-0': (top) => walk(top, true, 0),
  'topdown-threads-1': (top) => walk(top, true, 1),
  'topdown-threads-2': (top) => walk(top, true, 2),
  'topdown-threads-4': (top) => walk(top, true, 4),
  walkLater: (top) => walkLater(top),
  walkLaterExactly: (top) => walkLater(top, true),
  fdirLater: crawlLater,
  sizes,
  largest,
  usage: (top) => usage(top),
  'usage-threads-0': (top) => usage(top, 0),
  readdir,
  readdirLater,
  fdir: crawl,
  memfd,
  statByName,
  statAllByName,
  statByPath,
  statByNameLater: (top) => inBatches(top, ({ name, dirFd }) => promises.stat(name, { dirFd })),
  statByPathLater: (top) => inBatches(top, ({ path }) => promises.stat(path)),
  statOfNodeLater: (top) => inBatches(top, ({ path }) => fsPromises.stat(path)),
  rmtree: (top) => (rmtree(top), nothing),
  rmtreeLater: async (top) => (await promises.rmtree(top), nothing),
  rmOfNode: (top) => (rmSync(top, { recursive: true }), nothing),
  rmOfNodeLater: async (top) => (await fsPromises.rm(top, { recursive: true }), nothing),
}

const [name = '', argument = ''] = process.argv.slice(2)
const candidate = candidates[name]
if (candidate === undefined) throw new Error(`no candidate is called ${name}`)

createInterface(process.stdin).on('line', async () => {
  const start = process.hrtime.bigint()
  const seen = await candidate(argument)
  const elapsed = process.hrtime.bigint() - start
  console.log(elapsed.toString(), ...seen)
})
