// The files and the commands of the guide to shared memory.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { packageRoot } from './child.js'

const guide = join(packageRoot, 'docs/sharing-memory.md')

/** What a block that is a file begins with: its name. */
export function fileName(firstLine: string | undefined): string | undefined {
  return /^\/\/ ([\w-]+\.ts)$/.exec(firstLine ?? '')?.[1]
}

function blocks(language: string): string[] {
  const fenced = new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm')
  return Array.from(readFileSync(guide, 'utf8').matchAll(fenced), ([, text = '']) => text)
}

/** The files of the guide: name → text. */
export function guideFiles(): Record<string, string> {
  const entries = blocks('ts').map((text) => [fileName(text.split('\n', 1)[0]), text] as const)
  return Object.fromEntries(entries.filter(([name]) => name !== undefined))
}

/** Its commands, in their order, and what they write. */
export function guideCommands(): { command: string; output: string }[] {
  return blocks('console').map((text) => {
    const [, command = '', output = ''] = /^\$ (.*)\n([^]*)$/.exec(text) ?? []
    return { command, output }
  })
}
