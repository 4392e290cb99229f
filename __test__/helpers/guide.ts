// Extracts the files and commands of the guides, and sets up directories with them.
import { readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

import type { ExecutionContext } from 'ava'

import { packageRoot } from './child.js'
import { makeTree, type Tree } from './tree.js'

/** Returns the name of a file from the first line of its block. */
function fileName(firstLine: string | undefined): string | undefined {
  return /^(?:\/\/|#) ([\w-]+\.(?:mjs|py))$/.exec(firstLine ?? '')?.[1]
}

function blocks(guide: string, language: string): string[] {
  const fenced = new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm')
  return Array.from(
    readFileSync(join(packageRoot, 'docs', guide), 'utf8').matchAll(fenced),
    ([, text = '']) => text,
  )
}

/** Returns the files of a guide by name. */
export function guideFiles(guide = 'sharing-memory.md'): Record<string, string> {
  const all = [...blocks(guide, 'js'), ...blocks(guide, 'py')]
  const entries = all.map((text) => [fileName(text.split('\n', 1)[0]), text] as const)
  return Object.fromEntries(entries.filter(([name]) => name !== undefined))
}

/** Returns the commands of a guide in their order, and their output. */
export function guideCommands(guide = 'sharing-memory.md'): { command: string; output: string }[] {
  return blocks(guide, 'console').map((text) => {
    const [, command = '', output = ''] = /^\$ (.*)\n([^]*)$/.exec(text) ?? []
    return { command, output }
  })
}

/** Creates a directory with files of a guide and the package. */
export function guideDirectory(t: ExecutionContext, files: Tree): string {
  const top = makeTree(t, { ...files, 'package.json': '{ "type": "module" }', node_modules: {} })
  symlinkSync(packageRoot, `${top}/node_modules/fdkit`)
  return top
}
