// The version to release, and its tag in npm's registry.
import { readFileSync } from 'node:fs'

import '../run.mjs'

export const { version } = JSON.parse(readFileSync('package.json', 'utf8'))

/**
 * The tag in npm's registry. `npm install fdkit` does not install pre-releases such as 1.2.0-rc.1.
 */
export const distTag = version.includes('-') ? 'next' : 'latest'
