// The thread behind parser.ts: files in, a rule set or every mistake in them out.
import { parentPort } from 'node:worker_threads'
import { FengsuiError } from '#contracts/errors.ts'
import { createRuleParser } from './load.ts'
import type { ParseAnswer, ParseRequest } from './parser.ts'

const parse = createRuleParser()

function answerTo({ n, name, files }: ParseRequest): ParseAnswer {
  try {
    return { n, ruleSet: parse(name, files) }
  } catch (error) {
    const { code, message } = error instanceof FengsuiError ? error : new FengsuiError('internal', String(error))
    return { n, error: { code, message } }
  }
}

parentPort?.on('message', (request: ParseRequest) => parentPort?.postMessage(answerTo(request), []))
