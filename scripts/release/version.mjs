// The version that is released, and under which name npm shows it.
import { readFileSync } from 'node:fs'

import '../run.mjs'

export const { version } = JSON.parse(readFileSync('package.json', 'utf8'))

/** The tag of npm's registry: pre-releases such as 1.2.0-rc.1 are not what `npm install fdkit` gets. */
export const distTag = version.includes('-') ? 'next' : 'latest'
