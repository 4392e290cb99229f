// Creates files in directories. It also creates the directory above.
import * as fs from 'node:fs'

import { answer, args } from '../context.mjs'

const [top, directories, files] = args
for (let i = 0; i < directories; i++) {
  const directory = top + '/' + 'directory'.repeat(3) + i
  fs.mkdirSync(directory, { recursive: true })
  for (let j = 0; j < files; j++) {
    fs.closeSync(fs.openSync(directory + '/file-with-a-name-of-some-length-' + j, 'w'))
  }
}
answer(null)
