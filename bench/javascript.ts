// The candidates in JavaScript; as rust.rs. Each has a process of its own, so that none collects
// another's garbage.
import { closeSync, constants, readdirSync, statSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { createInterface } from 'node:readline'

import { fdir } from 'fdir'
import { fwalk, memfdCreate, open, stat } from 'fdkit'

const { O_DIRECTORY, O_RDONLY } = constants

type Seen = readonly [directories: number, entries: number]

function walk(top: string, topdown: boolean): Seen {
  let directories = 0
  let entries = 0
  for (const [, dirnames, filenames] of fwalk(top, { topdown })) {
    directories++
    entries += dirnames.length + filenames.length
  }
  return [directories, entries]
}

// Without file types Node 20 follows links, and does not come to an end where they make a loop.
function readdir(top: string): Seen {
  const entries = readdirSync(top, { recursive: true, withFileTypes: true })
  let directories = 1
  for (const entry of entries) if (entry.isDirectory()) directories++
  return [directories, entries.length]
}

// The fastest of its settings that give directories and files and say which is which: bare names
// in groups, each with the path of its directory.
function crawl(top: string): Seen {
  const groups = new fdir().group().crawl(top).sync()
  let entries = groups.length - 1
  for (const { files } of groups) entries += files.length
  return [groups.length, entries]
}

function memfd(times: string): Seen {
  for (let time = Number(times); time > 0; time--) closeSync(memfdCreate('bench'))
  return [0, 0]
}

function statByName(times: string, path: string): Seen {
  const dirFd = open(dirname(path), O_RDONLY | O_DIRECTORY)
  const name = basename(path)
  for (let time = Number(times); time > 0; time--) stat(name, { dirFd })
  closeSync(dirFd)
  return [0, 0]
}

function statByPath(times: string, path: string): Seen {
  for (let time = Number(times); time > 0; time--) statSync(path)
  return [0, 0]
}

const candidates: Record<string, (argument: string, path: string) => Seen> = {
  topdown: (top) => walk(top, true),
  bottomup: (top) => walk(top, false),
  readdir,
  fdir: crawl,
  memfd,
  statByName,
  statByPath,
}

const [name = '', argument = '', path = ''] = process.argv.slice(2)
const candidate = candidates[name]
if (candidate === undefined) throw new Error(`no candidate is called ${name}`)

createInterface(process.stdin).on('line', () => {
  const start = process.hrtime.bigint()
  const seen = candidate(argument, path)
  const elapsed = process.hrtime.bigint() - start
  console.log(elapsed.toString(), ...seen)
})
