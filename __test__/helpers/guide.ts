// Extracts the files and commands of guides.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { packageRoot } from './child.js'

const SHARING_MEMORY = 'sharing-memory'

/** Returns the name of a file from the first line of its block. */
export function fileName(firstLine: string | undefined): string | undefined {
  return /^\/\/ ([\w-]+\.ts)$/.exec(firstLine ?? '')?.[1]
}

function blocks(language: string, page: string): string[] {
  const fenced = new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm')
  return Array.from(
    readFileSync(join(packageRoot, `docs/${page}.md`), 'utf8').matchAll(fenced),
    ([, text = '']) => text,
  )
}

/** Returns the files of a guide by name. */
export function guideFiles(page = SHARING_MEMORY): Record<string, string> {
  const entries = blocks('ts', page).map((text) => [fileName(text.split('\n', 1)[0]), text] as const)
  return Object.fromEntries(entries.filter(([name]) => name !== undefined))
}

/** Returns the commands of a guide in their order, and their output. */
export function guideCommands(page = SHARING_MEMORY): { command: string; output: string }[] {
  return blocks('console', page).map((text) => {
    const [, command = '', output = ''] = /^\$ (.*)\n([^]*)$/.exec(text) ?? []
    return { command, output }
  })
}
