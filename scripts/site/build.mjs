// Builds the site into build/site: the reference from the public types, then all pages. Checks every
// link and anchor. It needs the network only to install its tools for the
// first time.
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

import { run } from '../run.mjs'

const site = 'build/site'
const inDocs = (script, ...args) => run(process.execPath, join('docs/node_modules', script), ...args)

function install() {
  const isCurrent =
    existsSync('docs/node_modules/.package-lock.json') &&
    readFileSync('docs/node_modules/.package-lock.json', 'utf8').includes('node_modules/vitepress"')
  if (!isCurrent) run('npm', 'ci', '--prefix', 'docs', '--ignore-scripts', '--no-audit', '--no-fund')
}

function generateReference() {
  mkdirSync('build/docs', { recursive: true })
  copyFileSync('index.d.ts', 'build/docs/fdkit.d.ts')
  copyFileSync('promises.d.ts', 'build/docs/fdkit-promises.d.ts')
  rmSync('docs/reference', { recursive: true, force: true })
  inDocs('typedoc/bin/typedoc', '--options', 'docs/typedoc.json', '--logLevel', 'Warn')
}

/** Everything that an HTML page can be linked at. */
function anchorsOf(html) {
  return new Set(Array.from(html.matchAll(/\sid="([^"]+)"/g), ([, id]) => decode(id)))
}

const decode = (text) => text.replaceAll('&amp;', '&').replaceAll('&#x27;', "'").replaceAll('&quot;', '"')

function checkLinks() {
  const base = process.env.DOCS_BASE ?? '/'
  const files = readdirSync(site, { recursive: true }).filter((name) => name.endsWith('.html'))
  const pages = new Map(files.map((file) => [join(site, file), readFileSync(join(site, file), 'utf8')]))
  const anchors = new Map(Array.from(pages, ([file, html]) => [file, anchorsOf(html)]))
  const dead = []
  for (const [file, html] of pages) {
    // Only what the page itself says: the sidebar is the same everywhere.
    const main = /<main[^>]*>([^]*)<\/main>/.exec(html)?.[1] ?? ''
    for (const [, raw] of main.matchAll(/<a [^>]*?href="([^"]+)"/g)) {
      const href = decode(raw)
      if (/^[a-z]+:/.test(href)) continue
      const [path, hash] = href.split('#')
      let target = file
      if (path) {
        const absolute = path.startsWith('/')
          ? join(site, path.slice(base.length - 1))
          : resolve(dirname(file), path)
        const candidates = [absolute, `${absolute}.html`, join(absolute, 'index.html')].map((name) =>
          relative('.', name),
        )
        target = candidates.find((name) => pages.has(name) || (existsSync(name) && /\.\w+$/.test(name)))
      }
      const known = target && anchors.get(target)
      if (!target) dead.push(`${file}: ${href}`)
      else if (hash && known && !known.has(decodeURIComponent(hash))) dead.push(`${file}: ${href}`)
    }
  }
  if (dead.length > 0) {
    console.error(`docs: links that lead nowhere:\n  ${dead.join('\n  ')}`)
    process.exit(1)
  }
  console.log(`docs: ${pages.size} pages in ${site}, every link and anchor leads somewhere`)
}

install()
generateReference()
inDocs('vitepress/bin/vitepress.js', 'build', 'docs')
checkLinks()
