// Publishes the packages of the platforms, then the root package. A second attempt continues where
// the first one stopped. It requires npm 11.5.1 or later, which exchanges the workflow's identity
// for a token.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

import { run } from '../run.mjs'
import { distTag } from './version.mjs'

function isPublished(specifier) {
  const { status, stdout } = spawnSync('npm', ['view', specifier, 'version'], { encoding: 'utf8' })
  return status === 0 && stdout.trim() !== ''
}

for (const directory of [...readdirSync('npm').map((platform) => `npm/${platform}`), '.']) {
  const { name, version } = JSON.parse(readFileSync(`${directory}/package.json`, 'utf8'))
  const specifier = `${name}@${version}`
  if (isPublished(specifier)) {
    console.log(`${specifier} already exists`)
    continue
  }
  run('npm', 'publish', `./${directory}`, '--tag', distTag, '--ignore-scripts')
  console.log(`${specifier} is published as ${distTag}`)
}
