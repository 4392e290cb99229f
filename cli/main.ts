// The command `fdkit`. The package uses only its public functions here.
import { readArguments, unknown, UsageError } from './arguments.js'
import { du, usage as usageOfDu } from './du.js'
import { behave, complain } from './terminal.js'

declare const FDKIT_VERSION: string

interface Command {
  run(argv: string[]): Promise<number>
  usage: string
}

const commands: Record<string, Command> = { du: { run: du, usage: usageOfDu } }

const usage = `usage: fdkit COMMAND

  du [DIR]   prints the largest directories below DIR; see fdkit du --help

  --help     print this text
  --version  print the version of the package
`

/** Runs what the arguments ask for and returns the exit code. */
async function main([name, ...rest]: string[]): Promise<number> {
  const command = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined
  try {
    if (command !== undefined) return await command.run(rest)
    if (name !== undefined && !name.startsWith('-')) throw unknown('command', name, Object.keys(commands))
    const known = { '--help': false, '-h': false, '--version': false, '-V': false }
    const { options, operands } = readArguments([name ?? '--help', ...rest], known)
    if (operands[0] !== undefined) throw new UsageError(`a command comes first, not ${name}`)
    process.stdout.write(options.has('--version') || options.has('-V') ? `${FDKIT_VERSION}\n` : usage)
    return 0
  } catch (error) {
    complain(error instanceof Error ? error.message : String(error))
    if (!(error instanceof UsageError)) return 1
    process.stderr.write(`\n${command?.usage ?? usage}`)
    return 2
  }
}

behave()
process.exitCode = await main(process.argv.slice(2))
