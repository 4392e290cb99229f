// Installs the older TypeScript compilers that the types are tested with into build/compilers, from
// the npm registry. They take 140 MB, so only the continuous integration installs them by default.
// Without them, the tests that need them are skipped. A compiler that is already installed is kept.
import { installAlone } from './runtimes.mjs'

/** The supported versions, oldest first. TypeScript 7 is a dependency of the source tree. */
export const versions = ['5.2.2', '5.4.5', '5.6.3', '5.9.3', '6.0.3']

export const compilerPath = (version) =>
  `build/compilers/typescript-${version}/node_modules/typescript/bin/tsc`

if (process.argv[1] === import.meta.filename) {
  for (const version of versions) {
    const directory = `build/compilers/typescript-${version}`
    installAlone(directory, `typescript@${version}`)
  }
}
