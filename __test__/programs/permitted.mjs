// Calls every function that takes a path, below a directory. Prints the code of the error of each, or
// `ok`. permission.spec.ts runs it under the permission model.
import * as fs from 'node:fs'
import * as fdkit from 'fdkit'

const { promises } = fdkit
const [, , directory] = process.argv
const at = (name) => `${directory}/${name}`

const calls = (api) => ({
  access: () => api.access(at('file')),
  canAccess: () => api.canAccess(at('file')),
  chmod: () => api.chmod(at('file'), 0o600),
  chown: () => api.chown(at('file'), -1, -1),
  diskUsage: () => api.diskUsage(directory),
  exists: () => api.exists(at('file')),
  fwalk: async () => {
    for await (const _ of api.fwalk(directory, { onerror: thrower })) continue
  },
  link: () => api.link(at('file'), at(`${api === fdkit}-link`)),
  listdir: () => api.listdir(directory),
  lstat: () => api.lstat(at('file')),
  mkdir: () => api.mkdir(at(`${api === fdkit}-directory`)),
  mkfifo: () => api.mkfifo(at(`${api === fdkit}-fifo`)),
  mknod: () => api.mknod(at(`${api === fdkit}-node`)),
  open: async () => fs.closeSync(await api.open(at('file'))),
  'open to write': async () => fs.closeSync(await api.open(at('file'), 'r+')),
  'open to create': async () => fs.closeSync(await api.open(at(`${api === fdkit}-new`), 'w')),
  readlink: () => api.readlink(at('symlink')),
  rename: () => api.rename(at(`${api === fdkit}-new`), at(`${api === fdkit}-renamed`)),
  replace: () => api.replace(at(`${api === fdkit}-renamed`), at(`${api === fdkit}-new`)),
  rmdir: () => api.rmdir(at(`${api === fdkit}-directory`)),
  rmtree: () => api.rmtree(at(`${api === fdkit}-tree`)),
  scandir: () => api.scandir(directory),
  openRoot: async () => (await api.openRoot(directory)).close(),
  stat: () => api.stat(at('file')),
  statAll: () => api.statAll([at('file')]),
  statvfs: () => api.statvfs(at('file')),
  symlink: () => api.symlink('file', at(`${api === fdkit}-symlink`)),
  unlink: () => api.unlink(at(`${api === fdkit}-link`)),
  utime: () => api.utime(at('file')),
})

function thrower(error) {
  throw error
}

const found = {}
for (const [prefix, api] of Object.entries({ '': fdkit, 'promises.': promises })) {
  for (const [name, call] of Object.entries(calls(api))) {
    try {
      await call()
      found[prefix + name] = 'ok'
    } catch (error) {
      found[prefix + name] = error.code
    }
  }
}
console.log(JSON.stringify(found))
