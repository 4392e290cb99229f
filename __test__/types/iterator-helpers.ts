// The methods of Iterator.prototype, for compilers whose library declares them.
import { fwalk } from 'fdkit'

const paths: string[] = fwalk('src')
  .filter(([, , filenames]) => filenames.length > 0)
  .map(([dirpath]) => dirpath)
  .take(10)
  .toArray()
const buffers: Buffer[] = fwalk(Buffer.from('src'))
  .map(([dirpath]) => dirpath)
  .toArray()
void [paths, buffers]
