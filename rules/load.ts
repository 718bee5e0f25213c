// Reads a rule set: a folder of small YAML or JSON files, each a list of rules. Everything wrong is said at once, each with file,
// line, path and what is allowed; a set with one mistake is not used at all, so that the last good one stays in force.
import { createHash } from 'node:crypto'
import { basename, resolve } from 'node:path'
import { Ajv2020 as Ajv, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import { isNode, LineCounter, parseDocument, visit, type Alias, type Document } from 'yaml'
import { isHazard } from '#contracts/alarm.ts'
import { FengsuiError } from '#contracts/errors.ts'
import { isTimeZone } from '#contracts/zone.ts'
import { fileProblems, readRuleFiles, type RuleFiles } from './folder.ts'
import { KINDS } from './kinds/index.ts'
import { RULES_MAX, ruleFileSchema, type Rule, type RuleSet } from './schema.ts'

const PROBLEMS_SHOWN = 20
/** one wrong brace makes many: the first ones tell */
const SYNTAX_PROBLEMS_SHOWN = 2
/** a line that begins with one */
const TAB = /^ *\t/m

// that they are good JSON schemas is held by a test, not looked at again at each start; one run does not pay for making it run fast
const ONCE = { meta: false, validateSchema: false, code: { optimize: false } }
const ajv = new Ajv({ allErrors: true, verbose: true, strictTypes: false, strictRequired: false, ...ONCE })
const validFile = ajv.compile(ruleFileSchema(KINDS))
/** made when the first rule of its kind is read: all of them take longer than the rest of a start that needs few */
const validParameters = new Map<string, ValidateFunction>()
function validFor(kind: string): ValidateFunction | undefined {
  let valid = validParameters.get(kind)
  const parameters = KINDS.find(k => k.name === kind)?.parameters
  if (valid === undefined && parameters !== undefined) validParameters.set(kind, (valid = ajv.compile(parameters)))
  return valid
}

type Path = (string | number)[]
/** One file as it was understood: its sound rules with the line of each, or what is wrong with it. */
type Understood = { text: string; rules: { rule: Rule; line: number }[]; problems: string[] }
type Source = { file: string; lineOf: (path: Path) => number; rules: unknown }

export async function loadRuleSet(dir: string): Promise<RuleSet> {
  return createRuleParser()(basename(resolve(dir)), await readRuleFiles(dir))
}

/** @throws FengsuiError rules-invalid, every problem of every file in one message */
export type RuleParser = (name: string, files: RuleFiles) => RuleSet

/** A parser understands a file anew only when its text has changed: a large set is read again in the time of the one file. */
export function createRuleParser(): RuleParser {
  let known = new Map<string, Understood>()
  return (name, files) => {
    const problems = fileProblems(files)
    if (problems.length > 0) throw invalid(problems)
    const understood = Object.entries(files).map(([file, text]): [string, Understood] => {
      const before = known.get(file)
      return [file, before?.text === text ? before : understand(file, text)]
    })
    known = new Map(understood)
    return together(name, understood)
  }
}

function together(name: string, files: [string, Understood][]): RuleSet {
  const problems: string[] = []
  const rules: Rule[] = []
  const seen = new Map<string, string>()
  for (const [file, understood] of files) {
    problems.push(...understood.problems)
    for (const [i, { rule, line }] of understood.rules.entries()) {
      const where = `${file}:${line}`
      const other = seen.get(rule.id)
      if (other !== undefined) problems.push(`${where}: /${i}/id '${rule.id}' is already used at ${other}; ids are unique in a set`)
      seen.set(rule.id, where)
      rules.push(rule)
    }
  }
  if (rules.length > RULES_MAX) problems.push(`${name}: ${rules.length} rules; at most ${RULES_MAX} are allowed`)
  if (problems.length > 0) throw invalid(problems)
  return ruleSetOf(name, rules)
}

/** The version is a hash of what the rules say, whatever the order of files and keys. */
export function ruleSetOf(name: string, rules: readonly Rule[]): RuleSet {
  const sorted = rules.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  return { name, version: createHash('sha256').update(canonical(sorted)).digest('hex').slice(0, 16), rules: sorted }
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  const entries = Object.entries(value).filter(([, v]) => v !== undefined)
  return `{${entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([k, v]) => `${JSON.stringify(k)}:${canonical(v)}`)
    .join(',')}}`
}

function invalid(problems: string[]): FengsuiError {
  const more = problems.length > PROBLEMS_SHOWN ? `\n... and ${problems.length - PROBLEMS_SHOWN} more` : ''
  return new FengsuiError('rules-invalid', `the rule set cannot be used:\n${problems.slice(0, PROBLEMS_SHOWN).join('\n')}${more}`)
}

function understand(file: string, text: string): Understood {
  const source = sourceOf(file, text)
  if (Array.isArray(source)) return { text, rules: [], problems: source }
  const wrong = schemaProblems(source)
  if (wrong.length > 0) return { text, rules: [], problems: wrong }
  const rules = (source.rules as Rule[]).map((rule, i) => ({ rule: { ...rule, scope: rule.scope ?? {} }, line: source.lineOf([i, 'id']) }))
  return { text, rules, problems: rules.flatMap(({ rule }, i) => senseProblems(rule, i, source)) }
}

/** The list that stands in a file, or what of it is not YAML or JSON. */
function sourceOf(file: string, text: string): Source | string[] {
  const lines = new LineCounter()
  // editors of one system begin every file with a byte-order mark
  const document = parseDocument(text.replace(/^\uFEFF/, ''), { lineCounter: lines })
  const broken = document.errors.map(
    e =>
      `${file}:${e.linePos?.[0].line ?? 1}: not valid YAML or JSON: ${e.message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '')}${TAB.test(text) ? '; YAML indents with spaces, not tabs' : ''}`,
  )
  if (broken.length > 0) return broken.slice(0, SYNTAX_PROBLEMS_SHOWN)
  try {
    const [nothing] = namesOfNothing(document)
    if (nothing !== undefined) {
      const { line } = lines.linePos(nothing.range?.[0] ?? 0)
      return [`${file}:${line}: not valid YAML or JSON: *${nothing.source} stands for nothing before it`]
    }
    return { file, lineOf: path => lineOf(document, lines, path), rules: document.toJS({ maxAliasCount: 100 }) }
  } catch (error) {
    return [`${file}:1: not valid YAML or JSON: ${error instanceof Error ? error.message : String(error)}`]
  }
}

/** Aliases without an anchor before them. */
function namesOfNothing(document: Document): Alias[] {
  const anchors = new Set<string>()
  const found: Alias[] = []
  visit(document, {
    Value(_, node) {
      if (node.anchor !== undefined) anchors.add(node.anchor)
    },
    Alias(_, node) {
      if (!anchors.has(node.source)) found.push(node)
    },
  })
  return found
}

/** The line of the innermost thing on `path` that stands in the file. */
function lineOf(document: Document, lines: LineCounter, path: Path): number {
  for (let depth = path.length; depth >= 0; depth--) {
    const node = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true)
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line
  }
  return 1
}

