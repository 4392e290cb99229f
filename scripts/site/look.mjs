// Opens pages of the built site in Chromium, at the widths of a desk and of a phone, light and dark.
// Fails if a page reports an error, lacks a file or is wider than the window, or if the search finds
// nothing. The pictures are in build/pictures. It needs Chromium (Debian's package "chromium").
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { extname, join, normalize } from 'node:path'

const site = 'build/site'
const pictures = 'build/pictures'
const pages = {
  home: '/',
  task: '/tasks/delete-a-directory',
  guide: '/sharing-memory',
  table: '/node-fs',
  plots: '/performance',
  reference: '/reference/fdkit/functions/fwalk',
}
const widths = { desk: 1280, phone: 390 }
const browser = process.env.CHROMIUM ?? '/usr/bin/chromium'

const types = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}

/** Serves the site as GitHub Pages does: a page without its ending is the file with .html. */
const server = createServer((request, response) => {
  const path = join(site, normalize(decodeURIComponent(new URL(request.url, 'http://site').pathname)))
  const file = [path, `${path}.html`, join(path, 'index.html')].find(
    (name) => existsSync(name) && extname(name),
  )
  if (file === undefined) {
    response.writeHead(request.url === '/favicon.ico' ? 204 : 404).end()
    return
  }
  response.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream' })
  response.end(readFileSync(file))
})

function fail(message) {
  console.error(`docs:look: ${message}`)
  process.exit(1)
}

if (!existsSync(`${site}/index.html`)) fail('there is no site; run "npm run docs" first')
if (!existsSync(browser)) fail(`there is no ${browser}; install Chromium, or let CHROMIUM name it`)

const { chromium } = createRequire(new URL('../../docs/package.json', import.meta.url))('playwright-core')
rmSync(pictures, { recursive: true, force: true })
mkdirSync(pictures, { recursive: true })
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const origin = `http://127.0.0.1:${server.address().port}`
// Chromium tries to reach its maker otherwise.
const args = [
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
const running = await chromium.launch({ executablePath: browser, args: [...args, '--no-sandbox'] })
const problems = []

for (const [device, width] of Object.entries(widths)) {
  for (const colorScheme of ['light', 'dark']) {
    const context = await running.newContext({ viewport: { width, height: 900 }, colorScheme })
    const page = await context.newPage()
    let where = ''
    page.on('pageerror', (error) => problems.push(`${where}: ${error.message}`))
    page.on(
      'console',
      (message) => message.type() === 'error' && problems.push(`${where}: ${message.text()}`),
    )
    page.on(
      'response',
      (response) => response.status() >= 400 && problems.push(`${where}: no ${response.url()}`),
    )
    for (const [name, path] of Object.entries(pages)) {
      where = `${path}, ${width} pixels, ${colorScheme}`
      await page.goto(origin + path, { waitUntil: 'networkidle' })
      const { scrollWidth, innerWidth } = await page.evaluate(() => ({
        scrollWidth: document.documentElement.scrollWidth,
        innerWidth,
      }))
      if (scrollWidth > innerWidth) problems.push(`${where}: it is ${scrollWidth} pixels wide`)
      await page.screenshot({ path: `${pictures}/${name}-${device}-${colorScheme}.png` })
    }
    await context.close()
  }
}

const page = await running.newPage()
await page.goto(origin, { waitUntil: 'networkidle' })
await page.keyboard.press('Control+k')
await page.locator('input[type=search], .VPLocalSearchBox input').first().fill('rmtree')
const found = page.locator('.VPLocalSearchBox .result')
await found
  .first()
  .waitFor({ timeout: 20_000 })
  .catch(() => problems.push('the search for "rmtree" finds nothing'))
const results = await found.count()

await running.close()
server.close()
if (problems.length > 0) fail(`\n  ${problems.join('\n  ')}`)
console.log(
  `docs:look: ${Object.keys(pages).length} pages at 2 widths, light and dark: ${pictures}; ${results} search results`,
)
