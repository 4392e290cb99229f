// Checks that the tag may be released: it names the version of package.json, its commit is on main,
// and CHANGELOG.md has a section for it. It requires GITHUB_REF_NAME, GITHUB_SHA, and a clone with
// the whole history.
import { readFileSync } from 'node:fs'

import { status } from '../run.mjs'
import { version } from './version.mjs'

const { GITHUB_REF_NAME: tag, GITHUB_SHA: commit } = process.env

function refuse(reason) {
  console.error(`The tag ${tag} is not released: ${reason}`)
  process.exit(1)
}

if (tag !== `v${version}`) refuse(`the version in package.json is ${version}.`)
if (status('inherit', 'git', 'merge-base', '--is-ancestor', commit, 'origin/main') !== 0) {
  refuse(`its commit ${commit} is not on main.`)
}
const heading = new RegExp(`^## ${version.replaceAll('.', '\\.')}\\b`, 'm')
if (!heading.test(readFileSync('CHANGELOG.md', 'utf8'))) refuse(`CHANGELOG.md has no section for ${version}.`)
