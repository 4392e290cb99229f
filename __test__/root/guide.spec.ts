// Runs the programs of docs/root.md and docs/tasks/unpack-an-archive.md, as they are on the pages.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { get } from 'node:http'
import { createInterface } from 'node:readline'

import test, { type ExecutionContext } from 'ava'

import { guideDirectory, guideFiles } from '../helpers/guide.js'
import { missing, notLinux, unless } from '../helpers/platform.js'
import { link, type Tree } from '../helpers/tree.js'

const files = { ...guideFiles('root.md'), ...guideFiles('tasks/unpack-an-archive.md') }

/** Creates a directory with the programs, the package and more. */
const makeDirectory = (t: ExecutionContext, more: Tree = {}) => guideDirectory(t, { ...files, ...more })

test('the pages have their programs', (t) => {
  t.deepEqual(Object.keys(files), [
    'static-server.mjs',
    'agent-tools.mjs',
    'agent.mjs',
    'unpack.mjs',
    'archive.mjs',
  ])
})

unless(notLinux)('static-server.mjs serves what is beneath its directory, and nothing else', async (t) => {
  const top = makeDirectory(t, {
    secret: 'secret',
    public: {
      'index.html': '<h1>hello</h1>',
      empty: '',
      'a b': { 'file.css': 'css' },
      out: link('../secret'),
      etc: link('/etc'),
      in: link('a b'),
    },
  })
  const server = spawn(process.execPath, ['static-server.mjs', 'public', '0'], {
    cwd: top,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => server.kill('SIGKILL'))
  const [base] = (await once(createInterface(server.stdout), 'line')) as [string]
  const { port } = new URL(base)
  // `fetch` would resolve `..` itself.
  const ask = async (path: string) => {
    const [response] = await once(get({ host: 'localhost', port, path }), 'response')
    let body = ''
    for await (const chunk of response) body += chunk
    return `${response.statusCode} ${body}`
  }
  t.is(await ask('/'), '200 <h1>hello</h1>')
  t.is(await ask('/a%20b/file.css?query'), '200 css')
  t.is(await ask('/in/file.css'), '200 css')
  t.is(await ask('/empty'), '200 ')
  for (const path of [
    '/../secret',
    '/%2e%2e/secret',
    '/out',
    '/etc/passwd',
    '/in/../../secret',
    '/a%20b/..%2f..%2fsecret',
  ]) {
    t.is(await ask(path), '403 ', path)
  }
  for (const path of ['/none', '/in', '/index.html/']) t.is(await ask(path), '404 ', path)
  for (const path of ['/%', '/%00']) t.is(await ask(path), '400 ', path)
})

unless(notLinux || missing('python3'))(
  'unpack.mjs unpacks an archive, and refuses what would leave the directory',
  (t) => {
    const top = makeDirectory(t, { target: {}, outside: { file: 'kept' } })
    const make = `
import io, sys, tarfile
tar = tarfile.open(fileobj=sys.stdout.buffer, mode='w|', format=tarfile.USTAR_FORMAT)
def add(name, type=tarfile.REGTYPE, data=b'', link=''):
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname, info.mode = type, len(data), link, 0o750
    tar.addfile(info, io.BytesIO(data))
add('dir', tarfile.DIRTYPE)
add('dir/file', data=b'x' * 70000)
add('deep/er/' + 'n' * 90 + '/' + 'm' * 90, data=b'long')
add('link', tarfile.SYMTYPE, link='dir')
add('link/through', data=b'beneath')
add('hard', tarfile.LNKTYPE, link='dir/file')
add('../outside/evil', data=b'evil')
add('${top}/outside/evil', data=b'evil')
add('out', tarfile.SYMTYPE, link='../outside')
add('out/evil', data=b'evil')
add('out/file', data=b'evil')
add('stolen', tarfile.LNKTYPE, link='out/file')
add('dir/../../outside/evil', data=b'evil')
add('last', data=b'last')
tar.close()
`
    const archive = spawnSync('python3', ['-c', make]).stdout
    const { stdout, stderr } = spawnSync(process.execPath, ['unpack.mjs', 'target'], {
      cwd: top,
      input: archive,
    })
    t.is(stderr.toString(), '')
    t.deepEqual(stdout.toString().trim().split('\n'), [
      'refused: ../outside/evil',
      `refused: ${top}/outside/evil`,
      'refused: out/evil',
      'refused: out/file',
      'refused: stolen',
      'refused: dir/../../outside/evil',
    ])
    t.deepEqual(fs.readdirSync(`${top}/outside`), ['file'])
    t.is(fs.readFileSync(`${top}/outside/file`, 'utf8'), 'kept')
    const read = (path: string) => fs.readFileSync(`${top}/target/${path}`, 'utf8')
    t.is(read('dir/file'), 'x'.repeat(70_000))
    t.is(read('dir/through'), 'beneath')
    t.is(read('last'), 'last')
    t.is(read(`deep/er/${'n'.repeat(90)}/${'m'.repeat(90)}`), 'long')
    t.is(fs.statSync(`${top}/target/hard`).nlink, 2)
    t.is(fs.statSync(`${top}/target/dir/file`).mode & 0o777, 0o750)
  },
)

unless(notLinux)('agent-tools.mjs works in its directory, and answers with text', async (t) => {
  const top = makeDirectory(t, {
    secret: 'secret',
    work: { src: { 'a.ts': 'const a = 1' }, out: link('..') },
  })
  fs.writeFileSync(
    `${top}/run.mjs`,
    `
    import { fileTools } from './agent-tools.mjs'
    const tools = await fileTools('work')
    const answers = [
      await tools.list(),
      await tools.read('src/a.ts'),
      await tools.replace('src/a.ts', '1', '2'),
      await tools.replace('src/a.ts', 'none', '2'),
      await tools.write('new/dir/b.ts', 'const b = 2'),
      await tools.search('= 2'),
      await tools.read('../secret'),
      await tools.read('out/secret'),
      await tools.read('src'),
      await tools.write('/tmp/fdkit-evil', 'evil'),
      await tools.remove('out/work'),
      await tools.remove('out'),
      await tools.remove('new'),
      await tools.read('none'),
      await tools.list('src'),
    ]
    await tools.close()
    console.log(JSON.stringify(answers))
    `,
  )
  const { stdout, stderr } = spawnSync(process.execPath, ['run.mjs'], { cwd: top, encoding: 'utf8' })
  t.is(stderr, '')
  const out = 'error: this path leads out of the workspace'
  t.deepEqual(JSON.parse(stdout), [
    'out\nsrc/',
    'const a = 1',
    'replaced',
    'error: the text occurs 0 times',
    'written',
    'src/a.ts\nnew/dir/b.ts',
    out,
    out,
    'error: this is not a regular file',
    out,
    out,
    'removed',
    'removed',
    'error: ENOENT',
    'a.ts',
  ])
  t.is(fs.readFileSync(`${top}/secret`, 'utf8'), 'secret')
})
