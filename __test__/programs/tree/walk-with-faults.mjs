// Walks a tree while system calls fail.
import { fwalk } from 'fdkit'

import { answer, args, countFds, settledFds } from '../context.mjs'

const [top, options] = args
const before = await settledFds()
const visited = []
const errors = []
const filenames = []
const onerror = (error) => errors.push({ code: error.code, path: error.path })
let thrown
try {
  for (const [path, , files] of fwalk(top, { ...options, onerror })) {
    visited.push(path)
    filenames.push(...files.map((name) => path + '/' + name))
  }
} catch (error) {
  thrown = error.code
}
answer({ visited, filenames, errors, thrown, left: countFds() - before })
