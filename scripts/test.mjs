// Runs the tests of both languages. Arguments are passed to ava.
import { status } from './run.mjs'

const rust = status('inherit', 'cargo', 'test', '--workspace', '--locked')
const ava = 'node_modules/ava/entrypoints/cli.mjs'
const javascript = status('inherit', process.execPath, ava, ...process.argv.slice(2))
process.exit(rust || javascript)
