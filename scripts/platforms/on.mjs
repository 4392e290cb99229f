// Runs a command on another platform, with the addon that was built for it last:
// node scripts/platforms/on.mjs linux-arm64-gnu@20 node --version
import { status } from '../run.mjs'
import { platformOf } from './list.mjs'
import { onPlatform } from './root.mjs'
import { nodeFor } from './runtime.mjs'
import { variablesFor } from './suite.mjs'

const [word = '', ...words] = process.argv.slice(2)
const [name, major] = word.split('@')
const platform = platformOf(name)
const bin = await nodeFor(platform, Number(major ?? platform.nodes.at(-1)))
const { command, env } = await onPlatform(platform, words, await variablesFor(platform, bin))
process.exit(status({ output: 'inherit', env }, ...command))
