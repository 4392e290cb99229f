// The `run:` lines of the workflows, and why some of them are not run when a release is rehearsed
// on one machine.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const WORKFLOWS = '.github/workflows'

/**
 * Returns each line once, in the order of the files. Throws if one is a block, since a block cannot
 * be rehearsed.
 */
export function runLines() {
  const lines = readdirSync(WORKFLOWS).flatMap((file) =>
    readFileSync(join(WORKFLOWS, file), 'utf8').split('\n'),
  )
  const found = lines
    .map((line) => /^\s*(?:- )?run: (.*)$/.exec(line)?.[1])
    .filter((line) => line !== undefined)
  const block = found.find((line) => /^[|>]/.test(line))
  if (block !== undefined)
    throw new Error('Move a `run:` of several lines into a script, which can be rehearsed.')
  return [...new Set(found)]
}

const machine = "sets GitHub's machine up"
const container = 'needs Docker; the tests and the smoke test run on musl without it'
const suite = '.ci/run and npm run platforms run the suite'
const analysis = 'is an analysis, which no release waits for'

/** The lines that do not run here, each with the reason. */
export const notHere = {
  'sudo apt-get update && sudo apt-get install --yes strace debian-archive-keyring': machine,
  'sudo apt-get update && sudo apt-get install --yes strace': machine,
  'sudo apt-get update && sudo apt-get install --yes valgrind': machine,
  'rustup component add clippy rustfmt': machine,
  'rustup component add llvm-tools': machine,
  'rustup toolchain install nightly --profile minimal': machine,
  'cargo install cargo-fuzz --locked --version 0.13.2': machine,
  'rustup target add $(node --print \'require("./package.json").napi.targets.join(" ")\')': machine,
  'rustup target add "$(node scripts/platforms/list.mjs "$PLATFORM")"': machine,
  'sudo env "PATH=$PATH" "HOME=$HOME" .ci/run': 'runs this',
  'node scripts/platforms/build.mjs "$PLATFORM"': 'npm run platforms has built all addons with it',
  'sudo env "PATH=$PATH" "HOME=$HOME" npx ava': suite,
  'npx ava': suite,
  'npx ava __test__/runtime/native.spec.ts': suite,
  'sudo env "PATH=$PATH" "HOME=$HOME" npm run coverage': analysis,
  'npm run valgrind': analysis,
  'cargo +nightly fuzz run "$TARGET" --fuzz-dir crates/core/fuzz -- -max_total_time=120': analysis,
  'npm run docs': '.ci/run builds the site',
  'node scripts/setup.mjs': 'npm test begins with it',
  'node scripts/bundle.mjs': 'prepare.mjs does it, too',
  'docker run --rm --cap-add SYS_PTRACE --volume "$PWD:/fdkit" --workdir /fdkit "node:$NODE-alpine" scripts/platforms/alpine.sh':
    container,
  'docker run --rm --volume "$PWD:/fdkit:ro" node:24-alpine node /fdkit/scripts/release/smoke.mjs "${GITHUB_REF_NAME#v}"':
    container,
}
