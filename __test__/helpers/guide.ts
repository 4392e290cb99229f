// Extracts the files and commands of the guide to shared memory.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { packageRoot } from './child.js'

const guide = join(packageRoot, 'docs/sharing-memory.md')

/** Returns the name of a file from the first line of its block. */
export function fileName(firstLine: string | undefined): string | undefined {
  return /^\/\/ ([\w-]+\.ts)$/.exec(firstLine ?? '')?.[1]
}

function blocks(language: string): string[] {
  const fenced = new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm')
  return Array.from(readFileSync(guide, 'utf8').matchAll(fenced), ([, text = '']) => text)
}

/** Returns the files of the guide by name. */
export function guideFiles(): Record<string, string> {
  const entries = blocks('ts').map((text) => [fileName(text.split('\n', 1)[0]), text] as const)
  return Object.fromEntries(entries.filter(([name]) => name !== undefined))
}

/** Returns the commands of the guide in their order, and their output. */
export function guideCommands(): { command: string; output: string }[] {
  return blocks('console').map((text) => {
    const [, command = '', output = ''] = /^\$ (.*)\n([^]*)$/.exec(text) ?? []
    return { command, output }
  })
}
