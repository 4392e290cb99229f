// A registry of npm packages in memory, on the loopback address. Packages can be published to it,
// and every package manager can install them. It answers 404 for all other packages.
import { once } from 'node:events'
import { createServer } from 'node:http'

const json = (response, code, value) => {
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

async function body(request) {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  return JSON.parse(Buffer.concat(chunks).toString())
}

/**
 * Starts the registry. Returns its address, the published packages, and a function that stops it.
 */
export async function startRegistry() {
  const documents = new Map()
  const tarballs = new Map()

  async function publish(name, request) {
    const sent = await body(request)
    const known = documents.get(name) ?? { _id: name, name, 'dist-tags': {}, versions: {}, time: {} }
    const [version] = Object.keys(sent.versions)
    if (known.versions[version]) return [403, { error: `${name}@${version} already exists` }]
    const manifest = sent.versions[version]
    for (const [file, { data }] of Object.entries(sent['_attachments'])) {
      const path = `/${name}/-/${file.split('/').at(-1)}`
      tarballs.set(path, Buffer.from(data, 'base64'))
      manifest.dist.tarball = `${url}${path}`
    }
    known.versions[version] = manifest
    known.time[version] = new Date(0).toISOString()
    Object.assign(known['dist-tags'], sent['dist-tags'])
    // As in npm's registry, the first version becomes the latest one.
    known['dist-tags'].latest ??= version
    documents.set(name, known)
    return [201, { ok: true }]
  }

  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url, 'http://localhost').pathname)
    if (request.method === 'PUT') return json(response, ...(await publish(path.slice(1), request)))
    if (tarballs.has(path)) return response.end(tarballs.get(path))
    const found = documents.get(path.slice(1))
    if (found) return json(response, 200, found)
    json(response, 404, { error: 'not found' })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${server.address().port}`
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { url, documents, tarballs, close }
}
