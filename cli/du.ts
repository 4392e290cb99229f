// fdkit du: the largest directories of a tree.
import { diskUsage, lstat } from 'fdkit/promises'

import { readArguments, UsageError } from './arguments.js'
import { complain, human, printable, printableJson, progress } from './terminal.js'

const LARGEST = 20

export const usage = `usage: fdkit du [--top N] [--json] [DIR]

Prints the largest directories below DIR (by default the working directory), each with
everything below it, and the total. A file with several names counts once. Symbolic links
are not followed. Sizes are apparent sizes: the lengths of the files.

  --top N  how many directories to print (by default ${LARGEST})
  --json   print an object: bytes, allocated (what is taken on the disk), files, directories,
           largest (the same for each directory), and errors
  --help   print this text

In names, \\n, \\t, \\\\ and the like stand for control characters and the backslash, and \\xNN
for a byte that is not UTF-8. In JSON, \\udcNN stands for such a byte.

The exit code is 1 if something could not be read; the rest is counted.
`

interface Failure {
  code: string
  path: string
  message: string
}

async function isLink(path: string): Promise<boolean> {
  if (path.endsWith('/')) return false
  try {
    return (await lstat(path)).isSymbolicLink()
  } catch {
    // diskUsage says what is wrong with the path.
    return false
  }
}

function readTop(value: string | true | undefined): number {
  if (value === undefined) return LARGEST
  const top = /^\d+$/.test(String(value)) ? Number(value) : Number.NaN
  if (!(top < 2 ** 32)) throw new UsageError(`--top needs a number from 0 to 4294967295, not ${value}`)
  return top
}

const plural = (count: number, one: string, many: string) => `${count} ${count === 1 ? one : many}`

/** Runs the command and returns its exit code. */
export async function du(argv: string[]): Promise<number> {
  const known = { '--top': true, '--json': false, '--help': false, '-h': false }
  const { options, operands } = readArguments(argv, known)
  if (options.has('--help') || options.has('-h')) {
    process.stdout.write(usage)
    return 0
  }
  const largest = readTop(options.get('--top'))
  const [path = '.', ...more] = operands
  if (more.length > 0) throw new UsageError(`one directory only, not ${operands.length}`)
  if (await isLink(path)) {
    complain(`${path} is a symbolic link; write ${path}/ to measure what it leads to`)
    return 1
  }

  const errors: Failure[] = []
  const size = await diskUsage(path, {
    largest,
    onerror({ code, path, message }) {
      errors.push({ code, path: path ?? '', message })
      complain(message)
    },
    onprogress({ bytes, directories }, at) {
      progress.show(`${plural(directories, 'directory', 'directories')}, ${human(bytes)}, ${printable(at)}`)
    },
  })
  progress.clear()
  if (options.has('--json')) {
    process.stdout.write(`${printableJson({ path, ...size, errors })}\n`)
  } else {
    const line = (bytes: number, text: string) => `${human(bytes).padStart(10)}  ${text}\n`
    const lines = size.largest.map(({ bytes, path }) => line(bytes, printable(path)))
    const files = plural(size.files, 'file', 'files')
    const directories = plural(size.directories, 'directory', 'directories')
    const total = line(size.bytes, `total: ${size.bytes} bytes in ${files} and ${directories}`)
    process.stdout.write([...lines, total].join(''))
  }
  return errors.length > 0 ? 1 : 0
}
