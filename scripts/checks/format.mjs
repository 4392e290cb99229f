// Checks the format of TypeScript and JavaScript. `npm run format` fixes it.
import { stepScript } from '../run.mjs'

stepScript('oxfmt/bin/oxfmt', '--check')
