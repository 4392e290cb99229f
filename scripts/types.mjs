// The public types: one declaration file for each entry, with the documentation in full.
//
// dts-bundle-generator collects the declarations. This script does the rest:
// - `fdkit/promises` imports the types that `fdkit` exports. A second copy of a unique symbol or of a
//   class would be another type.
// - A constant with the type of a function becomes a function, as people expect it.
// - A function that `promised` returned is declared like the function of the same name in `fdkit`, with
//   its documentation and its overloads, but with a promise of the result.
// - `{@inheritDoc NAME}` is replaced with the documentation of the function of that name in `fdkit`,
//   its examples rewritten for promises.
// - Editors show the documentation of the overload that was called, so each overload gets a copy.
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'

import { awaitExample } from './types-example.mjs'
import { replaceFile, runScript } from './run.mjs'

const require = createRequire(import.meta.url)
// TypeScript 7 has no API yet, so this is the version that the generator depends on.
export const ts = createRequire(require.resolve('dts-bundle-generator/package.json'))('typescript')

const parse = (path) => ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true)

/** Applies `[start, end, text]` edits, which must not overlap. */
function edited(text, edits) {
  let result = text
  for (const [start, end, replacement] of edits.toSorted((a, b) => b[0] - a[0])) {
    result = result.slice(0, start) + replacement + result.slice(end)
  }
  return result
}

const isExported = (node) => node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false

/** Returns the names that a top-level statement declares. */
function declaredNames(node) {
  if (ts.isVariableStatement(node)) return node.declarationList.declarations.map(({ name }) => name.text)
  return node.name ? [node.name.text] : []
}

function exportedNames(source) {
  return new Set(source.statements.filter(isExported).flatMap(declaredNames))
}

/** Returns the documentation comment of a node, or undefined. */
const docOf = (node) => node.jsDoc?.at(-1)

/** Returns the text and the tags of a comment, as lines without their stars. */
function readDoc(comment) {
  const lines = comment
    .replace(/^\/\*\*|\*\/$/g, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, '').trimEnd())
  const blocks = [[]]
  let isInFence = false
  for (const line of lines) {
    if (line.startsWith('```')) isInFence = !isInFence
    if (!isInFence && /^@\w/.test(line)) blocks.push([])
    blocks.at(-1).push(line)
  }
  const [text, ...tags] = blocks.map((block) => block.join('\n').trim())
  return { text, tags }
}

function writeDoc(text, tags) {
  const body = [text, ...(tags.length > 0 ? [tags.join('\n')] : [])].join('\n\n')
  const lines = body.split('\n').map((line) => ` * ${line}`.trimEnd())
  return `/**\n${lines.join('\n')}\n */`
}

const order = ['@param', '@returns', '@throws', '@see', '@example']
const rank = (tag) => order.findIndex((name) => tag.startsWith(name))

/** Replaces `{@inheritDoc NAME}` in a comment with the documentation of that function. */
function inherit(comment, twins, asynchronous) {
  const name = /\{@inheritDoc (\w+)\}/.exec(comment)?.[1]
  if (name === undefined) return comment
  const twin = twins.get(name)
  if (twin === undefined) throw new Error(`{@inheritDoc ${name}}: fdkit documents no such function`)
  const own = readDoc(comment)
  const inherited = readDoc(twin)
  const hasExample = own.tags.some((tag) => tag.startsWith('@example'))
  const tags = inherited.tags
    .filter((tag) => !(hasExample && tag.startsWith('@example')))
    .map((tag) => (tag.startsWith('@example') ? awaitExample(ts, tag, asynchronous) : tag))
  const all = [...tags, ...own.tags].toSorted((a, b) => rank(a) - rank(b))
  return writeDoc(own.text.replace(/\{@inheritDoc \w+\}/, inherited.text), all)
}

/** Returns the edits that give each overload the documentation of the first. */
function documentOverloads(members) {
  const edits = []
  let first
  for (const member of members) {
    const isOverload = first?.name?.getText() === member.name?.getText() && first?.kind === member.kind
    if (!isOverload) first = docOf(member) && member.name ? member : undefined
    else if (docOf(member) === undefined) {
      const start = member.getStart()
      const line = member.getSourceFile().text.slice(0, start)
      const indent = /[^\n]*$/.exec(line)[0]
      edits.push([start, start, `${docOf(first).getText()}\n${indent}`])
    }
  }
  return edits
}

/**
 * Returns the call signatures of a constant whose type is that of a function, or undefined for
 * everything else.
 */
function signaturesOf(node) {
  if (!ts.isVariableStatement(node)) return undefined
  const { type } = node.declarationList.declarations[0]
  if (type === undefined) return undefined
  if (ts.isFunctionTypeNode(type)) return [type]
  const isFunction = ts.isTypeLiteralNode(type) && type.members.every(ts.isCallSignatureDeclaration)
  return isFunction ? type.members : undefined
}

/**
 * Writes a parameter as people write it. In an inferred type, an optional parameter is also
 * `undefined`, and TypeScript before 5.7 does not know `Uint8Array<ArrayBufferLike>`.
 */
function writeParameter(parameter) {
  const text = parameter.getText().replaceAll('Uint8Array<ArrayBufferLike>', 'Uint8Array')
  const plain = parameter.questionToken ? text.replace(/ \| undefined$/, '') : text
  return plain.replaceAll('\n\t', '\n')
}

/** Writes the declaration of a function. `wrap` changes the text of the result's type. */
function writeFunction(name, { parameters, type }, wrap = (result) => result) {
  const list = parameters.map(writeParameter).join(', ')
  return `export declare function ${name}(${list}): ${wrap(type.getText())};`
}

