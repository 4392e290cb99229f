// Spelling in everything that is committed. typos.toml has the words that are meant.
import { step } from '../run.mjs'
import { tool } from '../tools.mjs'

step(tool('typos'), '--format', 'brief')
