// Throws on versions of Node.js that fdkit does not support. This module is evaluated before all
// others, and uses only features of Node.js 18.

/** The same range as "engines" in package.json. */
const supported = '^20.19 || ^22.12 || >=24'

function isSupported(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major >= 24
}

const { node, bun, deno } = process.versions as Record<string, string | undefined>

// Bun and Deno report a version of Node.js that they are only partly compatible with.
if (node !== undefined && bun === undefined && deno === undefined && !isSupported(node)) {
  const error = new Error(
    `fdkit needs Node.js ${supported}, and this is ${node}. Install one of those versions.`,
  )
  throw Object.assign(error, { code: 'ERR_FDKIT_NODE_VERSION' })
}