/** Turns the constants that are functions into functions. */
function declareFunctions(path) {
  const source = parse(path)
  const edits = source.statements.flatMap((node) => {
    const [name] = declaredNames(node)
    const signatures = signaturesOf(node)
    if (signatures === undefined) return []
    const functions = signatures.map((signature) => writeFunction(name, signature))
    return [[node.getStart(), node.getEnd(), functions.join('\n')]]
  })
  writeFileSync(path, edited(source.text, edits))
}

/**
 * Returns the declarations of a function of `fdkit/promises`: those of the function of the same name
 * in `fdkit`, with promises of their results.
 */
function writePromised(main, name) {
  const twins = main.statements.filter((node) => ts.isFunctionDeclaration(node) && node.name.text === name)
  if (twins.length === 0) throw new Error(`${name} of fdkit/promises: fdkit has no such function`)
  const wrap = (result) => `Promise<${result}>`
  const functions = twins.map((twin) => writeFunction(name, twin, wrap))
  return `/** {@inheritDoc ${name}} */\n${functions.join('\n')}`
}

/** Declares the functions that `promised` returned. */
function declarePromised(mainPath, path) {
  const main = parse(mainPath)
  const source = parse(path)
  const edits = source.statements
    .filter((node) => signaturesOf(node) !== undefined)
    .map((node) => [node.getStart(), node.getEnd(), writePromised(main, declaredNames(node)[0])])
  writeFileSync(path, edited(source.text, edits))
}

function fillIn(path) {
  const source = parse(path)
  const groups = source.statements.filter(
    (node) => ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node),
  )
  const edits = [source.statements, ...groups.map(({ members }) => members)].flatMap(documentOverloads)
  writeFileSync(path, edited(source.text, edits))
}

/**
 * Replaces declarations that `fdkit` exports, too, with an import, and fills in inherited
 * documentation.
 */
function deriveFrom(mainPath, path) {
  const main = parse(mainPath)
  const source = parse(path)
  const shared = exportedNames(main)
  const twins = new Map()
  for (const node of main.statements) {
    const [name] = declaredNames(node)
    if (docOf(node) && !twins.has(name)) twins.set(name, docOf(node).getText())
  }
  const edits = []
  const kept = []
  const dropped = []
  for (const node of source.statements) {
    const names = declaredNames(node)
    if (names.length > 0 && !isExported(node)) {
      dropped.push(...names)
      edits.push([node.getFullStart(), node.getEnd(), ''])
      continue
    }
    kept.push(node)
    const doc = docOf(node)
    if (doc) edits.push([doc.getStart(), doc.getEnd(), inherit(doc.getText(), twins, exportedNames(source))])
  }
  const used = new Set()
  const visit = (node) => {
    if (ts.isIdentifier(node)) used.add(node.text)
    ts.forEachChild(node, visit)
  }
  kept.forEach(visit)
  const nowhere = dropped.find((name) => used.has(name) && !shared.has(name))
  if (nowhere !== undefined)
    throw new Error(`${nowhere} is used by the types of ${path}, but exported nowhere`)
  const own = exportedNames(source)
  const imported = [...shared].filter((name) => used.has(name) && !own.has(name)).toSorted()
  const lastImport = source.statements.findLast(ts.isImportDeclaration)
  const statement = `\nimport type {\n${imported.map((name) => `\t${name},\n`).join('')}} from './index.js';`
  edits.push([lastImport.getEnd(), lastImport.getEnd(), statement])
  writeFileSync(path, edited(source.text, edits))
}

/** Puts the comment at the start of the entry's source before its declarations. */
function addIntroduction(path, entry) {
  const [introduction] = /^\/\*\*[^]*?\*\//.exec(readFileSync(`${entry}.ts`, 'utf8'))
  const text = readFileSync(path, 'utf8')
  const at = text.search(/^import /m)
  writeFileSync(path, `${text.slice(0, at)}${introduction}\n${text.slice(at)}`)
}

/**
 * Writes `ENTRY.d.ts` for each entry. The others import from the first one, which ends with `tail`.
 */
export function bundleTypes(entries, tail) {
  const [main] = entries
  // The paths in the configuration are relative to its file.
  const config = {
    compilationOptions: { preferredConfigPath: '../tsconfig.json' },
    entries: entries.map((entry) => ({
      filePath: `../${entry}.ts`,
      outFile: `${entry}.d.ts`,
      noCheck: true,
      libraries: { allowedTypesLibraries: ['node'] },
      output: { exportReferencedTypes: false },
    })),
  }
  mkdirSync('build', { recursive: true })
  writeFileSync('build/types.json', JSON.stringify(config))
  runScript(
    'dts-bundle-generator/dist/bin/dts-bundle-generator.js',
    '--silent',
    '--config',
    'build/types.json',
  )
  declareFunctions(`build/${main}.d.ts`)
  for (const entry of entries.slice(1)) declarePromised(`build/${main}.d.ts`, `build/${entry}.d.ts`)
  for (const entry of entries.slice(1)) deriveFrom(`build/${main}.d.ts`, `build/${entry}.d.ts`)
  for (const entry of entries) {
    fillIn(`build/${entry}.d.ts`)
    addIntroduction(`build/${entry}.d.ts`, entry)
    if (entry === main) appendFileSync(`build/${entry}.d.ts`, tail)
    replaceFile(`${entry}.d.ts`, `build/${entry}.d.ts`)
  }
}
