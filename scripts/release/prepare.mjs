// Prepares the packages for publishing: node scripts/release/prepare.mjs artifacts
// It moves every addon of the folder to its package, adds the packages of the platforms to the root
// package, and copies the license to all.
import { copyFileSync, existsSync, readdirSync } from 'node:fs'

import { addonPath } from '../platform.mjs'
import { run, runScript } from '../run.mjs'

const [artifacts = 'artifacts'] = process.argv.slice(2)
const napi = '@napi-rs/cli/dist/cli.js'

runScript(napi, 'artifacts', '--output-dir', artifacts)
run(process.execPath, 'scripts/bundle.mjs')
for (const platform of readdirSync('npm')) {
  if (!existsSync(addonPath(platform))) {
    console.error(`${artifacts} has no addon for ${platform}.`)
    process.exit(1)
  }
  copyFileSync('LICENSE', `npm/${platform}/LICENSE`)
}
runScript(napi, 'pre-publish', '--no-gh-release', '--skip-optional-publish')
