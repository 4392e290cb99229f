// TypeScript and JavaScript are formatted; `npm run format` does it.
import { stepScript } from '../run.mjs'

stepScript('oxfmt/bin/oxfmt', '--check')