function schemaProblems(source: Source): string[] {
  if (!Array.isArray(source.rules)) return [`${source.file}:${source.lineOf([])}: / must be array: ${notAList(source.rules)}`]
  if (!validFile(source.rules)) return (validFile.errors ?? []).map(e => schemaProblem(source, e, ''))
  return (source.rules as Rule[]).flatMap((rule, i) => {
    const valid = validFor(rule.kind)
    return valid === undefined || valid(rule.parameters) ? [] : (valid.errors ?? []).map(e => schemaProblem(source, e, `/${i}/parameters`))
  })
}

const notAList = (found: unknown): string =>
  found === null || found === undefined
    ? 'there is no rule in this file; a rule file is a list of rules, each beginning with "- id:". Remove the file if it has none'
    : 'a rule file is a list of rules, each beginning with "- id:"'

function schemaProblem(source: Source, e: ErrorObject, under: string): string {
  const extra = e.params['additionalProperty']
  const path = (under + e.instancePath)
    .split('/')
    .slice(1)
    .map(p => (/^\d+$/.test(p) ? Number(p) : p))
  const at = typeof extra === 'string' ? [...path, extra] : path
  const allowed = Array.isArray(e.params['allowedValues']) ? `: ${e.params['allowedValues'].join(', ')}` : ''
  const meant = e.keyword === 'pattern' ? e.parentSchema?.['description'] : undefined
  const said = typeof meant === 'string' ? `must be ${meant}, not ${JSON.stringify(e.data)}` : e.message
  const known =
    typeof extra === 'string' && typeof e.parentSchema?.['properties'] === 'object'
      ? `; allowed: ${Object.keys(e.parentSchema['properties'] as object).join(', ')}`
      : ''
  return `${source.file}:${source.lineOf(at)}: /${at.join('/')} ${said ?? 'is wrong'}${allowed}${known}`
}

