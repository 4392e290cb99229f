// The site. `npm run docs` builds it into build/site.
import { readdirSync, readFileSync } from 'node:fs'

const root = new URL('../..', import.meta.url)
const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))

/** The generated pages of one entry point, by kind. */
function reference(entry) {
  const directory = new URL(`docs/reference/${entry}/`, root)
  const kinds = {
    functions: 'Functions',
    classes: 'Classes',
    interfaces: 'Interfaces',
    'type-aliases': 'Types',
    variables: 'Constants',
  }
  const present = new Set(readdirSync(directory))
  return Object.entries(kinds)
    .filter(([kind]) => present.has(kind))
    .map(([kind, text]) => ({
      text,
      collapsed: kind !== 'functions',
      items: readdirSync(new URL(`${kind}/`, directory))
        .filter((file) => file.endsWith('.md'))
        .map((file) => file.slice(0, -'.md'.length))
        .map((name) => ({ text: name, link: `/reference/${entry}/${kind}/${name}` })),
    }))
}

/** On GitHub the pages link to files of the project beside docs/; from the site those are on GitHub. */
function linkToSource(md) {
  md.core.ruler.push('source', ({ tokens }) => {
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const href = token.type === 'link_open' && token.attrGet('href')
      if (href && href.startsWith('../')) {
        token.attrSet('href', `https://github.com/fdkit/fdkit/tree/main/${href.slice('../'.length)}`)
      }
    }
  })
}

const pages = (directory, names) =>
  Object.entries(names).map(([page, text]) => ({ text, link: `/${directory}${page}` }))

export const sidebar = {
  '/reference/': [
    { text: 'fdkit', items: reference('fdkit') },
    { text: 'fdkit/promises', collapsed: true, items: reference('fdkit-promises') },
  ],
}

export default {
  title: 'fdkit',
  description: 'Directories and memory files by descriptor for Node.js',
  base: process.env.DOCS_BASE ?? '/',
  outDir: '../build/site',
  cacheDir: '../build/vitepress',
  srcExclude: ['README.md', 'node_modules/**'],
  cleanUrls: true,
  lastUpdated: false,
  // A link that leads nowhere fails the build; anchors are checked by scripts/site/build.mjs.
  ignoreDeadLinks: false,
  markdown: {
    config: linkToSource,
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Tasks', link: '/tasks/delete-a-directory' },
      { text: 'Guide', link: '/directory-descriptors' },
      { text: 'Reference', link: '/reference/' },
      { text: version, link: 'https://github.com/fdkit/fdkit/blob/main/CHANGELOG.md' },
    ],
    sidebar: {
      ...sidebar,
      '/': [
        {
          text: 'Tasks',
          items: pages('tasks/', {
            'delete-a-directory': 'Delete a directory safely',
            'walk-node-modules': 'Walk node_modules fast',
            'serve-files': 'Serve files below a directory',
            'unpack-an-archive': 'Unpack an archive safely',
            'write-atomically': 'Write a file atomically',
            'pass-a-secret': 'Pass a secret to a child',
            'share-frames': 'Share frames',
            'ring-buffer': 'A ring buffer',
            'hand-over-a-file': 'Hand a memory file over',
            'run-from-memory': 'Run a program from memory',
            'disk-usage': 'Measure disk usage',
          }),
        },
        {
          text: 'Guides',
          items: pages('', {
            'directory-descriptors': 'Directory descriptors',
            root: 'A directory that nothing leads out of',
            'sharing-memory': 'Sharing memory',
            'handing-over-descriptors': 'Handing over descriptors',
          }),
        },
        {
          text: 'Coming from',
          items: pages('', {
            'node-fs': 'node:fs',
            'python-parity': 'Python',
            'other-packages': 'rimraf, fdir and others',
            'fs-safe': '@openclaw/fs-safe',
          }),
        },
        {
          text: 'In production',
          items: pages('', {
            bundlers: 'Bundling',
            platforms: 'Platforms and runtimes',
            permissions: 'Permissions',
            security: 'Security',
            troubleshooting: 'Troubleshooting',
            performance: 'Performance',
          }),
        },
        {
          text: 'About',
          items: pages('', {
            'kernel-features': 'Kernel features',
            design: 'Design',
            release: 'Releases and stability',
          }),
        },
      ],
    },
    socialLinks: [{ icon: 'github', link: 'https://github.com/fdkit/fdkit' }],
  },
}
