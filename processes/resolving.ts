// Says where our own modules lie without asking the disk: a relative import of a .ts file and #contracts/ lie where they say. Four processes load
// hundreds of them at each start, and looking each one up took a third of that. Everything else is left to Node.
import { registerHooks } from 'node:module'

const ROOT = new URL('../', import.meta.url).href
const PACKAGES = `${ROOT}node_modules/`
const CONTRACTS = '#contracts/'

/** Where Node would find it; undefined = Node is to look for it. `from`: the URL of who imports. */
export function placeOf(specifier: string, from: string | undefined): string | undefined {
  if (from?.startsWith(ROOT) !== true || from.startsWith(PACKAGES) || !specifier.endsWith('.ts')) return undefined
  if (specifier.startsWith('./') || specifier.startsWith('../')) return new URL(specifier, from).href
  return specifier.startsWith(CONTRACTS) ? `${ROOT}contracts/${specifier.slice(CONTRACTS.length)}` : undefined
}

export const resolveOurs = (): void =>
  void registerHooks({
    resolve(specifier, context, next) {
      const url = placeOf(specifier, context.parentURL)
      return url === undefined ? next(specifier, context) : { url, format: 'module-typescript', shortCircuit: true }
    },
  })