/** What a schema cannot say: the dead band lies on the right side, a window holds its span, only tests are tests. */
function senseProblems(rule: Rule, i: number, source: Source): string[] {
  const p = rule.parameters as Record<string, number | string | undefined>
  const problems: string[] = []
  const say = (path: Path, message: string) =>
    problems.push(`${source.file}:${source.lineOf([i, ...path])}: /${[i, ...path].join('/')} ${message}`)
  if (rule.kind === 'threshold') {
    const inside =
      p['direction'] === 'above' ? Number(p['clearAt']) <= Number(p['threshold']) : Number(p['clearAt']) >= Number(p['threshold'])
    if (!inside) say(['parameters', 'clearAt'], `must lie on the safe side of threshold ${p['threshold']} (direction ${p['direction']})`)
  }
  if (rule.kind === 'sustained' && p['metric'] !== undefined) {
    const inside = p['direction'] === 'above' ? Number(p['clearAt']) <= Number(p['limit']) : Number(p['clearAt']) >= Number(p['limit'])
    if (!inside) say(['parameters', 'clearAt'], `must lie on the safe side of limit ${p['limit']} (direction ${p['direction']})`)
  }
  if (rule.kind === 'fuse') {
    if (Number(p['clearAt']) >= Number(p['raiseAt'])) say(['parameters', 'clearAt'], `must be less than raiseAt (${p['raiseAt']})`)
    for (const [n, { from, to }] of (rule.parameters['terms'] as { from: number; to: number }[]).entries())
      if (from >= to) say(['parameters', 'terms', n, 'to'], `must be more than from (${from})`)
  }
  if (rule.kind === 'sensor-fault' && Number(p['min']) >= Number(p['max']))
    say(['parameters', 'max'], `must be more than min (${p['min']})`)
  if (rule.kind === 'rate-of-rise' && Number(p['minSpanS']) > Number(p['windowS']))
    say(['parameters', 'minSpanS'], `must be at most windowS (${p['windowS']})`)
  if (rule.kind === 'rate-of-rise' && Number(p['clearWithin']) > Number(p['minRise']))
    say(['parameters', 'clearWithin'], `must be at most minRise (${p['minRise']})`)
  if (p['timeZone'] !== undefined && !isTimeZone(String(p['timeZone'])))
    say(['parameters', 'timeZone'], `'${p['timeZone']}' is no name of the time zone database, such as Europe/Berlin`)
  if ((rule.kind === 'device-test') !== (rule.alarm.kind === 'test'))
    say(['alarm', 'kind'], `'test' belongs to kind device-test, and device-test to it`)
  if (rule.alarm.kind === 'test' && rule.alarm.severity !== 4) say(['alarm', 'severity'], 'must be 4 for a test')
  if (isHazard(rule.alarm.kind) && !rule.alarm.latching)
    say(['alarm', 'latching'], `must be true for ${rule.alarm.kind}: a short peak must not be lost`)
  return problems
}
