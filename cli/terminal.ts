// Output of the commands: names that cannot trick a terminal, sizes, and a line that shows progress.

// Matches everything that could move the cursor or reorder the line, and the bytes that are not
// UTF-8, which fdkit returns as U+DC80 to U+DCFF.
const harmful = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\\]/gu
const letters = new Map([
  ['\\', '\\\\'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\v', '\\v'],
])

const hex = (code: number, digits: number) => code.toString(16).padStart(digits, '0')

/** Escapes a name so that a terminal can show it. Different names stay different. */
export function printable(name: string): string {
  return name.replace(harmful, (character) => {
    const letter = letters.get(character)
    if (letter !== undefined) return letter
    const code = character.codePointAt(0) ?? 0
    const isByte = code >= 0xdc80 && code <= 0xdcff
    if (isByte || code < 0x80) return `\\x${hex(code & 0xff, 2)}`
    return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${hex(code, 4)}`
  })
}

/** Returns the JSON of a value, in which a terminal shows all characters of strings. */
export function printableJson(value: unknown): string {
  // JSON itself escapes what is below U+0020, and lone surrogates. The line breaks are its own.
  return JSON.stringify(value, null, 2).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    character === '\n'
      ? character
      : Array.from({ length: character.length }, (_, at) => `\\u${hex(character.charCodeAt(at), 4)}`).join(
          '',
        ),
  )
}

/** Returns a size with a unit, such as `1.5 MiB`. */
export function human(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  const power = bytes < 1024 ? 0 : Math.min(5, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`
}

/**
 * Truncates a text to a number of columns. A character beyond ASCII counts as two, the most that it
 * takes.
 */
function fit(text: string, columns: number): string {
  let used = 0
  let shown = ''
  for (const character of text) {
    used += character > '~' ? 2 : 1
    if (used > columns) break
    shown += character
  }
  return shown
}

const ERASE_LINE = '\r\x1b[K'
const isTerminal = process.stderr.isTTY && process.env['TERM'] !== 'dumb'

/** The last line of the terminal, which shows how far the command has come. */
export const progress = {
  isShown: false,

  show(text: string): void {
    if (!isTerminal) return
    this.isShown = true
    process.stderr.write(`${ERASE_LINE}${fit(text, (process.stderr.columns || 80) - 1)}`)
  },

  clear(): void {
    if (this.isShown) process.stderr.write(ERASE_LINE)
    this.isShown = false
  },
}

/** Prints an error below what was printed so far. */
export function complain(message: string): void {
  progress.clear()
  process.stderr.write(`fdkit: ${printable(message)}\n`)
}

/** Ends the process quietly if nobody reads its output, and with a clean line on Ctrl-C. */
export function behave(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // The reader of the output has enough, for example `head`.
      if (error.code === 'EPIPE') process.exit()
      throw error
    })
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      progress.clear()
      // There is no listener anymore, so the signal has its default effect, which the shell sees.
      process.kill(process.pid, signal)
    })
  }
}
