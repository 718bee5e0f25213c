// What the settings of a node must not say in a tab that judges: a function that waits, looks at the clock or reaches out of its sandbox, an expression
// that does, a setting that holds messages back. A reading of the words, no proof: who wants to hide it can; the limits of the process hold for all.
import type { Text } from '#contracts/alarm.ts'
import { wordOf, type FlowNode } from './link.ts'

const CODE: [RegExp, zh: string, en: string][] = [
  [/\bset(?:Timeout|Interval|Immediate)\b/, '函数使用了定时器', 'the function sets a timer'],
  [
    /\bDate\s*\.\s*now\b|\bnew\s+Date\b(?!\s*\(\s*[^\s)])|(?<!new\s+)\bDate\s*\(|\bperformance\s*\.\s*now\b|\bhrtime\b/,
    '函数读取系统时钟;请用读数的 ts',
    "the function reads the clock; use the reading's ts",
  ],
  [/\bMath\s*\.\s*random\b|\brandom(?:UUID|Bytes|Int)\b/, '函数使用随机数', 'the function uses chance'],
  [/\bfetch\s*\(|\bXMLHttpRequest\b|\bWebSocket\b/, '函数连接外部网络', 'the function talks to another system'],
  [/\bglobal\s*\.\s*(?:[gs]et|keys)\b/, '函数依赖全局记忆;请用 flow', 'the function remembers for all tabs; use flow'],
  [
    /(?<![.\w$])(?:require|import|eval)\s*\(|(?<![.\w$])process(?:\.\w|\[)|(?<![.\w$])Function\s*\(|\bconstructor\b|\bglobalThis\b/,
    '函数试图越出沙箱(require、process、eval、constructor)',
    'the function reaches out of its sandbox (require, process, eval, constructor)',
  ],
]
const CLOCK_OR_CHANCE = /\$(?:now|millis|random|shuffle)\s*\(/

/** What is wrong with how the node is set; of nodes that may stand there at all. */
export function wrongSettings(node: FlowNode): Text[] {
  if (node.type === 'function') return wrongCode(node)
  if (node.type === 'inject')
    return wordOf(node, 'repeat') !== '' || wordOf(node, 'crontab') !== '' || node['once'] === true
      ? [{ zh: 'inject 节点定时触发', en: 'inject goes off by itself' }]
      : []
  if (node.type === 'link call' && wordOf(node, 'linkType') === 'dynamic')
    return [
      { zh: '由消息决定调用谁,无法检查;请选定目标', en: 'the message decides what it calls, which nobody can check: choose its target' },
    ]
  if (node.type === 'split' && node['stream'] === true) return [HOLDS]
  if (node.type === 'switch' && (node['repair'] === true || rulesOf(node).some(rule => rule['t'] === 'tail'))) return [HOLDS]
  return node.type === 'switch' || node.type === 'change' ? wrongExpressions(node) : []
}

const HOLDS: Text = { zh: '会攒消息,崩溃时丢失', en: 'holds messages back and loses them in a crash' }

function wrongCode(node: FlowNode): Text[] {
  const code = withoutComments(['func', 'initialize', 'finalize'].map(part => wordOf(node, part)).join('\n'))
  const wrong = CODE.flatMap(([pattern, zh, en]) => (pattern.test(code) ? [{ zh, en }] : []))
  const loads = Array.isArray(node['libs']) && node['libs'].length > 0
  return loads ? [...wrong, { zh: '函数加载了模块,这里不能', en: 'the function loads modules, which cannot be here' }] : wrong
}

function wrongExpressions(node: FlowNode): Text[] {
  const rules = rulesOf(node)
  const types = new Set([node['propertyType'], ...rules.flatMap(({ pt, tot, fromt, vt, v2t }) => [pt, tot, fromt, vt, v2t])])
  const wrong: Text[] = []
  if (types.has('date') || CLOCK_OR_CHANCE.test(JSON.stringify([node['property'], rules]) ?? ''))
    wrong.push({ zh: '读取系统时钟或使用随机数;请用读数的 ts', en: "reads the clock or uses chance; use the reading's ts" })
  if (types.has('global')) wrong.push({ zh: '依赖全局记忆;请用 flow', en: 'remembers for all tabs; use flow' })
  return wrong
}

const rulesOf = (node: FlowNode): Record<string, unknown>[] =>
  Array.isArray(node['rules']) ? node['rules'].filter(rule => typeof rule === 'object' && rule !== null) : []

/** Texts stay: a comment mark in one begins no comment. */
const withoutComments = (code: string): string =>
  code.replaceAll(/("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, '$1')
