// Tests the benchmark program, but not its measurements.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

import test from 'ava'

import { bars, barsOf } from '../../bench/harness/bars.js'
import { plot } from '../../bench/harness/plot.js'
import { printTargets } from '../../bench/harness/report.js'

test.serial('printTargets counts the targets that are missed', (t) => {
  const lines: string[] = []
  const { log } = console
  console.log = (line: string) => lines.push(line)
  t.teardown(() => {
    console.log = log
  })
  const atMost = (figure: number) => ({ what: `at most, ${figure}`, figure, unit: 'x', atMost: 2 })
  const atLeast = (figure: number) => ({ what: `at least, ${figure}`, figure, unit: 'x', atLeast: 2 })
  t.is(printTargets([atMost(2), atLeast(2), atMost(1), atLeast(3)]), 0)
  t.is(printTargets([atMost(2.01), atLeast(1.99), atMost(1), atLeast(Number.NaN)]), 3)
  t.is(lines.filter((line) => line.endsWith('MISSES')).length, 3)
})

test('a suite that does not exist is an error', (t) => {
  const args = ['--import', '@oxc-node/core/register', 'bench/main.ts', '--only', 'no-such-suite']
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  t.is(status, 2)
  t.is(stdout, '')
  t.regex(stderr, /^bench: no such suite: no-such-suite\n\nusage: /)
})

const plots = {
  bars: () =>
    bars({
      title: 'a < b & "c"',
      suite: 'walk',
      unit: 'ms',
      groups: [
        {
          title: 'one',
          bars: [
            { label: 'ours', value: 2, isOwn: true },
            { label: 'R&D', value: 1234.4 },
          ],
        },
        { title: '', bars: [{ label: 'fast', value: 0.5 }] },
      ],
    }),
  plot: () =>
    plot({
      title: 'a < b & "c"',
      suite: 'walk',
      x: [10, 1000],
      xLabel: 'entries',
      yLabel: 'ms',
      series: [{ label: 'R&D', values: [1, 20] }],
    }),
}

for (const [name, draw] of Object.entries(plots)) {
  test(`${name}: the SVG is well-formed, and its last lines say when, where and how it was measured`, (t) => {
    const svg = draw()
    // Each tag is closed by its own, and the text has no other markup.
    const open: string[] = []
    const rest = svg.replaceAll(/<(\/?)(\w+)(?: [\w:-]+="[^"<]*")*(\/?)>/g, (_, closes, tag, isEmpty) => {
      if (closes !== '') t.is(open.pop(), tag)
      else if (isEmpty === '') open.push(tag)
      return ''
    })
    t.deepEqual(open, [])
    t.notRegex(rest.replaceAll(/&(amp|lt|quot);/g, ''), /[<>&]/)
    t.true(svg.includes('>a &lt; b &amp; &quot;c&quot;</text>'))
    t.true(svg.includes('R&amp;D'))
    const last =
      /^\d{4}-\d\d-\d\d, \d+ × .* \(\w+\), Linux [\d.]+, Node\.js v[\d.]+\nnpm run bench -- --plots --only walk$/
    const texts = Array.from(svg.matchAll(/>([^<>]*)<\/text>/g), ([, text]) => text)
    t.regex(texts.slice(-2).join('\n'), last)
    t.true(svg.includes('prefers-color-scheme:dark'))
  })
}

test('bars: the lengths are proportional, and values have two digits', (t) => {
  const svg = plots.bars()
  const widths = Array.from(
    svg.matchAll(/<rect class="(own|peer)" .*width="([\d.]+)"/g),
    ([, kind, width]) => [kind, Number(width)],
  )
  t.deepEqual(widths, [
    ['own', 1],
    ['peer', 270],
    ['peer', 1],
  ])
  t.deepEqual(
    Array.from(svg.matchAll(/>([\d.,]+) ms</g), ([, value]) => value),
    ['2.0', '1,234', '0.50'],
  )
  t.regex(svg, /class="bold">ours</)
  t.notRegex(svg, /class="bold">fast</)
})

test('bars: outcomes keep the order of their names, and those that were not measured are left out', (t) => {
  const outcome = (label: string, nanoseconds: number) => ({
    label,
    nanoseconds,
    rounds: [],
    seen: undefined,
  })
  t.deepEqual(
    barsOf([outcome('a', 3e6), outcome('b', 5e6), outcome('c', 1)], 1e6, { b: 'B', none: 'N', a: 'A' }, [
      'a',
    ]),
    [
      { label: 'B', value: 5, isOwn: false },
      { label: 'A', value: 3, isOwn: true },
    ],
  )
})

test('each plot of the benchmark is in the documentation, with a text that describes it', (t) => {
  const page = readFileSync('docs/performance.md', 'utf8')
  const names = ['walk', 'threads', 'scaling', 'rmtree', 'handing', 'messages']
  const suites = readdirSync('bench/suites')
    .map((name) => readFileSync(`bench/suites/${name}`, 'utf8'))
    .join('')
  t.deepEqual(
    Array.from(page.matchAll(/!\[([^\]]{20,})\]\(plots\/(\w+)\.svg\)/g), ([, , name]) => name),
    names,
  )
  t.deepEqual(readdirSync('docs/plots').toSorted(), names.map((name) => `${name}.svg`).toSorted())
  for (const name of names) {
    t.regex(suites, new RegExp(`savePlot\\(\\s*'${name}'`), name)
  }
})
